//! Everything that is measured on one model's scores.

use serde::Serialize;

use super::bootstrap::{Draws, Interval, bootstrap};
use super::exam::Exam;
use super::reliability::{Bin, diagram};
use super::score::Scored;
use super::slices::{Grouping, Slice, groupings, standard};
use super::spread::{SpreadCheck, check};
use crate::learning::metrics::Metrics;

#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The middle 95 % of the bootstrap's draws; `None` without draws.
    pub auc_low: Option<f64>,
    pub auc_high: Option<f64>,
    pub log_loss_low: Option<f64>,
    pub log_loss_high: Option<f64>,
    pub bootstrap_draws: usize,
    pub reliability: Vec<Bin>,
    pub slices: Vec<Slice>,
    pub groupings: Vec<Grouping>,
    /// Of an ensemble.
    pub spread: Option<SpreadCheck>,
    #[serde(skip)]
    pub draws: Draws,
}

impl Judgement {
    /// `groups`: of each candidate, when a file named them. `None` when nothing was scored.
    pub fn of(exam: &Exam, scored: &[Scored], groups: Option<&[String]>, draws: usize, seed: u64, threads: usize) -> Option<Self> {
        let pairs: Vec<(f32, bool)> = scored.iter().map(|scored| (scored.p, scored.correct)).collect();
        let metrics = Metrics::of(&pairs)?;
        let draws = bootstrap(scored, exam.candidates.len(), draws, seed, threads);
        let (auc, log_loss) = (Interval::of(draws.auc.iter().copied()), Interval::of(draws.log_loss.iter().copied()));
        Some(Self {
            metrics,
            auc_low: auc.map(|interval| interval.low),
            auc_high: auc.map(|interval| interval.high),
            log_loss_low: log_loss.map(|interval| interval.low),
            log_loss_high: log_loss.map(|interval| interval.high),
            bootstrap_draws: draws.auc.len(),
            reliability: diagram(scored),
            slices: standard(exam, scored),
            groupings: groupings(exam, scored, groups),
            spread: check(scored),
            draws,
        })
    }
}
