//! What changes the served model.

pub mod refresh;
