//! The learner model: from a shard's events to members, and from members to predictions.
//!
//! `frame` (Polars) -> `dataset` (vocabulary and sequences) -> `features` -> `network` -> `train` -> `evaluate` -> `artefact`;
//! `predictor` is what is served: the plain mean of the members, or the count-based fallback. Only `registry` and `online`
//! know the store, so benches and notebooks need no database. Tensors never leave this folder: callers see vectors.

pub mod counts;
pub mod dataset;
mod features;
pub mod frame;
mod index;
mod math;
pub mod online;
pub mod predictor;
pub mod registry;
pub mod split;
mod state;
pub mod train;

pub use crate::config::TrainingConfig;
pub use counts::Counts;
pub use predictor::Predictor;
pub use state::LearnerState;
