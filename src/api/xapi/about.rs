//! `GET /xapi/about`

use axum::Json;

/// What is spoken here.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct About {
    /// Versions of xAPI.
    version: Vec<&'static str>,
}

/// Which versions of xAPI are spoken here. Needs no key.
#[utoipa::path(get, path = "/xapi/about", tag = "events", operation_id = "xapi_about", security(()),
    responses((status = 200, body = About, description = "Versions")))]
pub async fn about() -> Json<About> {
    Json(About { version: super::VERSIONS.to_vec() })
}
