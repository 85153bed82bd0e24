//! `GET /v1/policy`

use axum::Json;
use axum::extract::State;

use crate::api::auth::{May, scope};
use crate::api::{Answer, ApiState, Problem};
use crate::store::tenants::{self, TenantPolicy};

/// The tenant's policy.
#[utoipa::path(get, path = "/v1/policy", tag = "administration", operation_id = "show_policy", responses((status = 200, body = TenantPolicy)))]
pub async fn show(State(state): State<ApiState>, by: May<scope::Admin>) -> Answer<TenantPolicy> {
    let tenant = tenants::get(&mut state.app.store.read().await?, &by.tenant).await?.ok_or_else(|| Problem::not_found("such tenant"))?;
    Ok(Json(tenant.policy))
}
