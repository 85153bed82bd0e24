//! Simple models to stand beside the network. Nothing here is served.
//!
//! Each is fitted on the training learners' answers, then follows one learner at a time: it says p of an answer before the
//! answer is taken in. `logistic` is the sparse solver that the regressions share, `past` what they count about a learner.
//! The dense regression (`best_lr`) reads the network's own features instead, and is asked through the predictor.

mod best_lr;
mod bkt;
mod logistic;
mod one_hot;
mod past;
mod pfa;
mod rasch;
mod regression;

pub use best_lr::{BestLr, FitError};
pub use bkt::Bkt;
pub use one_hot::OneHot;
pub use pfa::Pfa;
pub use rasch::Rasch;
pub use regression::Regression;

use super::dataset::{Answer, Vocabulary};

/// A fitted model that follows learners it has not seen.
pub trait Baseline: Sync {
    /// p(correct) of each answer of one learner, in order, from the answers before it.
    fn follow(&self, vocabulary: &Vocabulary, answers: &[Answer]) -> Vec<f32>;

    /// Numbers that were fitted.
    fn parameters(&self) -> usize;

    /// Passes over the training answers.
    fn rounds(&self) -> usize;
}
