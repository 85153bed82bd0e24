//! `GET /v1/privacy/erasures/{id}`

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::ErasureView;
use crate::api::auth::{May, scope};
use crate::api::extract::Path;
use crate::api::{Answer, ApiState, Problem};
use crate::store::rights;

/// Where an erasure stands; with the receipt, once it is completed.
#[utoipa::path(get, path = "/v1/privacy/erasures/{id}", tag = "rights", operation_id = "show_erasure", params(("id" = Uuid, Path)),
    responses((status = 200, body = ErasureView)))]
pub async fn show(State(state): State<ApiState>, by: May<scope::Privacy>, Path(id): Path<Uuid>) -> Answer<ErasureView> {
    let request = rights::get(&mut state.app.store.read().await?, &by.tenant, id).await?;
    Ok(Json(request.ok_or_else(|| Problem::not_found("such request"))?.into()))
}
