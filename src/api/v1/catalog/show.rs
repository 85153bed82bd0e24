//! `GET /v1/catalog`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::{May, scope};
use crate::api::{Answer, ApiState};
use crate::domain::ItemState;
use crate::store::catalog;

/// The catalogue in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogSummary {
    /// Bumped by every change.
    pub revision: i64,
    pub items: usize,
    /// Items that may be recommended.
    pub active_items: usize,
    /// Items no skill is known of.
    pub items_without_skills: usize,
    pub skills: usize,
    pub courses: usize,
    pub modules: usize,
    pub prerequisites: usize,
}

/// How much there is of what.
#[utoipa::path(get, path = "/v1/catalog", tag = "catalogue", operation_id = "show_catalog", responses((status = 200, body = CatalogSummary)))]
pub async fn show(State(state): State<ApiState>, by: May<scope::Catalogue>) -> Answer<CatalogSummary> {
    let catalog = catalog::load(&mut state.app.store.read().await?, &by.tenant).await?;
    Ok(Json(CatalogSummary {
        revision: catalog.revision,
        items: catalog.items.len(),
        active_items: catalog.items.values().filter(|item| item.state == ItemState::Active).count(),
        items_without_skills: catalog.items.values().filter(|item| item.skills.is_empty()).count(),
        skills: catalog.skills.len(),
        courses: catalog.courses.len(),
        modules: catalog.modules.len(),
        prerequisites: catalog.prerequisites.len(),
    }))
}
