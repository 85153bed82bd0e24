//! A batch of events, decoded and checked, before anyone knows who the learners are.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::body::{self, Piece};
use super::explain;
use super::frame::{self, Finding};
use super::native::{NativeEvent, Row, parse_time};
use super::{Reason, body::Malformed};
use crate::config::IngestConfig;
use crate::domain::hash::Digest;
use crate::domain::{LearnerId, Micros};

/// Why a batch was refused as a whole. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("line {}, column {}: {}", .0.line, .0.column, .0.why)]
    Malformed(Malformed),
    #[error("{events} events in one request; at most {limit} are allowed")]
    TooManyEvents { events: usize, limit: usize },
    #[error("the batch could not be put in a frame")]
    Frame(#[source] polars::error::PolarsError),
}

/// Decoded events with what the frame says of each, and those that could not be decoded.
#[derive(Debug)]
pub struct Batch {
    /// Events sent, well-formed or not.
    pub(super) events: usize,
    /// Learners named in the batch; rows carry their position.
    pub(super) learners: Vec<LearnerId>,
    pub(super) rows: Vec<Row>,
    /// Of each row.
    pub(super) digests: Vec<Digest>,
    pub(super) findings: Vec<Finding>,
    pub(super) rejects: Vec<Reject>,
}

/// An event that is not usable as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reject {
    pub index: usize,
    pub id: Option<String>,
    pub learner: Option<u32>,
    pub occurred_at: Option<Micros>,
    pub reason: Reason,
    pub detail: String,
    /// What may be kept of it.
    pub payload: Value,
}

#[derive(Default)]
struct Gather {
    learners: Vec<LearnerId>,
    by_learner: HashMap<LearnerId, u32>,
    rows: Vec<Row>,
    rejects: Vec<Reject>,
}

impl Gather {
    fn learner(&mut self, text: &str) -> Option<u32> {
        let learner = LearnerId::parse(text).ok()?;
        let next = self.learners.len() as u32;
        Some(*self.by_learner.entry(learner).or_insert_with_key(|learner| {
            self.learners.push(learner.clone());
            next
        }))
    }

    fn event(&mut self, index: usize, event: NativeEvent) -> Result<(), Reason> {
        let learner = self.learner(&event.learner_id).ok_or(Reason::BadLearnerId)?;
        self.rows.push(Row::parse(index, learner, event)?);
        Ok(())
    }

    fn reject(&mut self, index: usize, object: &Map<String, Value>, reason: Reason, detail: String) {
        let text = |field: &str| object.get(field).and_then(Value::as_str);
        let learner = text("learner_id").and_then(|text| self.learner(text));
        self.rejects.push(Reject {
            index,
            id: text("id").map(str::to_owned),
            learner,
            occurred_at: text("occurred_at").and_then(parse_time),
            reason,
            detail,
            payload: explain::keepable(object),
        });
    }

    fn nameless(&mut self, index: usize, reason: Reason, detail: String) {
        let payload = Value::Object(Map::new());
        self.rejects.push(Reject { index, id: None, learner: None, occurred_at: None, reason, detail, payload });
    }

    /// Builds the frame and has it checked; `object` gives the event at an index back as it came.
    fn finish(
        mut self,
        events: usize,
        config: &IngestConfig,
        now: Micros,
        object: impl Fn(usize) -> Map<String, Value>,
    ) -> Result<Batch, BatchError> {
        let digests: Vec<Digest> = self.rows.iter().map(Row::digest).collect();
        let frame = frame::from_rows(&self.rows, &digests).map_err(BatchError::Frame)?;
        let findings = frame::check(frame, config, now).map_err(BatchError::Frame)?;
        let unusable: Vec<(usize, Reason)> = (self.rows.iter().zip(&findings))
            .filter_map(|(row, finding)| if let Finding::Unusable(reason) = finding { Some((row.index, *reason)) } else { None })
            .collect();
        for (index, reason) in unusable {
            self.reject(index, &object(index), reason, reason.sentence().into());
        }
        Ok(Batch { events, learners: self.learners, rows: self.rows, digests, findings, rejects: self.rejects })
    }
}

impl Batch {
    /// Decodes a JSON array, one JSON object, or NDJSON. An event that cannot be decoded does not sink the others.
    ///
    /// # Errors
    /// The body as a whole is no JSON, or holds more events than one request may.
    pub fn decode(body: &[u8], config: &IngestConfig, now: Micros) -> Result<Self, BatchError> {
        let pieces = body::split(body).map_err(BatchError::Malformed)?;
        if pieces.len() > config.max_batch {
            return Err(BatchError::TooManyEvents { events: pieces.len(), limit: config.max_batch });
        }
        let object = |index: usize| match pieces[index] {
            Piece::Json(raw) => serde_json::from_str::<Map<String, Value>>(raw.get()).ok(),
            Piece::Broken { .. } => None,
        };
        let mut gather = Gather::default();
        for (index, piece) in pieces.iter().enumerate() {
            let raw = match piece {
                Piece::Json(raw) => raw,
                Piece::Broken { line } => {
                    gather.nameless(index, Reason::MalformedJson, format!("line {line} is not valid JSON"));
                    continue;
                }
            };
            match serde_json::from_str::<NativeEvent>(raw.get()) {
                Ok(event) => {
                    if let Err(reason) = gather.event(index, event) {
                        gather.reject(index, &object(index).unwrap_or_default(), reason, reason.sentence().into());
                    }
                }
                Err(_) => match object(index) {
                    Some(object) => {
                        let (reason, detail) = explain::explain(&object);
                        gather.reject(index, &object, reason, detail);
                    }
                    None if raw.get().starts_with('{') => {
                        gather.nameless(index, Reason::WrongType, "a number is out of range, or values are nested too deeply".into())
                    }
                    None => gather.nameless(index, Reason::NotAnObject, Reason::NotAnObject.sentence().into()),
                },
            }
        }
        gather.finish(pieces.len(), config, now, |index| object(index).unwrap_or_default())
    }

    /// The same for events that are decoded already.
    ///
    /// # Errors
    /// More events than one request may hold.
    pub fn of(events: Vec<NativeEvent>, config: &IngestConfig, now: Micros) -> Result<Self, BatchError> {
        Self::of_translated(events.into_iter().map(|event| (event, None)).collect(), config, now)
    }

    /// The same where a translator may have had its doubts: an event with a reason goes to quarantine.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_translated(events: Vec<(NativeEvent, Option<Reason>)>, config: &IngestConfig, now: Micros) -> Result<Self, BatchError> {
        if events.len() > config.max_batch {
            return Err(BatchError::TooManyEvents { events: events.len(), limit: config.max_batch });
        }
        let object = |event: &NativeEvent| match serde_json::to_value(event) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let mut gather = Gather::default();
        for (index, (event, doubt)) in events.iter().enumerate() {
            let taken = doubt.map_or_else(|| gather.event(index, event.clone()), Err);
            if let Err(reason) = taken {
                gather.reject(index, &object(event), reason, reason.sentence().into());
            }
        }
        gather.finish(events.len(), config, now, |index| object(&events[index].0))
    }

    /// Events sent, usable or not.
    pub fn len(&self) -> usize {
        self.events
    }

    pub fn is_empty(&self) -> bool {
        self.events == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_772_355_000_000_000);

    #[test]
    fn one_bad_event_does_not_sink_the_batch() {
        let body = br#"[
            {"id":"1","learner_id":"ada","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T08:00:00Z","correct":true},
            {"id":"2","learner_id":"ada","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T08:00:00Z","corect":true},
            {"id":"3","learner_id":"bob","item_id":"i","kind":"attempt","occurred_at":"yesterday","correct":true},
            17,
            {"id":"5","learner_id":"bob","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T08:00:00Z","score":1e999},
            {"id":"6","learner_id":"","item_id":"i","kind":"view","occurred_at":"2026-03-01T08:00:00Z"},
            {"id":"7","learner_id":"bob","item_id":"i","kind":"view","kind":"view","occurred_at":"2026-03-01T08:00:00Z"},
            {"id":"8","learner_id":"bob","item_id":"i","kind":"dance","occurred_at":"2026-03-01T08:00:00Z"}
        ]"#;
        let batch = Batch::decode(body, &IngestConfig::default(), NOW).unwrap();
        assert_eq!(batch.findings, [Finding::Fresh]);
        let found: Vec<(usize, &str)> = batch.rejects.iter().map(|reject| (reject.index, reject.reason.as_str())).collect();
        assert_eq!(
            found,
            [
                (1, "unknown_field"),
                (2, "bad_time"),
                (3, "not_an_object"),
                (4, "wrong_type"),
                (5, "bad_learner_id"),
                (6, "repeated_field"),
                (7, "unknown_kind")
            ]
        );
        assert_eq!(batch.learners.len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_is_answered(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Batch::decode(&bytes, &IngestConfig::default(), NOW);
        }

        /// A good event with one byte changed, among two good ones: each event is a row or a reject, and never two things.
        #[test]
        fn a_damaged_event_leaves_its_neighbours_alone(place in 0usize..120, byte in 32u8..127) {
            let good = r#"{"id":"N","learner_id":"ada","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T08:00:00Z","score":0.5}"#;
            let mut damaged = good.as_bytes().to_vec();
            let place = place % damaged.len();
            damaged[place] = byte;
            let body = [good.replace('N', "1").as_bytes(), b"\n", &damaged[..], b"\n", good.replace('N', "3").as_bytes()].concat();
            let batch = Batch::decode(&body, &IngestConfig::default(), NOW).unwrap();
            proptest::prop_assert_eq!(batch.len(), 3);
            let mut seen: Vec<usize> = batch.rows.iter().map(|row| row.index).collect();
            let fresh = |index: usize| batch.rows.iter().zip(&batch.findings).any(|(row, finding)| row.index == index && *finding == Finding::Fresh);
            proptest::prop_assert!(fresh(0) && fresh(2) || byte == b'1' || byte == b'3');
            let unusable = batch.rows.iter().zip(&batch.findings).filter(|(_, finding)| matches!(finding, Finding::Unusable(_))).count();
            seen.extend(batch.rejects.iter().map(|reject| reject.index));
            seen.sort_unstable();
            proptest::prop_assert_eq!(seen.len(), 3 + unusable);
            seen.dedup();
            proptest::prop_assert_eq!(seen, vec![0, 1, 2]);
        }
    }

    #[test]
    fn deep_nesting_and_endless_numbers_sink_alone() {
        let deep = format!(r#"{{"id":"1","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let long = format!(r#"{{"id":"2","score":{}}}"#, "9".repeat(10_000));
        let good = r#"{"id":"3","learner_id":"ada","item_id":"i","kind":"view","occurred_at":"2026-03-01T08:00:00Z"}"#;
        for body in [format!("{deep}\n{long}\n{good}"), format!("[{deep},{long},{good}]")] {
            let batch = Batch::decode(body.as_bytes(), &IngestConfig::default(), NOW).unwrap();
            assert_eq!((batch.rejects.len(), batch.findings.as_slice()), (2, &[Finding::Fresh][..]));
        }
    }

    #[test]
    fn a_batch_has_a_largest_size() {
        let config = IngestConfig { max_batch: 1, ..IngestConfig::default() };
        assert!(matches!(Batch::decode(b"[{},{}]", &config, NOW), Err(BatchError::TooManyEvents { events: 2, limit: 1 })));
    }
}
