//! `POST /v1/events`

use axum::Json;
use axum::extract::State;

use crate::api::auth::{May, scope};
use crate::api::extract::LargeBody;
use crate::api::{Answer, ApiState, Code, Problem};
use crate::ingest::{IngestReport, NativeEvent};

const MEDIA_TYPES: [&str; 4] = ["application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"];

/// Take in events: a JSON array, one object, or one object a line (NDJSON). Each event gets its own verdict, so one bad event never
/// sinks the others. What is answered as accepted is on disk. Sending an event again is safe.
#[utoipa::path(post, path = "/v1/events", tag = "events", operation_id = "send_events",
    request_body(content((Vec<NativeEvent> = "application/json"), (NativeEvent = "application/x-ndjson"))),
    responses((status = 200, body = IngestReport, description = "A verdict for each event, in order")))]
pub async fn create(State(state): State<ApiState>, by: May<scope::Ingest>, body: LargeBody) -> Answer<IngestReport> {
    if !MEDIA_TYPES.contains(&body.media_type.as_str()) {
        return Err(Problem::new(Code::UnsupportedMediaType, "send `application/json` or `application/x-ndjson`"));
    }
    let app = &state.app;
    let report = crate::ingest::ingest(&app.store, &app.secrets, &app.config.ingest, app.clock.now(), &by.tenant, body.bytes).await?;
    for (verdict, events) in [
        ("accepted", report.accepted),
        ("duplicate", report.duplicates),
        ("conflict", report.conflicts),
        ("quarantined", report.quarantined),
    ] {
        metrics::counter!("parcours_events_total", "verdict" => verdict).increment(events as u64);
    }
    Ok(Json(report))
}
