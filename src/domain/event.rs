//! A learning event, after it was decoded, checked and pseudonymised.

use serde::{Deserialize, Serialize};

use super::{EventKey, ItemId, Micros, Pseudonym, SkillId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An answer was given and graded: carries `correct` or `score`.
    Attempt,
    Start,
    Progress,
    Complete,
    View,
    Rate,
}

impl EventKind {
    pub const ALL: [EventKind; 6] = [Self::Attempt, Self::Start, Self::Progress, Self::Complete, Self::View, Self::Rate];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Start => "start",
            Self::Progress => "progress",
            Self::Complete => "complete",
            Self::View => "view",
            Self::Rate => "rate",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Stable small number for the database and the frames.
    pub fn code(self) -> i16 {
        self as i16
    }

    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// One event as it is stored and as the learner model reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub key: EventKey,
    pub learner: Pseudonym,
    pub item: ItemId,
    pub kind: EventKind,
    /// When it happened, by the LMS's clock. Events are ordered by (occurred_at, key).
    pub occurred_at: Micros,
    /// Graded result in 0..=1; for an attempt always present.
    pub score: Option<f32>,
    /// For an attempt: `score >= 0.5` unless the LMS said otherwise.
    pub correct: Option<bool>,
    pub response_ms: Option<i64>,
    pub attempt_number: Option<i32>,
    pub hints: Option<i32>,
    /// Skills the sender named; used while the catalogue has none for the item.
    pub skill_hints: Vec<SkillId>,
}

impl Event {
    /// True when the event is an answer the learner model grades.
    pub fn is_answer(&self) -> bool {
        self.kind == EventKind::Attempt && self.correct.is_some()
    }
}

/// What became of one submitted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Stored.
    Accepted,
    /// The same event (same id, same content) was stored before: success without a second write.
    Duplicate,
    /// The id is known with other content. Nothing was written.
    Conflict { reason: String },
    /// Not usable as it stands; kept in quarantine under a stable reason code.
    Quarantined { reason: String, detail: String },
}
