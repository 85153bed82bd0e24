//! `GET /v1/models`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::VersionView;
use crate::api::auth::{May, scope};
use crate::api::{Answer, ApiState};
use crate::store::models;

#[derive(Debug, Serialize, ToSchema)]
pub struct VersionList {
    models: Vec<VersionView>,
}

/// All versions, newest first.
#[utoipa::path(get, path = "/v1/models", tag = "models", operation_id = "list_models", responses((status = 200, body = VersionList)))]
pub async fn list(State(state): State<ApiState>, by: May<scope::Train>) -> Answer<VersionList> {
    let rows = models::list(&mut state.app.store.read().await?, &by.tenant).await?;
    Ok(Json(VersionList { models: rows.into_iter().map(VersionView::from).collect() }))
}
