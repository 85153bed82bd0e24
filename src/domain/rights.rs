//! A learner's rights requests.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Micros, Pseudonym, ShardId, TenantId};

/// Where an erasure stands. States are linear; each step is idempotent and can be re-run after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureStep {
    /// The intent is durable (database and ledger).
    Recorded,
    /// Rows deleted, counts subtracted, tombstone set, member quarantined: one transaction.
    Deleted,
    /// The shard's replacement is trained from filtered data and swapped in.
    Retrained,
    /// Old artefacts destroyed, receipt signed, subject forgotten.
    Completed,
}

impl ErasureStep {
    const ALL: [ErasureStep; 4] = [Self::Recorded, Self::Deleted, Self::Retrained, Self::Completed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Deleted => "deleted",
            Self::Retrained => "retrained",
            Self::Completed => "completed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

/// One erasure request. `subject` is known until the request completes, then forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct ErasureRequest {
    pub id: Uuid,
    pub tenant: TenantId,
    pub subject: Option<Pseudonym>,
    pub shard: ShardId,
    pub step: ErasureStep,
    pub received_at: Micros,
    pub due_at: Micros,
    pub unreadable_at: Option<Micros>,
    pub clean_at: Option<Micros>,
    pub completed_at: Option<Micros>,
    /// What was deleted, per table.
    pub deleted: serde_json::Value,
    /// The last failure, if any; the request stays re-runnable.
    pub error: Option<String>,
    /// The signed receipt, once completed.
    pub receipt: Option<serde_json::Value>,
}
