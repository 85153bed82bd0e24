//! `GET /v1/privacy/erasures`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ErasureView;
use crate::api::auth::{May, scope};
use crate::api::extract::Query;
use crate::api::v1::Page;
use crate::api::{Answer, ApiState};
use crate::store::rights;

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureList {
    erasures: Vec<ErasureView>,
}

/// The tenant's erasures, newest first.
#[utoipa::path(get, path = "/v1/privacy/erasures", tag = "rights", operation_id = "list_erasures", params(Page), responses((status = 200, body = ErasureList)))]
pub async fn list(State(state): State<ApiState>, by: May<scope::Privacy>, Query(page): Query<Page>) -> Answer<ErasureList> {
    let requests = rights::list(&mut state.app.store.read().await?, &by.tenant, page.limit()?).await?;
    Ok(Json(ErasureList { erasures: requests.into_iter().map(ErasureView::from).collect() }))
}
