//! `POST /v1/admin/refresh`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::auth::{May, scope};
use crate::api::extract::OptionalJson;
use crate::api::v1::audit;
use crate::api::{ApiState, Problem};
use crate::domain::job::JobPayload;
use crate::store::jobs;

/// How to refresh.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshRequest {
    /// Train every shard, changed or not.
    full: bool,
    /// Serve the result if it is not worse; otherwise it stays a candidate.
    promote: bool,
}

impl Default for RefreshRequest {
    fn default() -> Self {
        Self { full: false, promote: true }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JobQueued {
    job_id: Uuid,
    /// Where to ask how far it is.
    status: String,
}

/// Train what changed since the served version, evaluate it, and serve it if it is not worse. A second call while the
/// first still waits gives the same job.
#[utoipa::path(post, path = "/v1/admin/refresh", tag = "models", operation_id = "refresh", request_body = Option<RefreshRequest>,
    responses((status = 202, body = JobQueued)))]
pub async fn refresh(
    State(state): State<ApiState>,
    by: May<scope::Train>,
    OptionalJson(wish): OptionalJson<RefreshRequest>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<JobQueued>), Problem> {
    let now = state.app.clock.now();
    let mut tx = state.app.store.write().await?;
    let payload = JobPayload::Refresh { full: wish.full, promote: wish.promote };
    let key = format!("refresh:{}:{}", wish.full, wish.promote);
    let job_id = jobs::enqueue(&mut tx, &by.tenant, &payload, Some(&key), now, now).await?;
    crate::store::audit::append(&mut tx, &by.tenant, &audit(&by, now, "model.refresh", job_id)).await?;
    tx.commit().await?;
    let status = format!("/v1/jobs/{job_id}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, status.clone())], Json(JobQueued { job_id, status })))
}
