//! Recommendations: candidates -> eligibility -> scores -> reasons. Pure functions over a catalogue, a predictor and a learner's state.

pub mod types;

pub use types::*;
