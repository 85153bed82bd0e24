//! `POST /v1/admin/rollback`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::auth::{May, scope};
use crate::api::extract::OptionalJson;
use crate::api::v1::models::registry;
use crate::api::{Answer, ApiState};
use crate::domain::{ModelVersion, ShardId};

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackRequest {
    /// The version to serve again; without it, the one served before.
    version: Option<ModelVersion>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RollbackDone {
    /// Served now.
    version: ModelVersion,
    /// Members that may not speak as they were (a learner has left since); silenced until the job has retrained them.
    retraining: Vec<ShardId>,
    job_id: Option<Uuid>,
}

/// Serve an earlier version again.
#[utoipa::path(post, path = "/v1/admin/rollback", tag = "models", operation_id = "rollback", request_body = Option<RollbackRequest>,
    responses((status = 200, body = RollbackDone)))]
pub async fn rollback(
    State(state): State<ApiState>,
    by: May<scope::Train>,
    OptionalJson(wish): OptionalJson<RollbackRequest>,
) -> Answer<RollbackDone> {
    let done = registry(&state).rollback(&by.tenant, wish.version.as_ref(), &by.key_id.to_string()).await?;
    Ok(Json(RollbackDone { version: done.version, retraining: done.retraining, job_id: done.job }))
}
