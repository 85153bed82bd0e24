//! Events that could not be used as they came, kept visibly.

use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::{Micros, Pseudonym, TenantId};

#[derive(Debug, Clone, PartialEq)]
pub struct QuarantinedEvent {
    pub id: Uuid,
    pub learner: Option<Pseudonym>,
    /// A stable code.
    pub reason: String,
    /// One sentence.
    pub detail: String,
    /// Known fields only, the learner id removed, as JSON.
    pub payload: serde_json::Value,
    pub received_at: Micros,
}

pub async fn insert(tx: &mut Tx, tenant: &TenantId, events: &[QuarantinedEvent]) -> Result<()> { todo!() }
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<QuarantinedEvent>> { todo!() }
/// How many, per reason.
pub async fn count_by_reason(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<(String, i64)>> { todo!() }
