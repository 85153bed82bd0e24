//! A served model as the registry and the store speak of it: a version is S members, one a shard.

use serde::{Deserialize, Serialize};

use super::{Micros, ModelVersion, ShardId, hash::Digest};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// Its prediction is part of the ensemble's mean.
    Active,
    /// Silenced: it may have seen a learner who left; a retrain will replace it.
    Quarantined,
    /// Its artefact was destroyed.
    Destroyed,
    /// The shard has no training data: nothing to serve.
    Empty,
}

impl MemberState {
    const ALL: [MemberState; 4] = [Self::Active, Self::Quarantined, Self::Destroyed, Self::Empty];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Destroyed => "destroyed",
            Self::Empty => "empty",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One member of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    pub shard: ShardId,
    pub state: MemberState,
    /// Hash of the safetensors bytes; the artefact's file name. `None` for an empty shard.
    pub weights: Option<Digest>,
    /// Merkle root over the shard's training set (see `privacy::receipt`).
    pub training_root: Digest,
    /// The shard's epoch when its training began: the fence.
    pub epoch: i64,
    pub learners: i64,
    pub answers: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    Candidate,
    Serving,
    Retired,
    /// The quality gate said no.
    Rejected,
}

impl VersionState {
    const ALL: [VersionState; 4] = [Self::Candidate, Self::Serving, Self::Retired, Self::Rejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Serving => "serving",
            Self::Retired => "retired",
            Self::Rejected => "rejected",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A version: its members, configuration and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRow {
    pub version: ModelVersion,
    pub state: VersionState,
    pub shards: u16,
    pub created_at: Micros,
    pub promoted_at: Option<Micros>,
    /// The training configuration, as JSON.
    pub config: serde_json::Value,
    /// Metrics on held-out learners, as JSON.
    pub metrics: serde_json::Value,
    /// By shard, `0..shards`.
    pub members: Vec<MemberRow>,
}
