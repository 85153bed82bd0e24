//! Judging an ensemble: the quality gate's measure.
//!
//! The learners are the validation learners of all shards (see `split`): no member was fitted to them, and only their own shard's
//! member has looked at them, to know when to stop; that is one voice in S and the same for both sides of a comparison. The
//! counts behind the predictions are those of the training learners plus the scored learner's earlier answers, never later ones.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Catalog, Event, EventKey, EventKind, Micros};
use crate::learning::dataset::{Dataset, Sequence, Vocabulary};
use crate::learning::predictor::{LoadError, Predictor};
use crate::learning::{Counts, split};

/// A shard's validation learners, and what the others of the shard add to the counts.
#[derive(Debug, Clone, Default)]
pub struct HeldOut {
    vocabulary: Vocabulary,
    sequences: Vec<Sequence>,
    counts: Counts,
}

/// What was measured on held-out learners.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub log_loss: f64,
    /// None when all answers are right, or all wrong.
    pub auc: Option<f64>,
    pub accuracy: f64,
    pub learners: usize,
    pub answers: usize,
}

impl HeldOut {
    pub(super) fn of(dataset: Dataset) -> Self {
        let (sequences, trained): (Vec<_>, Vec<_>) = dataset.sequences.into_iter().partition(|sequence| split::validates(sequence.learner));
        let trained = Dataset { vocabulary: dataset.vocabulary, sequences: trained };
        Self { sequences, counts: trained.counts(), vocabulary: trained.vocabulary }
    }
}

/// Measures the ensemble of `members` (weights as bytes). None when nobody is held out.
pub fn judge(members: &[Vec<u8>], catalog: &Arc<Catalog>, held_out: &[&HeldOut]) -> Result<Option<Judgement>, LoadError> {
    let mut counts = Counts::default();
    for shard in held_out {
        counts.add(&shard.counts);
    }
    let predictor = Predictor::load(members, catalog.clone(), Arc::new(counts))?;
    let mut scored: Vec<(f32, bool)> = Vec::new();
    for shard in held_out {
        for sequence in &shard.sequences {
            let mut state = predictor.new_held_out_state();
            for answer in &sequence.answers {
                let item = &shard.vocabulary.items[answer.item as usize];
                let prediction = predictor.predict(&state, std::slice::from_ref(item), Micros(answer.occurred_at))[0];
                scored.push((prediction.p_correct, answer.correct));
                let skills = &shard.vocabulary.item_skills[answer.item as usize];
                let event = Event {
                    key: EventKey([0; 16]),
                    learner: sequence.learner,
                    item: item.clone(),
                    kind: EventKind::Attempt,
                    occurred_at: Micros(answer.occurred_at),
                    score: Some(f32::from(u8::from(answer.correct))),
                    correct: Some(answer.correct),
                    response_ms: answer.response_ms,
                    attempt_number: answer.attempt_number,
                    hints: answer.hints,
                    skill_hints: skills.iter().map(|skill| shard.vocabulary.skills[*skill as usize].clone()).collect(),
                };
                predictor.advance(&mut state, &event);
            }
        }
    }
    let learners = held_out.iter().map(|shard| shard.sequences.len()).sum();
    Ok(measure(scored, learners))
}

fn measure(mut scored: Vec<(f32, bool)>, learners: usize) -> Option<Judgement> {
    if scored.is_empty() {
        return None;
    }
    let answers = scored.len();
    let loss = |(p, correct): &(f32, bool)| {
        let p = f64::from(*p).clamp(1e-6, 1.0 - 1e-6);
        -if *correct { p.ln() } else { (1.0 - p).ln() }
    };
    let log_loss = scored.iter().map(loss).sum::<f64>() / answers as f64;
    let accuracy = scored.iter().filter(|(p, correct)| (*p >= 0.5) == *correct).count() as f64 / answers as f64;
    scored.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Mann-Whitney: ties get their mean rank.
    let (mut rank_sum, mut rank) = (0.0, 1.0);
    for tie in scored.chunk_by(|one, next| one.0 == next.0) {
        let mean_rank = rank + (tie.len() - 1) as f64 / 2.0;
        rank_sum += mean_rank * tie.iter().filter(|(_, correct)| *correct).count() as f64;
        rank += tie.len() as f64;
    }
    let right = scored.iter().filter(|(_, correct)| *correct).count() as f64;
    let wrong = answers as f64 - right;
    let auc = (right > 0.0 && wrong > 0.0).then(|| (rank_sum - right * (right + 1.0) / 2.0) / (right * wrong));
    Some(Judgement { log_loss, auc, accuracy, learners, answers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_scores_give_known_measures() {
        let judgement = measure(vec![(0.9, true), (0.8, false), (0.5, true), (0.1, false)], 2).unwrap();
        assert!((judgement.auc.unwrap() - 0.75).abs() < 1e-12);
        assert!((judgement.accuracy - 0.75).abs() < 1e-12);
        let expected = -(0.9f64.ln() + 0.2f64.ln() + 0.5f64.ln() + 0.9f64.ln()) / 4.0;
        assert!((judgement.log_loss - expected).abs() < 1e-6);
        assert_eq!(measure(vec![(0.3, true), (0.3, true)], 1).unwrap().auc, None);
        assert_eq!(measure(Vec::new(), 0), None);
    }
}
