//! `PUT /v1/policy`

use axum::extract::State;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::audit;
use crate::api::{Answer, ApiState, Problem};
use crate::store::tenants::{self, TenantPolicy};

/// Replace the tenant's policy.
#[utoipa::path(put, path = "/v1/policy", tag = "administration", operation_id = "update_policy", request_body = TenantPolicy,
    responses((status = 200, body = TenantPolicy)))]
pub async fn update(State(state): State<ApiState>, by: May<scope::Admin>, Json(policy): Json<TenantPolicy>) -> Answer<TenantPolicy> {
    let mut tx = state.app.store.write().await?;
    if !tenants::set_policy(&mut tx, &by.tenant, &policy).await? {
        return Err(Problem::not_found("such tenant"));
    }
    crate::store::audit::append(&mut tx, &by.tenant, &audit(&by, state.app.clock.now(), "policy.update", &by.tenant)).await?;
    tx.commit().await?;
    Ok(axum::Json(policy))
}
