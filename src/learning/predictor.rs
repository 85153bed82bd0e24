//! What is served: the plain mean of the active members' predictions, or, with no member at all, the count-based fallback.
//!
//! A member's output is never exposed: only the mean and the spread over members leave this file.

use std::sync::Arc;

use super::baseline::BestLr;
use super::features::{Description, Evidence, Record, Standing};
use super::foresee::Prospects;
use super::math::sigmoid;
use super::member::{Member, Target};
use super::state::{Counted, LearnerState};
use super::{Counts, artefact, index::Index};
use crate::domain::{Catalog, CatalogIndex, Event, ItemId, Micros, SkillId};

/// Probability of a right answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    pub p_correct: f32,
    /// Standard deviation over the members; 0 with one member. Not a confidence interval.
    pub spread: f32,
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

/// A loaded model, ready to predict for any learner. Immutable; replaced as a whole when anything it was made from changes.
/// States belong to the predictor that made them (and to its `with_counts` siblings).
#[derive(Clone)]
pub struct Predictor {
    counts: Arc<Counts>,
    index: Arc<Index>,
    evidence: Arc<Evidence>,
    members: Arc<Vec<Member>>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("artefact is not a member of this kind: {0}")]
    Corrupt(String),
}

impl Predictor {
    /// `members`: safetensors bytes of the active members. Empty: the fallback from counts alone.
    ///
    /// # Errors
    /// An artefact cannot be read, lacks a tensor, or has one of another shape.
    pub fn load(members: &[Vec<u8>], catalog: Arc<Catalog>, counts: Arc<Counts>) -> Result<Self, LoadError> {
        let index = Arc::new(Index::new(Arc::new(CatalogIndex::new(catalog)), &counts));
        let evidence = Arc::new(index.evidence(&counts));
        let members =
            members.iter().map(|bytes| artefact::decode(bytes).and_then(|(header, tensors)| Member::load(&header, &tensors, &index)));
        Ok(Self { members: Arc::new(members.collect::<Result<_, _>>()?), counts, index, evidence })
    }

    /// The same weights and catalogue with newer counts; cheap. Items first answered since `load` have no count of their own yet.
    pub fn with_counts(&self, counts: Arc<Counts>) -> Self {
        Self { evidence: Arc::new(self.index.evidence(&counts)), counts, ..self.clone() }
    }

    /// How many members speak; 0: the fallback.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        self.index.catalog.catalog()
    }

    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// The catalogue by number. The functions ending in `_at` take these numbers; they must be in range.
    pub fn index(&self) -> &Arc<CatalogIndex> {
        &self.index.catalog
    }

    /// The state of a learner who has not answered yet, whose answers will be part of the counts as they come.
    pub fn new_state(&self) -> LearnerState {
        LearnerState { members: vec![Default::default(); self.members.len()], ..LearnerState::default() }
    }

    /// The state of a learner whose answers are *not* part of the counts: held out of training, or played by a simulation.
    pub fn new_held_out_state(&self) -> LearnerState {
        LearnerState { counted: Counted::Nothing, ..self.new_state() }
    }

    /// Takes one event in. Events must come in (occurred_at, key) order. What is not an answer only moves the time the item was last seen.
    pub fn advance(&self, state: &mut LearnerState, event: &Event) {
        let item = self.index.item(&event.item);
        if let Some(item) = item {
            state.seen.insert(item, event.occurred_at.0);
        }
        if let (true, Some(correct)) = (event.is_answer(), event.correct) {
            let skills = self.index.skills_or_hints(item, &event.skill_hints);
            self.answer(state, item, &skills, correct, event.occurred_at.0);
        }
    }

    /// As `advance`, for an answer that was not given: what would the state be after it?
    pub fn simulate(&self, state: &LearnerState, item: &ItemId, correct: bool, now: Micros) -> LearnerState {
        self.imagine(state, self.index.item(item), correct, now)
    }

    /// As `simulate`, by item number.
    pub fn simulate_at(&self, state: &LearnerState, item: u32, correct: bool, now: Micros) -> LearnerState {
        self.imagine(state, Some(item), correct, now)
    }

    fn imagine(&self, state: &LearnerState, item: Option<u32>, correct: bool, now: Micros) -> LearnerState {
        let mut after = state.imagined();
        self.answer(&mut after, item, self.index.skills_of(item), correct, now.0);
        after
    }

    fn answer(&self, state: &mut LearnerState, item: Option<u32>, skills: &[u32], correct: bool, time: i64) {
        let description = self.evidence.describe(&state.record, state.counted(), item, skills);
        let target = Target { item, skills };
        for (member, state_in) in self.members.iter().zip(&mut state.members) {
            member.advance(state_in, &state.record, target, &description, correct, time);
        }
        state.record.note(item, skills, correct, description.expected, time);
    }

    /// Predictions for `items` if they were asked `now`. Items nobody has seen are predicted from their skills.
    pub fn predict(&self, state: &LearnerState, items: &[ItemId], now: Micros) -> Vec<Prediction> {
        self.score(state, items.iter().map(|item| self.index.item(item)), now)
    }

    /// As `predict`, by item numbers.
    pub fn predict_at(&self, state: &LearnerState, items: &[u32], now: Micros) -> Vec<Prediction> {
        self.score(state, items.iter().copied().map(Some), now)
    }

    /// Predictions for all catalogue items, in catalogue order.
    pub fn predict_all(&self, state: &LearnerState, now: Micros) -> Vec<Prediction> {
        self.score(state, (0..self.index.catalog.items.len() as u32).map(Some), now)
    }

    fn score(&self, state: &LearnerState, items: impl Iterator<Item = Option<u32>>, now: Micros) -> Vec<Prediction> {
        self.mean(state, &items.map(|item| Target { item, skills: self.index.skills_of(item) }).collect::<Vec<_>>(), now)
    }

    /// The plain mean of the members' probabilities.
    fn mean(&self, state: &LearnerState, targets: &[Target<'_>], now: Micros) -> Vec<Prediction> {
        let describe = |target: &Target<'_>| self.evidence.describe(&state.record, state.counted(), target.item, target.skills);
        let descriptions: Vec<Description> = targets.iter().map(describe).collect();
        if self.members.is_empty() {
            return descriptions.iter().map(|description| Prediction { p_correct: fallback(description), spread: 0.0 }).collect();
        }
        let mut sums = vec![(0.0f32, 0.0f32); targets.len()];
        for (member, state_in) in self.members.iter().zip(&state.members) {
            let logits = member.score(state_in, &state.record, targets, &descriptions, now.0);
            for ((sum, square), p) in sums.iter_mut().zip(logits.into_iter().map(sigmoid)) {
                *sum += p;
                *square += p * p;
            }
        }
        let count = self.members.len() as f32;
        let prediction = |(sum, square): (f32, f32)| {
            let mean = sum / count;
            Prediction { p_correct: mean, spread: if count > 1.0 { (square / count - mean * mean).max(0.0).sqrt() } else { 0.0 } }
        };
        sums.into_iter().map(prediction).collect()
    }

    /// Mastery of skills: p(correct) on an item of average difficulty of that skill. In the order of `skills`.
    pub fn mastery(&self, state: &LearnerState, skills: &[SkillId], now: Micros) -> Vec<Prediction> {
        self.master(state, skills.iter().map(|skill| self.index.catalog.skill(skill)), now)
    }

    /// Mastery of all skills of the index, in its order.
    pub fn mastery_all(&self, state: &LearnerState, now: Micros) -> Vec<Prediction> {
        self.master(state, (0..self.index.catalog.skills.len() as u32).map(Some), now)
    }

    fn master(&self, state: &LearnerState, skills: impl Iterator<Item = Option<u32>>, now: Micros) -> Vec<Prediction> {
        let skills: Vec<Option<u32>> = skills.collect();
        self.mean(state, &skills.iter().map(|skill| Target { item: None, skills: skill.as_slice() }).collect::<Vec<_>>(), now)
    }

    /// For each item (100 or so): p(correct), and the mean mastery of the item's own skills now, after a right and after a wrong answer.
    /// The heart of a recommendation: equal to `simulate_at` and `mastery`, but no state is copied, and all items go through each
    /// member together.
    pub fn foresee_at(&self, state: &LearnerState, items: &[u32], now: Micros) -> Vec<Foresight> {
        let targets: Vec<Target<'_>> =
            items.iter().map(|&item| Target { item: Some(item), skills: self.index.skills_of(Some(item)) }).collect();
        let prospects = Prospects::new(&self.evidence, &state.record, state.counted(), &targets, now.0);
        let predictions = self.mean(state, &targets, now);
        let mut skills: Vec<u32> = targets.iter().flat_map(|target| target.skills).copied().collect();
        skills.sort_unstable();
        skills.dedup();
        let known = self.master(state, skills.iter().copied().map(Some), now);
        let mut after = vec![0.0; prospects.after.len()];
        if self.members.is_empty() {
            after.iter_mut().zip(&prospects.after).for_each(|(p, description)| *p = fallback(description));
        }
        for (member, state_in) in self.members.iter().zip(&state.members) {
            let logits = member.foresee(state_in, &state.record, &targets, &prospects, now.0);
            after.iter_mut().zip(logits).for_each(|(p, logit)| *p += sigmoid(logit) / self.members.len() as f32);
        }
        let (wrong, right) = after.split_at(prospects.pairs.len());
        let mut start = 0;
        let foresight = |(target, prediction): (&Target<'_>, Prediction)| {
            let own = start..start + target.skills.len();
            start = own.end;
            let share = 1.0 / target.skills.len().max(1) as f32;
            let now_at = |skill: &u32| skills.binary_search(skill).map_or(0.0, |at| known[at].p_correct);
            Foresight {
                p_correct: prediction.p_correct,
                mastery: target.skills.iter().map(now_at).sum::<f32>() * share,
                after_right: right[own.clone()].iter().sum::<f32>() * share,
                after_wrong: wrong[own].iter().sum::<f32>() * share,
            }
        };
        targets.iter().zip(predictions).map(foresight).collect()
    }

    /// For comparison: what a logistic regression on counts says of the next answer.
    pub fn best_lr(&self, model: &BestLr, state: &LearnerState, item: &ItemId) -> f32 {
        let item = self.index.item(item);
        model.p_correct(&self.evidence.describe(&state.record, state.counted(), item, self.index.skills_of(item)))
    }

    /// For comparison: the item's rate, shrunken to its skills'.
    pub fn item_mean(&self, item: &ItemId) -> f32 {
        let item = self.index.item(item);
        self.evidence.describe(&Record::default(), None, item, self.index.skills_of(item)).expected
    }

    /// For comparison: the rate of right answers over everything.
    pub fn overall_mean(&self) -> f32 {
        self.evidence.overall_rate()
    }

    /// Answers this learner has given so far, on this skill (attempts, correct).
    pub fn tally_skill(&self, state: &LearnerState, skill: &SkillId) -> (u32, u32) {
        counted(self.index.catalog.skill(skill).and_then(|skill| state.record.skills.get(&skill)))
    }

    /// The same on an item, with the time of the last event on it.
    pub fn tally_item(&self, state: &LearnerState, item: &ItemId) -> (u32, u32, Option<Micros>) {
        let Some(item) = self.index.item(item) else { return (0, 0, None) };
        let (attempts, correct) = counted(state.record.items.get(&item));
        (attempts, correct, state.seen.get(&item).copied().map(Micros))
    }

    /// All answers of this learner (attempts, correct).
    pub fn tally(&self, state: &LearnerState) -> (u32, u32) {
        counted(Some(&state.record.overall))
    }
}

fn counted(standing: Option<&Standing>) -> (u32, u32) {
    standing.map_or((0, 0), |standing| (standing.tally.attempts as u32, standing.tally.right as u32))
}

/// p(correct) from counts alone: the item's shrunken logit, moved by how the learner did above or below what was expected of
/// their items, overall and on the skill. Nothing in it is fitted, so there is nothing to unlearn but the integers.
fn fallback(description: &Description) -> f32 {
    let features = &description.features;
    sigmoid(description.base + 0.8 * features[super::features::OVERALL_SURPLUS] + features[super::features::SKILL_SURPLUS])
}
