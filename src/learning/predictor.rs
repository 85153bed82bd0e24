//! What is served: the plain mean of the active members' predictions, or, with no member at all, the count-based fallback.
//!
//! A member's output is never exposed: only the mean and the spread over members leave this file.

use std::sync::Arc;

use multiversion::multiversion;

use super::baseline::BestLr;
use super::dataset::Marks;
use super::evidence::Evidence;
use super::foresee::Prospects;
use super::math::{logit, sigmoid};
use super::member::{Input, Member};
use super::record::{LEARNER_FEATURES, OVERALL_SURPLUS, Record, SKILL_SURPLUS, Standing, answer_features};
use super::scene::{Others, Scene, Subject, Target};
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

    /// Says that the answers among `events`, all of a learner's, are part of the live counts, though the state may not have taken
    /// them in yet: none of them speaks of *others*. Holds until [`Self::caught_up`].
    pub fn catch_up(&self, state: &mut LearnerState, events: &[Event]) {
        if !matches!(state.counted, Counted::All) {
            return;
        }
        let mut own = Record::default();
        for event in events.iter().filter(|event| event.is_answer()) {
            // Items the index has not met are in no count yet.
            let Some(item) = self.index.item(&event.item) else { continue };
            own.note(Some(item), self.index.skills_of(Some(item)), event.correct == Some(true), 0.0, event.occurred_at.0);
        }
        state.counted = Counted::Before(Arc::new(own));
    }

    /// The state has taken in all that is part of the live counts.
    pub fn caught_up(&self, state: &mut LearnerState) {
        if matches!(state.counted, Counted::Before(_)) {
            state.counted = Counted::All;
        }
    }

    /// Takes one event in. Events must come in (occurred_at, key) order. What is not an answer says that item and skills were met.
    pub fn advance(&self, state: &mut LearnerState, event: &Event) {
        let item = self.index.item(&event.item);
        if let Some(item) = item {
            state.seen.insert(item, event.occurred_at.0);
        }
        let skills = self.index.skills_or_hints(item, &event.skill_hints);
        match event.correct {
            Some(correct) if event.is_answer() => {
                let marks = Marks { response_ms: event.response_ms, attempt_number: event.attempt_number, hints: event.hints };
                self.answer(state, Target { item, skills: &skills }, &marks, correct, event.occurred_at.0);
            }
            _ => state.record.view(item, &skills),
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
        self.answer(&mut after, Target { item, skills: self.index.skills_of(item) }, &Marks::default(), correct, now.0);
        after
    }

    fn answer(&self, state: &mut LearnerState, target: Target<'_>, marks: &Marks, correct: bool, time: i64) {
        let Target { item, skills } = target;
        // What was shown of the skills until now, and right after: see `lifted`.
        let others = self.others(state);
        let before: Vec<f32> = self.known(&others, state, skills, time);
        let scene = Scene::new(&others, &state.record, [target].into_iter(), time);
        drop(others);
        let (features, marks) = (scene.features(&scene.subjects[0]), answer_features(marks));
        let answer = Input { skills, features: &features, marks: &marks, correct, time };
        for (member, state_in) in self.members.iter().zip(&mut state.members) {
            member.advance(state_in, &state.record, answer);
        }
        state.record.note(item, skills, correct, scene.subjects[0].view.expected, time);
        let old: Vec<f32> = skills.iter().map(|skill| state.lift.remove(skill).unwrap_or_default()).collect();
        let after = self.known(&self.others(state), state, skills, time);
        for (((skill, before), lift), after) in skills.iter().zip(before).zip(old).zip(after) {
            let lift = lift_of(correct, logit(before) + lift, logit(after));
            if lift != 0.0 {
                state.lift.insert(*skill, lift);
            }
        }
    }

    /// The members' mean mastery of skills, not lifted.
    fn known(&self, others: &Others<'_>, state: &LearnerState, skills: &[u32], time: i64) -> Vec<f32> {
        let targets = skills.iter().map(|skill| Target { item: None, skills: std::slice::from_ref(skill) });
        let scene = Scene::new(others, &state.record, targets, time);
        self.mean_of(state, &scene, Micros(time)).iter().map(|prediction| prediction.p_correct).collect()
    }

    fn others<'a>(&'a self, state: &'a LearnerState) -> Others<'a> {
        Others::new(&self.evidence, &self.index, state.counted())
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
        self.mean(state, items.map(|item| Target { item, skills: self.index.skills_of(item) }), now)
    }

    /// The plain mean of the members' probabilities.
    fn mean<'a>(&self, state: &LearnerState, targets: impl Iterator<Item = Target<'a>>, now: Micros) -> Vec<Prediction> {
        self.mean_of(state, &Scene::new(&self.others(state), &state.record, targets, now.0), now)
    }

    fn mean_of(&self, state: &LearnerState, scene: &Scene<'_>, now: Micros) -> Vec<Prediction> {
        if self.members.is_empty() {
            return scene.subjects.iter().map(|subject| Prediction { p_correct: fallback(scene, subject), spread: 0.0 }).collect();
        }
        let mut sums = Sums::new(scene.subjects.len());
        for (member, state_in) in self.members.iter().zip(&state.members) {
            sums.add(&member.score(state_in, &state.record, scene, now.0));
        }
        sums.predictions(self.members.len() as f32)
    }

    /// Mastery of skills: p(correct) on an item of average difficulty of that skill. In the order of `skills`. A right answer never
    /// lowers what is shown of its skills, a wrong one never raises it.
    pub fn mastery(&self, state: &LearnerState, skills: &[SkillId], now: Micros) -> Vec<Prediction> {
        self.master(state, skills.iter().map(|skill| self.index.catalog.skill(skill)), now)
    }

    /// Mastery of all skills of the index, in its order.
    pub fn mastery_all(&self, state: &LearnerState, now: Micros) -> Vec<Prediction> {
        self.master(state, (0..self.index.catalog.skills.len() as u32).map(Some), now)
    }

    /// Mastery that is left after `delay` microseconds without an answer: never more than there is now.
    pub fn recall(&self, state: &LearnerState, skills: &[SkillId], now: Micros, delay: i64) -> Vec<Prediction> {
        let later = self.mastery(state, skills, Micros(now.0.saturating_add(delay.max(0))));
        let least = |(now, later): (Prediction, Prediction)| Prediction { p_correct: now.p_correct.min(later.p_correct), ..later };
        self.mastery(state, skills, now).into_iter().zip(later).map(least).collect()
    }

    fn master(&self, state: &LearnerState, skills: impl Iterator<Item = Option<u32>>, now: Micros) -> Vec<Prediction> {
        let skills: Vec<Option<u32>> = skills.collect();
        let known = self.mean(state, skills.iter().map(|skill| Target { item: None, skills: skill.as_slice() }), now);
        let lift = |skill: &Option<u32>| skill.and_then(|skill| state.lift.get(&skill).copied());
        let lifted = |(mut known, skill): (Prediction, &Option<u32>)| {
            if let Some(lift) = lift(skill) {
                known.p_correct = sigmoid(logit(known.p_correct) + lift);
            }
            known
        };
        known.into_iter().zip(&skills).map(lifted).collect()
    }

    /// For each item (100 or so): p(correct), and the mean mastery of the item's own skills now, after a right and after a wrong answer.
    /// The heart of a recommendation: equal to `simulate_at` and `mastery`, but no state is copied, and all items go through each
    /// member together.
    pub fn foresee_at(&self, state: &LearnerState, items: &[u32], now: Micros) -> Vec<Foresight> {
        let others = self.others(state);
        let targets = items.iter().map(|&item| Target { item: Some(item), skills: self.index.skills_of(Some(item)) });
        let scene = Scene::new(&others, &state.record, targets, now.0);
        let prospects = Prospects::new(&others, &state.record, &scene, now.0);
        let predictions = self.mean_of(state, &scene, now);
        let mut skills: Vec<u32> = scene.groups.iter().flat_map(|group| group.skills).copied().collect();
        skills.sort_unstable();
        skills.dedup();
        let known = self.master(state, skills.iter().copied().map(Some), now);
        let mut after = vec![0.0; prospects.base.len()];
        if self.members.is_empty() {
            after = prospects.fallback();
        }
        for (member, state_in) in self.members.iter().zip(&state.members) {
            let logits = member.foresee(state_in, &state.record, &prospects, now.0);
            after.iter_mut().zip(logits).for_each(|(p, logit)| *p += sigmoid(logit) / self.members.len() as f32);
        }
        let now_at = |skill: u32| skills.binary_search(&skill).map_or(0.0, |at| known[at].p_correct);
        let (wrong, right) = after.split_at(prospects.pairs.len());
        let mut start = 0;
        let foresight = |(subject, prediction): (&Subject, Prediction)| {
            let of = scene.groups[subject.group as usize].skills;
            let own = start..start + of.len();
            start = own.end;
            let share = 1.0 / of.len().max(1) as f32;
            let shown = |correct: bool, after: &[f32]| -> f32 {
                let of_skill = |(skill, after): (&u32, &f32)| {
                    let after = logit(*after);
                    sigmoid(after + lift_of(correct, logit(now_at(*skill)), after))
                };
                of.iter().zip(after).map(of_skill).sum::<f32>() * share
            };
            Foresight {
                p_correct: prediction.p_correct,
                mastery: of.iter().map(|skill| now_at(*skill)).sum::<f32>() * share,
                after_right: shown(true, &right[own.clone()]),
                after_wrong: shown(false, &wrong[own]),
            }
        };
        scene.subjects.iter().zip(predictions).map(foresight).collect()
    }

    /// For comparison: what a logistic regression on counts says of the next answer.
    pub fn best_lr(&self, model: &BestLr, state: &LearnerState, item: &ItemId, now: Micros) -> f32 {
        let scene = self.scene_of(state, item, now);
        model.p_correct(&scene.features(&scene.subjects[0]))
    }

    /// For comparison: the item's rate, shrunken to its skills'.
    pub fn item_mean(&self, item: &ItemId) -> f32 {
        let item = self.index.item(item);
        let nobody = Record::default();
        let target = Target { item, skills: self.index.skills_of(item) };
        Scene::new(&Others::new(&self.evidence, &self.index, None), &nobody, [target].into_iter(), 0).subjects[0].view.expected
    }

    fn scene_of(&self, state: &LearnerState, item: &ItemId, now: Micros) -> Scene<'_> {
        let item = self.index.item(item);
        let target = Target { item, skills: self.index.skills_of(item) };
        Scene::new(&self.others(state), &state.record, [target].into_iter(), now.0)
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

/// Of the members' probabilities, and of their squares.
struct Sums {
    plain: Vec<f32>,
    squares: Vec<f32>,
}

impl Sums {
    fn new(count: usize) -> Self {
        Self { plain: vec![0.0; count], squares: vec![0.0; count] }
    }

    fn add(&mut self, logits: &[f32]) {
        #[multiversion(targets("x86_64+avx2"))]
        fn add(logits: &[f32], plain: &mut [f32], squares: &mut [f32]) {
            for ((logit, sum), square) in logits.iter().zip(plain).zip(squares) {
                let p = sigmoid(*logit);
                *sum += p;
                *square += p * p;
            }
        }
        add(logits, &mut self.plain, &mut self.squares);
    }

    fn predictions(&self, members: f32) -> Vec<Prediction> {
        let prediction = |(sum, square): (&f32, &f32)| {
            let mean = sum / members;
            let spread = if members > 1.0 { (square / members - mean * mean).max(0.0).sqrt() } else { 0.0 };
            Prediction { p_correct: mean, spread }
        };
        self.plain.iter().zip(&self.squares).map(prediction).collect()
    }
}

/// What is added to a logit of mastery right after an answer: as little as keeps a right answer from lowering what was shown
/// before it, and a wrong one from raising it.
fn lift_of(correct: bool, before: f32, after: f32) -> f32 {
    let difference = before - after;
    if correct { difference.max(0.0) } else { difference.min(0.0) }
}

/// p(correct) from counts alone: the item's shrunken logit, moved by how the learner did above or below what was expected of
/// their items, overall and on the skill. Nothing in it is fitted, so there is nothing to unlearn but the integers.
pub(super) fn fallback_of(base: f32, learner: &[f32; LEARNER_FEATURES]) -> f32 {
    sigmoid(base + 0.8 * learner[OVERALL_SURPLUS] + learner[SKILL_SURPLUS])
}

fn fallback(scene: &Scene<'_>, subject: &Subject) -> f32 {
    fallback_of(subject.view.base, &scene.groups[subject.group as usize].learner)
}
