//! What came of a recommendation.

pub mod create;
