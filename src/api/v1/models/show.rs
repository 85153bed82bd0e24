//! `GET /v1/models/{version}`

use axum::Json;
use axum::extract::State;

use super::VersionView;
use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::{Answer, ApiState, Problem};
use crate::domain::ModelVersion;
use crate::store::models;

/// One version; `serving` names the served one.
#[utoipa::path(get, path = "/v1/models/{version}", tag = "models", operation_id = "show_model", params(("version" = String, Path)),
    responses((status = 200, body = VersionView)))]
pub async fn show(State(state): State<ApiState>, by: May<scope::Train>, Path(version): Path<String>) -> Answer<VersionView> {
    let mut tx = state.app.store.read().await?;
    let row = if version == "serving" {
        models::serving(&mut tx, &by.tenant).await?
    } else {
        models::get(&mut tx, &by.tenant, &ModelVersion(version)).await?
    };
    Ok(Json(row.ok_or_else(|| Problem::not_found("such version"))?.into()))
}
