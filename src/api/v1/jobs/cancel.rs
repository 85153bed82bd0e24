//! `POST /v1/jobs/{id}/cancel`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

use super::JobView;
use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::v1::audit;
use crate::api::{ApiState, Code, Problem};
use crate::domain::job::JobPayload;
use crate::store::jobs;

/// Ask a job to stop. A pending one is cancelled at once, a running one at its next report of progress.
/// Work a learner's right asks for (erase, retrain) cannot be cancelled.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "models", operation_id = "cancel_job", params(("id" = Uuid, Path)),
    responses((status = 202, body = JobView, description = "The job, with what was asked of it")))]
pub async fn cancel(
    State(state): State<ApiState>,
    by: May<scope::Train>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let now = state.app.clock.now();
    let mut tx = state.app.store.write().await?;
    let job = jobs::get(&mut tx, &by.tenant, id).await?.ok_or_else(|| Problem::not_found("such job"))?;
    if matches!(job.payload, JobPayload::Erase { .. } | JobPayload::Retrain { .. }) {
        return Err(Problem::new(Code::Conflict, "a learner's right depends on this job; it cannot be cancelled"));
    }
    if !jobs::request_cancel(&mut tx, &by.tenant, id, now).await? {
        return Err(Problem::new(Code::Conflict, "the job is over"));
    }
    crate::store::audit::append(&mut tx, &by.tenant, &audit(&by, now, "job.cancel", id)).await?;
    let job = jobs::get(&mut tx, &by.tenant, id).await?.ok_or_else(|| Problem::not_found("such job"))?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}
