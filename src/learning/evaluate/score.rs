//! What a model says of every scored answer, before it is taken in.

use super::exam::{Candidate, Exam};
use super::members::side_by_side;
use crate::domain::Event;
use crate::learning::baseline::Baseline;
use crate::learning::predictor::{Prediction, Predictor};
use crate::learning::state::LearnerState;

/// One scored answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Position among the exam's candidates.
    pub learner: u32,
    /// Answers the learner gave before.
    pub position: u32,
    /// Position in the exam's vocabulary.
    pub item: u32,
    pub p: f32,
    /// Over the members; 0 without.
    pub spread: f32,
    pub correct: bool,
}

fn each_learner(exam: &Exam, threads: usize, judge: impl Fn(&Candidate) -> Vec<Prediction> + Sync) -> Vec<Scored> {
    let score = |place: usize| {
        let candidate = &exam.candidates[place];
        let predictions = judge(candidate);
        let answers = candidate.answers.iter().zip(0u32..).skip(candidate.from);
        let scored = |((answer, position), prediction): ((&crate::learning::dataset::Answer, u32), Prediction)| Scored {
            learner: place as u32,
            position,
            item: answer.item,
            p: prediction.p_correct,
            spread: prediction.spread,
            correct: answer.correct,
        };
        answers.zip(predictions).map(scored).collect::<Vec<_>>()
    };
    side_by_side(exam.candidates.len(), threads, score).into_iter().flatten().collect()
}

/// Scores what goes through the predictor; `judge` says p from the state before the answer. `predictor` holds the training counts.
pub fn score_served(
    exam: &Exam,
    predictor: &Predictor,
    threads: usize,
    judge: impl Fn(&LearnerState, &Event) -> Prediction + Sync,
) -> Vec<Scored> {
    each_learner(exam, threads, |candidate| {
        let (before, after) = candidate.events.split_at(candidate.from);
        // Answers before the cut are in the counts, those after it are not: just as in a state that imagines further answers.
        let mut state = if before.is_empty() { predictor.new_held_out_state() } else { predictor.new_state() };
        before.iter().for_each(|event| predictor.advance(&mut state, event));
        let mut state = if before.is_empty() { state } else { state.imagined() };
        let take = |event: &Event| {
            let prediction = judge(&state, event);
            predictor.advance(&mut state, event);
            prediction
        };
        after.iter().map(take).collect()
    })
}

/// What is served: the ensemble's mean, or the fallback.
pub fn served(predictor: &Predictor, state: &LearnerState, event: &Event) -> Prediction {
    predictor.predict(state, std::slice::from_ref(&event.item), event.occurred_at)[0]
}

pub fn score_baseline(exam: &Exam, model: &dyn Baseline, threads: usize) -> Vec<Scored> {
    each_learner(exam, threads, |candidate| {
        let all = model.follow(&exam.train.vocabulary, &candidate.answers);
        all.into_iter().skip(candidate.from).map(|p_correct| Prediction { p_correct, spread: 0.0 }).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::partition::{self, tests::log};
    use super::*;
    use crate::domain::TenantId;
    use crate::learning::baseline::Rasch;
    use crate::privacy::Secrets;

    #[test]
    fn scored_answers_come_once_and_only_after_the_cut() {
        let answers: &[(&str, u8)] = &[("a", 1), ("b", 0), ("a", 0), ("b", 1), ("c", 1)];
        let log = log(&[("1", answers), ("2", answers)]);
        let exam = Exam::new(&log, &partition::by_time(&log, 0.6), &Secrets::from_seed(1), &TenantId::default()).unwrap();
        let predictor = Predictor::load(&[], exam.catalog.clone(), Arc::new(exam.counts())).unwrap();
        let by_counts = score_served(&exam, &predictor, 2, |state, event| served(&predictor, state, event));
        let by_rasch = score_baseline(&exam, &Rasch::fit(&exam.train), 2);
        for scored in [by_counts, by_rasch] {
            let places: Vec<_> = scored.iter().map(|s| (s.learner, s.position, s.item, s.correct)).collect();
            assert_eq!(places, [(0, 3, 1, true), (0, 4, 2, true), (1, 3, 1, true), (1, 4, 2, true)]);
            assert!(scored.iter().all(|s| s.p > 0.0 && s.p < 1.0));
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_before_it() {
        let score = |last: u8| {
            let answers: &[(&str, u8)] = &[("a", 1), ("b", 0), ("a", 1), ("b", last)];
            let log = log(&[("1", answers), ("2", &[("a", 0), ("b", 1), ("a", 1), ("b", 0), ("a", 1)])]);
            let exam = Exam::new(&log, &[2, 5], &Secrets::from_seed(1), &TenantId::default()).unwrap();
            let predictor = Predictor::load(&[], exam.catalog.clone(), Arc::new(exam.counts())).unwrap();
            score_served(&exam, &predictor, 1, |state, event| served(&predictor, state, event))
        };
        let (right, wrong) = (score(1), score(0));
        assert_eq!(right.iter().map(|s| s.p).collect::<Vec<_>>(), wrong.iter().map(|s| s.p).collect::<Vec<_>>());
    }
}
