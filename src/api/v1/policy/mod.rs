//! What the tenant has decided.

pub mod show;
pub mod update;
