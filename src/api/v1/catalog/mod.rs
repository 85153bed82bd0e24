//! What can be learned.

pub mod show;
pub mod update;
