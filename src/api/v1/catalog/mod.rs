//! What can be learned.

pub mod show;
