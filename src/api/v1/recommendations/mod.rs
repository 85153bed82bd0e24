//! What to do next.

pub mod create;
