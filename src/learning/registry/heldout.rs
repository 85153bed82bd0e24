//! Judging an ensemble: the quality gate's measure.
//!
//! The learners are the validation learners of all shards (see `split`): no member was fitted to them, and only their own shard's
//! member has looked at them, to know when to stop; that is one voice in S and the same for both sides of a comparison. The
//! counts behind the predictions are those of the training learners plus the scored learner's earlier answers, never later ones.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Catalog, Event, EventKey, EventKind, Micros};
use crate::learning::dataset::{Dataset, Sequence, Vocabulary};
use crate::learning::metrics::Metrics;
use crate::learning::predictor::{LoadError, Predictor};
use crate::learning::{Counts, frame, split};

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
    #[serde(flatten)]
    pub metrics: Metrics,
    pub learners: usize,
}

impl HeldOut {
    /// From a shard's events.
    pub(super) fn read(events: &[Event], catalog: &Catalog) -> anyhow::Result<Self> {
        Ok(Self::of(Dataset::from_frame(&frame::from_events(events)?, catalog)?))
    }

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
    Ok(Metrics::of(&scored).map(|metrics| Judgement { metrics, learners }))
}
