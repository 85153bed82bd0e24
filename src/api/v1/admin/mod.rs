//! What changes the served model.

pub mod refresh;
pub mod rollback;
