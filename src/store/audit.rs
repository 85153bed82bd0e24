//! The audit log: who did what to which object, chained by hash. No free text, no learner.

use super::tx::lock_class;
use super::{About, Result, Tx};
use crate::domain::{
    Micros, TenantId,
    hash::{Digest, Hasher},
};
use crate::with_tx;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditEntry {
    pub at: Micros,
    /// Key id, "cli" or "system".
    pub actor: String,
    /// A stable code, e.g. "model.promote".
    pub action: String,
    /// Id of a job, request, key or version.
    pub object: String,
}

impl AuditEntry {
    /// The entry's hash after `previous`, which is `None` for a tenant's first entry.
    pub fn chained(&self, tenant: &TenantId, previous: Option<Digest>) -> Digest {
        Hasher::new("parcours 2026 audit entry")
            .part(previous.as_ref().map_or(&[], |digest| &digest.0))
            .part(tenant.as_str().as_bytes())
            .part(&self.at.0.to_le_bytes())
            .part(self.actor.as_bytes())
            .part(self.action.as_bytes())
            .part(self.object.as_bytes())
            .finish()
    }
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    #[sqlx(flatten)]
    entry: AuditEntry,
    entry_hash: Digest,
}

/// Appends; the entry's hash covers the entry before.
pub async fn append(tx: &mut Tx, tenant: &TenantId, entry: &AuditEntry) -> Result<()> {
    // One at a time: each entry must find the one before committed.
    tx.hold(lock_class("parcours 2026 audit lock", tenant), &[0]).await?;
    let previous: Option<Digest> = with_tx!(&mut *tx, |conn| {
        sqlx::query_scalar("SELECT entry_hash FROM audit_log WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1")
            .bind(tenant)
            .fetch_optional(conn)
            .await
    })
    .about("audit_log")?;
    with_tx!(tx, |conn| {
        sqlx::query("INSERT INTO audit_log (tenant_id, at, actor, action, object, entry_hash) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(tenant)
            .bind(entry.at)
            .bind(&entry.actor)
            .bind(&entry.action)
            .bind(&entry.object)
            .bind(entry.chained(tenant, previous))
            .execute(conn)
            .await
            .map(drop)
    })
    .about("audit_log")
}
/// Newest first, with the chained hash.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<(AuditEntry, Digest)>> {
    let rows: Vec<AuditRow> = with_tx!(tx, |conn| {
        sqlx::query_as("SELECT at, actor, action, object, entry_hash FROM audit_log WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT $2")
            .bind(tenant)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
    })
    .about("audit_log")?;
    Ok(rows.into_iter().map(|row| (row.entry, row.entry_hash)).collect())
}
