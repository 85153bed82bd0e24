//! What is served: the plain mean of the active members' predictions, or, below quorum, the count-based fallback.
//!
//! A member's output is never exposed: only the mean and the spread over members leave this file.

use std::sync::Arc;

use crate::domain::{Catalog, CatalogIndex, Event, ItemId, Micros, SkillId};
use super::Counts;

/// Probability of a right answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    pub p_correct: f32,
    /// Standard deviation over the members; 0 with one member. Not a confidence interval.
    pub spread: f32,
}

/// A learner's state in all members: advanced in O(1) per event, rebuilt from events at will.
#[derive(Debug, Clone)]
pub struct LearnerState {
    _private: (),
}

/// A loaded model, ready to predict for any learner. Immutable; replaced as a whole when anything it was made from changes.
pub struct Predictor {
    _private: (),
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("artefact is not a member of this kind: {0}")]
    Corrupt(String),
}

impl Predictor {
    /// `members`: safetensors bytes of the active members. Empty: the fallback from counts alone.
    pub fn load(members: &[Vec<u8>], catalog: Arc<Catalog>, counts: Arc<Counts>) -> Result<Self, LoadError> { todo!() }
    /// The same weights with another catalogue or newer counts; cheap.
    pub fn with_counts(&self, counts: Arc<Counts>) -> Self { todo!() }
    /// How many members speak; 0: the fallback.
    pub fn members(&self) -> usize { todo!() }
    pub fn catalog(&self) -> &Arc<Catalog> { todo!() }
    pub fn counts(&self) -> &Arc<Counts> { todo!() }
    /// The catalogue by number. The functions ending in `_at` take these numbers; they must be in range.
    pub fn index(&self) -> &Arc<CatalogIndex> { todo!() }
    pub fn new_state(&self) -> LearnerState { todo!() }
    /// Takes one event in. Events must come in (occurred_at, key) order.
    pub fn advance(&self, state: &mut LearnerState, event: &Event) { todo!() }
    /// As `advance`, for an answer that was not given: what would the state be after it?
    pub fn simulate(&self, state: &LearnerState, item: &ItemId, correct: bool, now: Micros) -> LearnerState { todo!() }
    /// Predictions for `items` if they were asked `now`. Items nobody has seen are predicted from their skills.
    pub fn predict(&self, state: &LearnerState, items: &[ItemId], now: Micros) -> Vec<Prediction> { todo!() }
    /// Predictions for all catalogue items, in catalogue order.
    pub fn predict_all(&self, state: &LearnerState, now: Micros) -> Vec<Prediction> { todo!() }
    /// Mastery of skills: p(correct) on an item of average difficulty of that skill.
    pub fn mastery(&self, state: &LearnerState, skills: &[SkillId], now: Micros) -> Vec<Prediction> { todo!() }
    /// Answers this learner has given so far, on this skill (attempts, correct).
    pub fn tally_skill(&self, state: &LearnerState, skill: &SkillId) -> (u32, u32) { todo!() }
    /// The same on an item, with the time of the last event on it.
    pub fn tally_item(&self, state: &LearnerState, item: &ItemId) -> (u32, u32, Option<Micros>) { todo!() }
    /// All answers of this learner (attempts, correct).
    pub fn tally(&self, state: &LearnerState) -> (u32, u32) { todo!() }
    /// As `predict`, by item numbers.
    pub fn predict_at(&self, state: &LearnerState, items: &[u32], now: Micros) -> Vec<Prediction> { todo!() }
    /// Mastery of all skills of the index, in its order.
    pub fn mastery_all(&self, state: &LearnerState, now: Micros) -> Vec<Prediction> { todo!() }
    /// As `simulate`, by item number.
    pub fn simulate_at(&self, state: &LearnerState, item: u32, correct: bool, now: Micros) -> LearnerState { todo!() }
    /// For each item (100 or so): p(correct), and the mean mastery of the item's own skills now, after a right and after a wrong answer.
    /// The heart of a recommendation: no state is copied, all items go through each member together.
    pub fn foresee_at(&self, state: &LearnerState, items: &[u32], now: Micros) -> Vec<Foresight> { todo!() }
}

/// What an answer would change, without giving it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foresight {
    pub p_correct: f32,
    /// Mean mastery of the item's skills: now, after a right answer, after a wrong one. All 0 for an item without skills.
    pub mastery: f32,
    pub after_right: f32,
    pub after_wrong: f32,
}
