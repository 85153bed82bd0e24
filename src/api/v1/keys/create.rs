//! `POST /v1/keys`

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyView;
use crate::api::auth::{self, May, scope};
use crate::api::extract::Json;
use crate::api::v1::audit;
use crate::api::{ApiState, Problem};
use crate::domain::Scope;
use crate::store::keys;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What the key is for, e.g. "moodle".
    name: String,
    scopes: Vec<Scope>,
}

#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    #[serde(flatten)]
    key: KeyView,
    /// Shown this once; only its hash is kept.
    secret: String,
}

/// Make a key for the caller's tenant.
#[utoipa::path(post, path = "/v1/keys", tag = "administration", operation_id = "create_key", request_body = NewKey,
    responses((status = 201, body = CreatedKey)))]
pub async fn create(
    State(state): State<ApiState>,
    by: May<scope::Admin>,
    Json(wish): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<CreatedKey>), Problem> {
    if wish.name.trim().is_empty() || wish.name.len() > 200 || wish.name.chars().any(char::is_control) {
        return Err(Problem::field("name", "must be 1 to 200 bytes of text"));
    }
    if wish.scopes.is_empty() {
        return Err(Problem::field("scopes", "name at least one"));
    }
    let now = state.app.clock.now();
    let minted = auth::mint(&by.tenant, &wish.name, wish.scopes, now);
    let mut tx = state.app.store.write().await?;
    keys::insert(&mut tx, &minted.key, &minted.secret_hash).await?;
    crate::store::audit::append(&mut tx, &by.tenant, &audit(&by, now, "key.create", minted.key.id)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(CreatedKey { key: minted.key.into(), secret: minted.secret })))
}
