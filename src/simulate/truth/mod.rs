//! The learner model held to a truth: simulated learners are known to the bottom, real ones never are.
//!
//! [`study`] lets a cohort live, turns what it did into events, and trains on four learners of five the way a service would.
//! The rest are judged: [`mastery`] against what they truly know, [`recall`] against what they truly still know after a delay,
//! beside a half-life regression ([`half_life`]). [`ablation`] takes away response times, attempt numbers, hints and views;
//! [`sharding`] trains more and smaller members. docs/truth.md tells it in plain words.

pub mod ablation;
pub mod half_life;
pub mod mastery;
pub mod recall;
pub mod sharding;
pub mod study;
#[cfg(test)]
mod tests;

use anyhow::Context;
use serde::Serialize;

use self::recall::Recall;
use self::study::{Study, Training};
use crate::learning::train::Progress;

/// What to ask.
#[derive(Debug, Clone)]
pub struct Questions {
    pub learners: usize,
    pub shards: u16,
    pub seed: u64,
    /// Seeds of the ablation, counted up from `seed`; 0: no ablation.
    pub ablation_seeds: usize,
    /// Also train with 1, 2, 4, 8 and 16 members.
    pub sharding: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub learners: usize,
    pub held_out: usize,
    pub shards: u16,
    pub members: usize,
    pub seed: u64,
    pub mastery_auc: mastery::Mastery,
    pub recall_log_loss: Vec<Recall>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<ablation::Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sharding: Vec<sharding::Row>,
}

/// Simulates, trains and judges. The same questions have the same answers, whatever `threads`.
///
/// # Errors
/// Too few learners to train or to judge on, or `progress` said stop.
pub fn judge(questions: &Questions, training: &Training, progress: &dyn Progress) -> anyhow::Result<Report> {
    // First, as it lets go of its own learners before the study's come.
    let ablation = ablation::judge(questions, training, progress)?;
    let study = Study::new(questions.learners, questions.seed)?;
    let predictor = study.learn(questions.shards, training, progress)?;
    let ends = study.ends(&predictor);
    Ok(Report {
        learners: questions.learners,
        held_out: ends.len(),
        shards: questions.shards,
        members: predictor.members(),
        seed: questions.seed,
        mastery_auc: mastery::judge(&study, &predictor, &ends).context("no held-out learner has answered")?,
        recall_log_loss: recall::judge(&study, &predictor, &ends),
        ablation,
        sharding: if questions.sharding { sharding::judge(&study, training, progress)? } else { Vec::new() },
    })
}
