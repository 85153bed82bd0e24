//! `GET /v1/quarantine`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::auth::{May, scope};
use crate::api::extract::Query;
use crate::api::v1::Page;
use crate::api::{Answer, ApiState};
use crate::domain::Micros;
use crate::store::quarantine;

#[derive(Debug, Serialize, ToSchema)]
pub struct Quarantine {
    /// How many, by reason.
    reasons: BTreeMap<String, i64>,
    /// Newest first.
    events: Vec<QuarantinedView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedEvent)]
pub struct QuarantinedView {
    id: Uuid,
    /// A stable code.
    reason: String,
    detail: String,
    /// Known fields only; the learner id is removed.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    received_at: Micros,
}

/// What is in quarantine, and why.
#[utoipa::path(get, path = "/v1/quarantine", tag = "events", operation_id = "list_quarantine", params(Page), responses((status = 200, body = Quarantine)))]
pub async fn list(State(state): State<ApiState>, by: May<scope::Inspect>, Query(page): Query<Page>) -> Answer<Quarantine> {
    let mut tx = state.app.store.read().await?;
    let reasons = quarantine::count_by_reason(&mut tx, &by.tenant).await?.into_iter().collect();
    let events = quarantine::list(&mut tx, &by.tenant, page.limit()?).await?;
    let shown = events.into_iter().map(|event| QuarantinedView {
        id: event.id,
        reason: event.reason,
        detail: event.detail,
        payload: event.payload,
        received_at: event.received_at,
    });
    Ok(Json(Quarantine { reasons, events: shown.collect() }))
}
