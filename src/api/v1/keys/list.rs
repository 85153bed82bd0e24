//! `GET /v1/keys`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::KeyView;
use crate::api::auth::{May, scope};
use crate::api::{Answer, ApiState};
use crate::store::keys;

#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    keys: Vec<KeyView>,
}

/// The tenant's keys, oldest first, revoked ones included.
#[utoipa::path(get, path = "/v1/keys", tag = "administration", operation_id = "list_keys", responses((status = 200, body = KeyList)))]
pub async fn list(State(state): State<ApiState>, by: May<scope::Admin>) -> Answer<KeyList> {
    let keys = keys::list(&mut state.app.store.read().await?, Some(&by.tenant)).await?;
    Ok(Json(KeyList { keys: keys.into_iter().map(KeyView::from).collect() }))
}
