//! Training one member: a pure function of (dataset, configuration, seed), to the byte.

use super::{TrainingConfig, dataset::Dataset};

/// Told how far a training is; says whether to go on.
pub trait Progress: Sync {
    /// `fraction` in 0..=1. False: stop, the caller no longer wants the result.
    fn report(&self, fraction: f64, message: &str) -> bool;
}

/// Nobody is listening.
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: f64, _: &str) -> bool {
        true
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Fewer learners or answers than a network can be trained on; the shard stays empty and the others serve.
    #[error("too little data: {learners} learners with {answers} answers")]
    TooLittleData { learners: usize, answers: usize },
    #[error("cancelled")]
    Cancelled,
    /// The loss or a weight is not finite.
    #[error("training diverged in epoch {epoch}")]
    Diverged { epoch: usize },
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// What was seen while training.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainingReport {
    pub learners: usize,
    pub answers: usize,
    pub epochs: usize,
    /// Optimiser steps times answers: the cost of this training.
    pub steps: u64,
    pub parameters: usize,
    /// On the shard's own validation learners.
    pub validation_auc: Option<f64>,
    pub validation_log_loss: Option<f64>,
}

/// A trained member: its weights as safetensors bytes (identical for identical input), and the report.
pub struct TrainedMember {
    pub weights: Vec<u8>,
    pub report: TrainingReport,
}

/// Trains one member. `seed` is hash(config.seed, shard).
pub fn train_member(dataset: &Dataset, config: &TrainingConfig, seed: u64, progress: &dyn Progress) -> Result<TrainedMember, TrainError> { todo!() }

/// The seed of a shard's member.
pub fn member_seed(config_seed: u64, shard: crate::domain::ShardId) -> u64 {
    crate::domain::hash::Hasher::new("parcours 2026 member seed").number(config_seed).number(u64::from(shard.0)).finish_u64()
}
