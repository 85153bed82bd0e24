//! Long work: what is queued, and how far it is. Payloads carry request ids, never pseudonyms.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Micros, TenantId};

/// What a job is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobPayload {
    /// Train what changed, evaluate, and promote if it is not worse. `full` retrains every shard;
    /// `only_shards` limits the training (a privacy retrain) and skips the quality gate.
    Refresh { full: bool, promote: bool },
    /// Retrain quarantined or stale shards from filtered data; for privacy: never stopped by the quality gate.
    Retrain { shards: Vec<u16> },
    /// Carry an erasure on from wherever it stands.
    Erase { request: Uuid },
    /// Delete what is past its retention.
    Purge { dry_run: bool },
}

impl JobPayload {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refresh { .. } => "refresh",
            Self::Retrain { .. } => "retrain",
            Self::Erase { .. } => "erase",
            Self::Purge { .. } => "purge",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobState {
    const ALL: [JobState; 5] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: Uuid,
    pub tenant: TenantId,
    pub payload: JobPayload,
    pub state: JobState,
    /// 0..=1.
    pub progress: f64,
    /// A word on what is going on; never about a learner.
    pub message: String,
    pub attempts: i32,
    pub cancel_requested: bool,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    pub finished_at: Option<Micros>,
    /// What came of it (refresh: version, metrics, promoted or why not).
    pub result: Option<serde_json::Value>,
}
