//! `POST /v1/keys/{id}/revoke`

use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::v1::audit;
use crate::api::{ApiState, Problem};
use crate::store::keys;

/// Revoke a key: it is refused from now on.
#[utoipa::path(post, path = "/v1/keys/{id}/revoke", tag = "administration", operation_id = "revoke_key", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Revoked")))]
pub async fn revoke(State(state): State<ApiState>, by: May<scope::Admin>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    let now = state.app.clock.now();
    let mut tx = state.app.store.write().await?;
    // The look-up within the tenant comes first: another tenant's key does not exist for this caller.
    let known = keys::list(&mut tx, Some(&by.tenant)).await?.iter().any(|key| key.id == id);
    if !known || !keys::revoke(&mut tx, id, now).await? {
        return Err(Problem::not_found("such live key"));
    }
    crate::store::audit::append(&mut tx, &by.tenant, &audit(&by, now, "key.revoke", id)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
