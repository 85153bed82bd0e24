//! What is known of a learner.

pub mod ask;
