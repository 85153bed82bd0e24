//! `PUT /v1/catalog`

use axum::Json;
use axum::extract::State;

use crate::api::auth::{May, scope};
use crate::api::extract::LargeBody;
use crate::api::{Answer, ApiState, Code, Problem};
use crate::ingest::catalog::{self, CatalogBody, CatalogFormat, CatalogReport};

/// Take in a catalogue, whole or in parts: what is not mentioned stays, within an item too. JSON, or CSV with one item a line.
#[utoipa::path(put, path = "/v1/catalog", tag = "catalogue", operation_id = "update_catalog",
    request_body(content((CatalogBody = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = CatalogReport)))]
pub async fn update(State(state): State<ApiState>, by: May<scope::Ingest>, body: LargeBody) -> Answer<CatalogReport> {
    let format = match body.media_type.as_str() {
        "application/json" => CatalogFormat::Json,
        "text/csv" => CatalogFormat::Csv,
        _ => return Err(Problem::new(Code::UnsupportedMediaType, "send `application/json` or `text/csv`")),
    };
    Ok(Json(catalog::put(&state.app.store, &by.tenant, &body.bytes, format).await?))
}
