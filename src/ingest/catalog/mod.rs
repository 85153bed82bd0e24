//! `PUT /v1/catalog`: what can be learned, in JSON or CSV, whole or in parts.
//!
//! [`body`] says what may be sent; [`read`] turns it into an [`Update`], naming the path of whatever is wrong; [`merge`] holds
//! the update against the stored catalogue and gives the patch to apply and a report of what changed.

pub mod body;
mod csv;
mod merge;
mod read;

use serde::{Deserialize, Serialize};

pub use body::CatalogBody;
pub use merge::merge;
pub use read::{Field, ItemUpdate, Update};

use crate::domain::TenantId;
use crate::store::{self, Store, StoreError};

/// How a catalogue comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogFormat {
    Json,
    /// One item a line; see [`Update::from_csv`].
    Csv,
}

/// What a catalogue update did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CatalogReport {
    /// The catalogue's revision now.
    pub revision: i64,
    pub items: Changes,
    pub skills: Changes,
    pub courses: Changes,
    pub modules: Changes,
    pub prerequisites: Changes,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Changes {
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub removed: usize,
}

/// Something worth a look that did not stop the update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// A stable code: `skill_created`, `course_created`, `module_created`, `prerequisite_cycle`, `prerequisite_of_itself`,
    /// `items_without_skills` or `unknown_item`.
    pub code: String,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("line {line}, column {column}: {why}")]
    Malformed { line: usize, column: usize, why: String },
    /// A value that cannot be used, by its path, e.g. `items[3].duration_minutes`.
    #[error("{path}: {why}")]
    Invalid { path: String, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads an update and applies it, in one unit of work.
///
/// # Errors
/// The body cannot be read or has a value that cannot be used, or the database cannot be written; then nothing was.
pub async fn put(store: &Store, tenant: &TenantId, body: &[u8], format: CatalogFormat) -> Result<CatalogReport, CatalogError> {
    let update = match format {
        CatalogFormat::Json => Update::from_json(body)?,
        CatalogFormat::Csv => Update::from_csv(body)?,
    };
    Ok(apply(store, tenant, &update).await?)
}

/// Applies an update in one unit of work. Nothing is written when nothing changes.
pub async fn apply(store: &Store, tenant: &TenantId, update: &Update) -> Result<CatalogReport, StoreError> {
    let mut tx = store.write().await?;
    // Takes the tenant's row: of two partial updates at once, the second is merged with what the first left.
    store::tenants::bump_catalog_revision(&mut tx, tenant).await?;
    let stored = store::catalog::load(&mut tx, tenant).await?;
    let (patch, mut report) = merge(update, &stored);
    if patch == store::catalog::CatalogPatch::default() {
        report.revision = stored.revision - 1;
        return Ok(report);
    }
    report.revision = store::catalog::apply(&mut tx, tenant, &patch).await?;
    tx.commit().await?;
    Ok(report)
}
