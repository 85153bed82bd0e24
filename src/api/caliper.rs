//! `POST /caliper`

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{May, scope};
use super::extract::LargeBody;
use super::{Answer, ApiState, Code, Problem, statements};
use crate::ingest::IngestReport;

/// What became of an envelope.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct CaliperReport {
    /// Entities, and events that say nothing of an item or are counted elsewhere.
    set_aside: usize,
    #[serde(flatten)]
    report: IngestReport,
}

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Take in a Caliper envelope, 1.1 or 1.2. Each event gets its own verdict, so one bad event never sinks the others; what is set aside
/// has none.
#[utoipa::path(post, path = "/caliper", tag = "events", operation_id = "send_caliper",
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses((status = 200, body = CaliperReport, description = "A verdict for each event that was not set aside, by its place in `data`")))]
pub async fn create(State(state): State<ApiState>, by: May<scope::Ingest>, body: LargeBody) -> Answer<CaliperReport> {
    if body.media_type != "application/json" {
        return Err(Problem::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`"));
    }
    let read = tokio::task::spawn_blocking(move || crate::ingest::caliper::read(&body.bytes)).await;
    let translated = read.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let translated = translated.map_err(|refused| Problem::new(Code::InvalidEnvelope, refused.to_string()))?;
    let (report, set_aside) = statements::take(&state, &by.tenant, translated).await?;
    Ok(Json(CaliperReport { set_aside, report }))
}
