//! What learners did.

pub mod create;
