//! How likely right answers are.

pub mod create;
