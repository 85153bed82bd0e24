//! Model versions: members, metrics, states. What a member alone would predict is never shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiState;
use crate::domain::hash::Digest;
use crate::domain::model::{MemberState, VersionRow, VersionState};
use crate::domain::{Micros, ModelVersion};
use crate::learning::registry::Registry;

pub mod list;
pub mod promote;
pub mod show;

/// A version as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelVersionInfo)]
pub struct VersionView {
    pub version: ModelVersion,
    pub state: VersionState,
    pub shards: u16,
    pub created_at: Micros,
    pub promoted_at: Option<Micros>,
    pub members: Vec<MemberView>,
    /// On held-out learners.
    #[schema(value_type = Object)]
    pub metrics: serde_json::Value,
    /// The training configuration.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberView {
    pub shard: u16,
    pub state: MemberState,
    /// Hash of the artefact.
    pub weights: Option<Digest>,
    /// Merkle root over the training set.
    pub training_root: Digest,
    pub learners: i64,
    pub answers: i64,
}

impl From<VersionRow> for VersionView {
    fn from(row: VersionRow) -> Self {
        let members = row.members.into_iter().map(|member| MemberView {
            shard: member.shard.0,
            state: member.state,
            weights: member.weights,
            training_root: member.training_root,
            learners: member.learners,
            answers: member.answers,
        });
        Self {
            version: row.version,
            state: row.state,
            shards: row.shards,
            created_at: row.created_at,
            promoted_at: row.promoted_at,
            members: members.collect(),
            metrics: row.metrics,
            config: row.config,
        }
    }
}

/// The registry, with this service's handles.
pub fn registry(state: &ApiState) -> Registry {
    let app = &state.app;
    Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config)
}
