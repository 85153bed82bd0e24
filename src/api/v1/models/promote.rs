//! `POST /v1/models/{version}/promote`

use axum::Json;
use axum::extract::State;

use super::{VersionView, registry};
use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::{Answer, ApiState, Code, Problem};
use crate::domain::ModelVersion;
use crate::learning::registry::Promotion;
use crate::store::models;

/// Serve a version, whatever the quality gate said of it. A version whose data changed since it was trained (an erasure, an
/// opt-out) is refused: refresh instead.
#[utoipa::path(post, path = "/v1/models/{version}/promote", tag = "models", operation_id = "promote_model", params(("version" = String, Path)),
    responses((status = 200, body = VersionView)))]
pub async fn promote(State(state): State<ApiState>, by: May<scope::Train>, Path(version): Path<String>) -> Answer<VersionView> {
    let version = ModelVersion(version);
    if let Promotion::Stale(shards) = registry(&state).promote(&by.tenant, &version, &by.key_id.to_string()).await? {
        let shards: Vec<_> = shards.iter().map(|shard| shard.0).collect();
        return Err(Problem::new(Code::Conflict, "the data of some shards changed since this version was trained; refresh instead")
            .with("shards", shards));
    }
    let row = models::get(&mut state.app.store.read().await?, &by.tenant, &version).await?;
    Ok(Json(row.ok_or_else(|| Problem::not_found("such version"))?.into()))
}
