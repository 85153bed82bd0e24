//! `GET /v1/jobs`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::JobView;
use crate::api::auth::{May, scope};
use crate::api::extract::Query;
use crate::api::v1::Page;
use crate::api::{Answer, ApiState};
use crate::store::jobs;

#[derive(Debug, Serialize, ToSchema)]
pub struct JobList {
    jobs: Vec<JobView>,
}

/// The tenant's jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "models", operation_id = "list_jobs", params(Page), responses((status = 200, body = JobList)))]
pub async fn list(State(state): State<ApiState>, by: May<scope::Jobs>, Query(page): Query<Page>) -> Answer<JobList> {
    let jobs = jobs::list(&mut state.app.store.read().await?, &by.tenant, page.limit()?).await?;
    Ok(Json(JobList { jobs: jobs.into_iter().map(JobView::from).collect() }))
}
