//! What was recommended, why, and what came of it.

use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::{ItemId, Micros, Pseudonym, TenantId};

#[derive(Debug, Clone, PartialEq)]
pub struct RecommendationRow {
    pub id: Uuid,
    pub tenant: TenantId,
    pub learner: Pseudonym,
    pub made_at: Micros,
    /// Version of the model; `None` below quorum or before the first training.
    pub model_version: Option<String>,
    pub personalised: bool,
    pub fallback_reason: Option<String>,
    /// Items with scores and reasons, as JSON.
    pub items: serde_json::Value,
}

/// Writes those whose learner still exists: a learner erased meanwhile leaves no row behind.
pub async fn insert(tx: &mut Tx, rows: &[RecommendationRow]) -> Result<()> { todo!() }
pub async fn of_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<RecommendationRow>> { todo!() }
pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<RecommendationRow>> { todo!() }
/// Records feedback on a recommended item; false when the recommendation is unknown.
pub async fn add_feedback(tx: &mut Tx, tenant: &TenantId, recommendation: Uuid, item: &ItemId, kind: &str, now: Micros) -> Result<bool> { todo!() }
