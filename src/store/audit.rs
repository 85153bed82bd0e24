//! The audit log: who did what to which object, chained by hash. No free text, no learner.

use super::{Result, Tx};
use crate::domain::{Micros, TenantId, hash::Digest};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Micros,
    /// Key id, "cli" or "system".
    pub actor: String,
    /// A stable code, e.g. "model.promote".
    pub action: String,
    /// Id of a job, request, key or version.
    pub object: String,
}

/// Appends; the entry's hash covers the entry before.
pub async fn append(tx: &mut Tx, tenant: &TenantId, entry: &AuditEntry) -> Result<()> { todo!() }
/// Newest first, with the chained hash.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<(AuditEntry, Digest)>> { todo!() }
