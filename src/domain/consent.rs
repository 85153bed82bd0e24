//! Where a learner stands: what may be done with their events now.

use serde::{Deserialize, Serialize};

use super::{Bucket, Micros, Pseudonym};

/// A learner's choice about personalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Personalised; events are used for training and inference.
    Personalised,
    /// Opted out: non-personalised answers; events are neither read by inference nor trained on.
    OptedOut,
}

impl Consent {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personalised => "personalised",
            Self::OptedOut => "opted_out",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Personalised, Self::OptedOut].into_iter().find(|consent| consent.as_str() == text)
    }
}

/// A learner's row, read at the start of every request about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnerStanding {
    pub learner: Pseudonym,
    pub bucket: Bucket,
    pub consent: Consent,
    /// Bumped by every change of the learner's usable events; a cached state names the revision it was made from.
    pub revision: i64,
    pub first_seen_at: Micros,
    pub last_seen_at: Micros,
}
