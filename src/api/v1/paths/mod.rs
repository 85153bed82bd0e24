//! The way to a goal.

pub mod create;
