//! The native event, as an LMS sends it.

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{EventKind, ItemId, Micros, SkillId};

/// One thing a learner did.
///
/// `id` is the idempotency key: the same id with the same content succeeds without a second write, with other content it
/// is a conflict. An unknown field puts the event in quarantine rather than losing what a misspelt name carried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeEvent {
    /// The LMS's own id of this event, 1 to 512 bytes. Stored as a keyed hash only.
    #[schema(example = "9f1c5f0e-4c1f-4e8a-9d2b-0d7c1f5b2a11")]
    pub id: String,
    /// What the LMS calls the learner. Stored as a keyed hash only.
    #[schema(example = "learner-42")]
    pub learner_id: String,
    /// The item, as in the catalogue; an item the catalogue does not know yet is welcome.
    #[schema(example = "fractions-add-3")]
    pub item_id: String,
    pub kind: EventKind,
    /// RFC 3339, with an offset.
    #[schema(format = DateTime, example = "2026-03-01T09:30:00Z")]
    pub occurred_at: String,
    /// An attempt needs `correct` or `score`; with both, `correct` decides what is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// 0 to `max_score`. Half of it and more counts as right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// 1 when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_score: Option<f64>,
    /// From showing the item to the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<i64>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_number: Option<i64>,
    /// Hints looked at before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hints: Option<i64>,
    /// Skills the item exercises, used while the catalogue names none for it. At most 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
    /// How far the learner is through the item, 0 to 1 (kinds `progress` and `complete`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// 1 to 5 (kind `rate`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
}

/// An event whose texts are parsed; its numbers are checked in the frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Place in the request.
    pub index: usize,
    pub id: String,
    /// Number of the learner in the batch.
    pub learner: u32,
    pub item: ItemId,
    pub kind: EventKind,
    pub occurred_at: Micros,
    pub correct: Option<bool>,
    pub score: Option<f64>,
    pub max_score: Option<f64>,
    pub response_ms: Option<i64>,
    pub attempt_number: Option<i64>,
    pub hints: Option<i64>,
    pub skills: Vec<SkillId>,
    pub progress: Option<f64>,
    pub rating: Option<f64>,
}

const MAX_SKILLS: usize = 32;
const MAX_ID: usize = 512;

impl Row {
    /// Parses the texts of an event; `learner` is its learner's number in the batch.
    pub(super) fn parse(index: usize, learner: u32, event: NativeEvent) -> Result<Self, Reason> {
        if event.id.trim().is_empty() || event.id.len() > MAX_ID || event.id.chars().any(char::is_control) {
            return Err(Reason::BadId);
        }
        let item = ItemId::parse(event.item_id).map_err(|_| Reason::BadItemId)?;
        let occurred_at = parse_time(&event.occurred_at).ok_or(Reason::BadTime)?;
        let named = event.skills.unwrap_or_default();
        if named.len() > MAX_SKILLS {
            return Err(Reason::BadSkill);
        }
        let mut skills = named.into_iter().map(SkillId::parse).collect::<Result<Vec<_>, _>>().map_err(|_| Reason::BadSkill)?;
        skills.sort_unstable();
        skills.dedup();
        Ok(Self {
            index,
            id: event.id,
            learner,
            item,
            kind: event.kind,
            occurred_at,
            correct: event.correct,
            score: event.score,
            max_score: event.max_score,
            response_ms: event.response_ms,
            attempt_number: event.attempt_number,
            hints: event.hints,
            skills,
            progress: event.progress,
            rating: event.rating,
        })
    }

    /// The one number the event's kind is graded by, 0..=1: `score / max_score`, else `correct`; progress as it is;
    /// a rating of 1 to 5 as 0 to 1.
    pub(super) fn graded(&self) -> Option<f32> {
        let scaled = self.score.map(|score| score / self.max_score.unwrap_or(1.0));
        let value = match self.kind {
            EventKind::Progress => self.progress.or(scaled),
            EventKind::Rate => self.rating.map(|rating| (rating - 1.0) / 4.0).or(scaled),
            _ => scaled.or(self.correct.map(|correct| f64::from(u8::from(correct)))).or(self.progress),
        };
        value.map(|value| value as f32)
    }

    /// What the LMS said, or for an attempt what its score says.
    pub(super) fn is_correct(&self) -> Option<bool> {
        self.correct.or_else(|| if self.kind == EventKind::Attempt { self.graded().map(|score| score >= 0.5) } else { None })
    }

    /// Hash of all but the id and the learner: what must agree for two events of one id to be the same event.
    pub(super) fn digest(&self) -> Digest {
        const NONE: u64 = u64::MAX;
        let mut hash = Hasher::new("parcours 2026 event content");
        let number = |value: Option<i64>| value.map_or(NONE, |value| value as u64);
        hash.part(self.item.as_str().as_bytes()).number(self.kind.code() as u64).number(self.occurred_at.0 as u64);
        hash.number(self.graded().map_or(NONE, |score| u64::from(score.to_bits())));
        hash.number(self.is_correct().map_or(NONE, u64::from));
        hash.number(number(self.response_ms)).number(number(self.attempt_number)).number(number(self.hints));
        for skill in &self.skills {
            hash.part(skill.as_str().as_bytes());
        }
        hash.finish()
    }
}

pub(super) fn parse_time(text: &str) -> Option<Micros> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| Micros(time.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Row {
        Row::parse(0, 0, serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn grades_are_brought_to_one_scale() {
        let base = r#""id":"1","learner_id":"a","item_id":"i","occurred_at":"2026-03-01T09:30:00Z""#;
        let half = row(&format!(r#"{{{base},"kind":"attempt","score":5,"max_score":10}}"#));
        assert_eq!((half.graded(), half.is_correct()), (Some(0.5), Some(true)));
        let overruled = row(&format!(r#"{{{base},"kind":"attempt","score":0.9,"correct":false}}"#));
        assert_eq!((overruled.graded(), overruled.is_correct()), (Some(0.9), Some(false)));
        let rated = row(&format!(r#"{{{base},"kind":"rate","rating":5}}"#));
        assert_eq!((rated.graded(), rated.is_correct()), (Some(1.0), None));
    }

    #[test]
    fn the_digest_sees_content_and_not_its_spelling() {
        let one = row(
            r#"{"id":"1","learner_id":"a","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T09:30:00Z","correct":true,"skills":["x","y"]}"#,
        );
        let same = row(
            r#"{"skills":["y","x"],"id":"2","learner_id":"b","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T10:30:00+01:00","correct":true}"#,
        );
        let other = row(
            r#"{"id":"1","learner_id":"a","item_id":"i","kind":"attempt","occurred_at":"2026-03-01T09:30:00Z","correct":false,"skills":["x","y"]}"#,
        );
        assert_eq!(one.digest(), same.digest());
        assert_ne!(one.digest(), other.digest());
    }
}
