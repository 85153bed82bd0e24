//! The learner model: from a shard's events to members, and from members to predictions.
//!
//! `frame` (Polars) -> `dataset` (vocabulary and sequences) -> `features` -> `network` -> `train` -> `evaluate` -> `artefact`;
//! `predictor` is what is served: the plain mean of the members, or the count-based fallback. Only `registry` and `online`
//! know the store, so benches and notebooks need no database. Tensors never leave this folder: callers see vectors.

mod artefact;
pub mod baseline;
mod batch;
pub mod bench;
pub mod counts;
pub mod dataset;
pub mod evaluate;
mod features;
mod foresee;
pub mod frame;
mod index;
mod linear;
mod math;
mod member;
pub mod metrics;
mod network;
pub mod online;
mod optimiser;
pub mod predictor;
mod random;
mod recurrence;
pub mod registry;
pub mod sample;
pub mod split;
mod state;
#[cfg(test)]
mod tests;
pub mod train;

pub use crate::config::TrainingConfig;
pub use counts::Counts;
pub use predictor::Predictor;
pub use state::LearnerState;
