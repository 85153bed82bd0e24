//! Events that could not be used as they came.

pub mod list;
