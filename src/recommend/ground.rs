//! What every answer stands on but the learner: the predictor, the counts by item number, the policy.

use std::sync::Arc;

use super::policy::Policy;
use super::types::FallbackReason;
use crate::domain::CatalogIndex;
use crate::learning::online::Profile;
use crate::learning::{Counts, Predictor};

/// About whom an answer is.
#[derive(Clone, Copy)]
pub enum Who<'a> {
    /// A learner who may be read; one of whom nothing is known has an empty profile.
    Learner(&'a Profile),
    /// Nobody in particular, and why.
    Anyone(FallbackReason),
}

impl Who<'_> {
    /// Whether the learner's own history shapes the answer; one without history has none to shape it.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Learner(profile) if profile.events > 0)
    }
}

/// Counts of all learners by item number: what is popular, and how the average learner does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Popularity {
    /// Attempts on each item.
    pub attempts: Vec<u32>,
    /// Log of 1 + attempts, over that of the most answered item: 0..=1.
    pub share: Vec<f32>,
    /// Share of right answers, drawn towards the average item's by `Policy::prior_answers`.
    pub success: Vec<f32>,
    /// How much easier the item is than its skills' other items: a difference of logits.
    pub ease: Vec<f32>,
    /// Attempts on the most answered item.
    pub most: u32,
    /// Share of right answers over everything.
    pub average: f32,
}

/// Log of attempts over log of most: ten times the attempts is one step, wherever it starts.
pub fn popularity_value(attempts: f32, most: f32) -> f32 {
    attempts.ln_1p() / most.max(1.0).ln_1p()
}

/// Where nothing was answered yet, an item is taken to be as hard as items usually are.
const USUAL_SUCCESS: f32 = 0.7;

impl Popularity {
    pub fn new(index: &CatalogIndex, counts: &Counts, policy: &Policy) -> Self {
        let tallies: Vec<(i64, i64)> = index.items.iter().map(|item| counts.items.get(item).copied().unwrap_or_default()).collect();
        let (attempts, correct) = tallies.iter().fold((0, 0), |(attempts, correct), (a, c)| (attempts + a, correct + c));
        let average =
            (correct as f32 + policy.prior_answers * USUAL_SUCCESS) / (attempts as f32 + policy.prior_answers).max(f32::MIN_POSITIVE);
        let most = tallies.iter().map(|(attempts, _)| *attempts).max().unwrap_or_default().max(1);
        let share = |attempts: i64| popularity_value(attempts.max(0) as f32, most as f32);
        let success = |(attempts, correct): (i64, i64)| {
            (correct as f32 + policy.prior_answers * average) / (attempts as f32 + policy.prior_answers).max(f32::MIN_POSITIVE)
        };
        let success: Vec<f32> = tallies.iter().copied().map(success).collect();
        let ease = ease(index, &success);
        Self {
            attempts: tallies.iter().map(|(attempts, _)| u32::try_from(*attempts).unwrap_or_default()).collect(),
            share: tallies.iter().map(|(attempts, _)| share(*attempts)).collect(),
            success,
            ease,
            most: u32::try_from(most).unwrap_or(u32::MAX),
            average,
        }
    }
}

pub fn logit(p: f32) -> f32 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The item's logit over the mean of its skills'; for an item without skills its logit itself.
fn ease(index: &CatalogIndex, success: &[f32]) -> Vec<f32> {
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        if count == 0 { 0.0 } else { sum / count as f32 }
    };
    let of_skill: Vec<f32> =
        index.items_of_skill.iter().map(|items| mean(&mut items.iter().map(|item| logit(success[*item as usize])))).collect();
    let item =
        |(item, success): (u32, &f32)| logit(*success) - mean(&mut index.skills_of(item).iter().map(|skill| of_skill[*skill as usize]));
    (0..).zip(success).map(item).collect()
}

/// Immutable; replaced as a whole when anything it was made from changes.
pub struct Ground {
    pub predictor: Predictor,
    pub policy: Arc<Policy>,
    pub popularity: Popularity,
    /// Version of the trained model that speaks; `None`: counts alone.
    pub version: Option<String>,
    /// Why the predictor is less than it could be.
    pub degraded: Option<FallbackReason>,
}

impl Ground {
    pub fn new(predictor: Predictor, policy: Arc<Policy>, version: Option<String>, degraded: Option<FallbackReason>) -> Self {
        let popularity = Popularity::new(predictor.index(), predictor.counts(), &policy);
        Self { predictor, policy, popularity, version, degraded }
    }

    /// The same with newer counts.
    pub fn with_counts(&self, counts: Arc<Counts>) -> Self {
        Self::new(self.predictor.with_counts(counts), self.policy.clone(), self.version.clone(), self.degraded)
    }

    pub fn index(&self) -> &CatalogIndex {
        self.predictor.index()
    }

    /// The model behind an answer about `who`: counts alone answer for nobody in particular.
    pub fn version_for(&self, who: Who<'_>) -> Option<String> {
        match who {
            Who::Learner(_) => self.version.clone(),
            Who::Anyone(_) => None,
        }
    }

    /// The one reason that tells most: what the learner chose, then what the request could not have, then the model's, then that
    /// the learner is new.
    pub fn reason(&self, who: Who<'_>, problem: Option<FallbackReason>) -> Option<FallbackReason> {
        match who {
            Who::Anyone(reason) => Some(reason),
            Who::Learner(profile) => problem.or(self.degraded).or((profile.events == 0).then_some(FallbackReason::NewLearner)),
        }
    }
}
