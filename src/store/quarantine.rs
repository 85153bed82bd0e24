//! Events that could not be used as they came, kept visibly.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{About, Id, Json, Result, Tx, bulk};
use crate::domain::{Micros, Pseudonym, TenantId};
use crate::with_tx;

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

#[derive(sqlx::FromRow)]
struct QuarantineRow {
    quarantine_id: Id,
    learner: Option<Pseudonym>,
    reason: String,
    detail: String,
    payload: Json<serde_json::Value>,
    received_at: Micros,
}

pub async fn insert(tx: &mut Tx, tenant: &TenantId, events: &[QuarantinedEvent]) -> Result<()> {
    for piece in bulk::pieces(events, 7) {
        let sql = format!(
            "INSERT INTO quarantine (quarantine_id, tenant_id, learner, reason, detail, payload, received_at) VALUES {}",
            bulk::tuples(tx.backend(), piece.len(), 7)
        );
        with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for event in piece {
                query = query
                    .bind(Id(event.id))
                    .bind(tenant)
                    .bind(event.learner)
                    .bind(&event.reason)
                    .bind(&event.detail)
                    .bind(Json(&event.payload))
                    .bind(event.received_at);
            }
            query.execute(conn).await.map(drop)
        })
        .about("quarantine")?;
    }
    Ok(())
}
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<QuarantinedEvent>> {
    let rows: Vec<QuarantineRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT quarantine_id, learner, reason, detail, payload, received_at FROM quarantine
             WHERE tenant_id = $1 ORDER BY received_at DESC, quarantine_id DESC LIMIT $2",
        )
        .bind(tenant)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await
    })
    .about("quarantine")?;
    let event = |row: QuarantineRow| QuarantinedEvent {
        id: row.quarantine_id.0,
        learner: row.learner,
        reason: row.reason,
        detail: row.detail,
        payload: row.payload.0,
        received_at: row.received_at,
    };
    Ok(rows.into_iter().map(event).collect())
}
/// How many, per reason.
pub async fn count_by_reason(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<(String, i64)>> {
    with_tx!(tx, |conn| {
        sqlx::query_as("SELECT reason, COUNT(*) FROM quarantine WHERE tenant_id = $1 GROUP BY reason ORDER BY reason")
            .bind(tenant)
            .fetch_all(conn)
            .await
    })
    .about("quarantine")
}
