//! Judging an ensemble: the quality gate's measure.
//!
//! The learners are the validation learners of all shards (see `split`): no member was fitted to them, and only their own shard's
//! member has looked at them, to know when to stop; that is one voice in S and the same for both sides of a comparison. The
//! counts behind the predictions are those of the training learners plus the scored learner's earlier answers, never later ones.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Catalog, Event, EventKey, EventKind, ItemId, Micros};
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

    /// A view of an item, or of skills alone, as an event.
    fn event(&self, sequence: &Sequence, item: Option<u32>, skills: &[u32], occurred_at: i64) -> Event {
        Event {
            key: EventKey([0; 16]),
            learner: sequence.learner,
            item: item.map_or_else(unmet, |item| self.vocabulary.items[item as usize].clone()),
            kind: EventKind::View,
            occurred_at: Micros(occurred_at),
            score: None,
            correct: None,
            response_ms: None,
            attempt_number: None,
            hints: None,
            skill_hints: skills.iter().map(|skill| self.vocabulary.skills[*skill as usize].clone()).collect(),
        }
    }
}

/// An item nobody answered: what was viewed beside the vocabulary.
fn unmet() -> ItemId {
    ItemId::parse("(not answered by anybody)").expect("a plain name")
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
            let mut views = sequence.views.iter().peekable();
            for (answer, number) in sequence.answers.iter().zip(0u32..) {
                while let Some(view) = views.next_if(|view| view.before <= number) {
                    predictor.advance(&mut state, &shard.event(sequence, view.item, &view.skills, answer.occurred_at));
                }
                let skills = &shard.vocabulary.item_skills[answer.item as usize];
                let event = shard.event(sequence, Some(answer.item), skills, answer.occurred_at);
                let prediction = predictor.predict(&state, std::slice::from_ref(&event.item), event.occurred_at)[0];
                scored.push((prediction.p_correct, answer.correct));
                let answered = Event {
                    kind: EventKind::Attempt,
                    score: Some(f32::from(u8::from(answer.correct))),
                    correct: Some(answer.correct),
                    response_ms: answer.marks.response_ms,
                    attempt_number: answer.marks.attempt_number,
                    hints: answer.marks.hints,
                    ..event
                };
                predictor.advance(&mut state, &answered);
            }
        }
    }
    let learners = held_out.iter().map(|shard| shard.sequences.len()).sum();
    Ok(Metrics::of(&scored).map(|metrics| Judgement { metrics, learners }))
}
