//! The learner model: from a shard's events to members, and from members to predictions.
//!
//! `frame` (Polars) -> `dataset` (vocabulary and sequences) -> `evidence` and `record` (what is counted) -> `batch` -> `network` (made of
//! `ops`) -> `train` -> `evaluate` -> `artefact`; `scene` and `member` are the same sums as they are served;
//! `predictor` is what is served: the plain mean of the members, or the count-based fallback. Only `registry` and `online`
//! know the store, so benches and notebooks need no database. Tensors never leave this folder: callers see vectors.

pub mod ablate;
mod artefact;
pub mod baseline;
mod batch;
pub mod bench;
pub mod checkpoint;
pub mod counts;
pub mod dataset;
pub mod evaluate;
mod evidence;
mod foresee;
pub mod frame;
mod index;
mod math;
mod member;
pub mod metrics;
mod network;
pub mod online;
mod ops;
mod optimiser;
pub mod predictor;
mod random;
mod record;
pub mod registry;
pub mod sample;
mod scene;
pub mod split;
mod state;
#[cfg(test)]
mod tests;
pub mod train;
#[cfg(test)]
mod twin;

pub use crate::config::TrainingConfig;
pub use counts::Counts;
pub use predictor::Predictor;
pub use state::LearnerState;
