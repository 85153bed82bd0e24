//! `GET /v1/jobs/{id}`

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::JobView;
use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::{Answer, ApiState, Problem};
use crate::store::jobs;

/// One job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "models", operation_id = "show_job", params(("id" = Uuid, Path)), responses((status = 200, body = JobView)))]
pub async fn show(State(state): State<ApiState>, by: May<scope::Jobs>, Path(id): Path<Uuid>) -> Answer<JobView> {
    let job = jobs::get(&mut state.app.store.read().await?, &by.tenant, id).await?.ok_or_else(|| Problem::not_found("such job"))?;
    Ok(Json(job.into()))
}
