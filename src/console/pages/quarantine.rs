//! Events that could not be used as they came.

use axum::extract::State;
use serde_json::json;

use super::Page;
use crate::api::ApiState;
use crate::console::session::SignedIn;
use crate::console::view::{number, page, time};
use crate::store::quarantine;

pub async fn show(State(state): State<ApiState>, by: SignedIn) -> Page {
    let mut tx = state.app.store.read().await?;
    let reasons = quarantine::count_by_reason(&mut tx, &by.caller.tenant).await?;
    let found = quarantine::list(&mut tx, &by.caller.tenant, 200).await?;
    drop(tx);
    let reasons: Vec<_> = reasons.iter().map(|(reason, count)| json!({ "reason": reason, "count": number(*count) })).collect();
    let events: Vec<_> = found
        .iter()
        .map(|event| json!({ "reason": event.reason, "detail": event.detail, "payload": event.payload.to_string(), "received": time(event.received_at) }))
        .collect();
    Ok(page(&by, "quarantine.html", "quarantine", json!({ "reasons": reasons, "events": events })))
}
