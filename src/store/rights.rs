//! Erasure requests and tombstones.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{About, Id, Json, Result, Tx, bulk};
use crate::domain::hash::Digest;
use crate::domain::rights::{ErasureRequest, ErasureStep};
use crate::domain::{Micros, Pseudonym, ShardId, TenantId};
use crate::with_tx;

#[derive(sqlx::FromRow)]
struct RequestRow {
    request_id: Id,
    tenant_id: TenantId,
    subject: Option<Pseudonym>,
    shard: ShardId,
    step: ErasureStep,
    received_at: Micros,
    due_at: Micros,
    unreadable_at: Option<Micros>,
    clean_at: Option<Micros>,
    completed_at: Option<Micros>,
    deleted: Json<serde_json::Value>,
    error: Option<String>,
    receipt: Option<Json<serde_json::Value>>,
}

impl From<RequestRow> for ErasureRequest {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.request_id.0,
            tenant: row.tenant_id,
            subject: row.subject,
            shard: row.shard,
            step: row.step,
            received_at: row.received_at,
            due_at: row.due_at,
            unreadable_at: row.unreadable_at,
            clean_at: row.clean_at,
            completed_at: row.completed_at,
            deleted: row.deleted.0,
            error: row.error,
            receipt: row.receipt.map(|receipt| receipt.0),
        }
    }
}

/// `SELECT` of whole requests, with what follows `FROM erasure_requests`.
macro_rules! requests {
    ($rest:literal) => {
        sqlx::query_as(concat!(
            "SELECT request_id, tenant_id, subject, shard, step, received_at, due_at, unreadable_at, clean_at, completed_at, deleted, error, receipt
             FROM erasure_requests ",
            $rest
        ))
    };
}

pub async fn insert(tx: &mut Tx, request: &ErasureRequest) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query(
            "INSERT INTO erasure_requests (request_id, tenant_id, subject, shard, step, received_at, due_at, unreadable_at, clean_at,
                completed_at, deleted, error, receipt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(Id(request.id))
        .bind(&request.tenant)
        .bind(request.subject)
        .bind(request.shard)
        .bind(request.step)
        .bind(request.received_at)
        .bind(request.due_at)
        .bind(request.unreadable_at)
        .bind(request.clean_at)
        .bind(request.completed_at)
        .bind(Json(&request.deleted))
        .bind(&request.error)
        .bind(request.receipt.as_ref().map(Json))
        .execute(conn)
        .await
        .map(drop)
    })
    .about("erasure_requests")
}
/// Writes every field of the request back.
pub async fn update(tx: &mut Tx, request: &ErasureRequest) -> Result<()> {
    let changed = with_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE erasure_requests SET subject = $3, shard = $4, step = $5, received_at = $6, due_at = $7, unreadable_at = $8,
                clean_at = $9, completed_at = $10, deleted = $11, error = $12, receipt = $13
             WHERE request_id = $1 AND tenant_id = $2",
        )
        .bind(Id(request.id))
        .bind(&request.tenant)
        .bind(request.subject)
        .bind(request.shard)
        .bind(request.step)
        .bind(request.received_at)
        .bind(request.due_at)
        .bind(request.unreadable_at)
        .bind(request.clean_at)
        .bind(request.completed_at)
        .bind(Json(&request.deleted))
        .bind(&request.error)
        .bind(request.receipt.as_ref().map(Json))
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("erasure_requests")?;
    if changed == 0 { Err(sqlx::Error::RowNotFound.into()) } else { Ok(()) }
}
pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<ErasureRequest>> {
    let row: Option<RequestRow> =
        with_tx!(tx, |conn| requests!("WHERE tenant_id = $1 AND request_id = $2").bind(tenant).bind(Id(id)).fetch_optional(conn).await)
            .about("erasure_requests")?;
    Ok(row.map(ErasureRequest::from))
}
/// The open request about this learner, if any.
pub async fn open_for(tx: &mut Tx, tenant: &TenantId, subject: Pseudonym) -> Result<Option<ErasureRequest>> {
    let row: Option<RequestRow> = with_tx!(tx, |conn| {
        requests!("WHERE tenant_id = $1 AND subject = $2 AND step <> 'completed' ORDER BY received_at LIMIT 1")
            .bind(tenant)
            .bind(subject)
            .fetch_optional(conn)
            .await
    })
    .about("erasure_requests")?;
    Ok(row.map(ErasureRequest::from))
}
/// Requests not completed yet, oldest first: what to resume at start.
pub async fn unfinished(tx: &mut Tx) -> Result<Vec<ErasureRequest>> {
    let rows: Vec<RequestRow> =
        with_tx!(tx, |conn| requests!("WHERE step <> 'completed' ORDER BY received_at, request_id").fetch_all(conn).await)
            .about("erasure_requests")?;
    Ok(rows.into_iter().map(ErasureRequest::from).collect())
}
/// Unfinished requests of one shard: they share one retrain.
pub async fn unfinished_in(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<Vec<ErasureRequest>> {
    let rows: Vec<RequestRow> = with_tx!(tx, |conn| {
        requests!("WHERE tenant_id = $1 AND shard = $2 AND step <> 'completed' ORDER BY received_at, request_id")
            .bind(tenant)
            .bind(shard)
            .fetch_all(conn)
            .await
    })
    .about("erasure_requests")?;
    Ok(rows.into_iter().map(ErasureRequest::from).collect())
}
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<ErasureRequest>> {
    let rows: Vec<RequestRow> = with_tx!(tx, |conn| {
        requests!("WHERE tenant_id = $1 ORDER BY received_at DESC, request_id DESC LIMIT $2")
            .bind(tenant)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await
    })
    .about("erasure_requests")?;
    Ok(rows.into_iter().map(ErasureRequest::from).collect())
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Tombstone {
    pub mac: Digest,
    pub erased_at: Micros,
    pub expires_at: Option<Micros>,
    /// Set when fresh consent opened the next generation of the pseudonym.
    pub reopened_at: Option<Micros>,
}

pub async fn set_tombstone(tx: &mut Tx, tenant: &TenantId, tombstone: &Tombstone) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query(
            "INSERT INTO tombstones (tenant_id, mac, erased_at, expires_at, reopened_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, mac) DO UPDATE SET
                erased_at = excluded.erased_at, expires_at = excluded.expires_at, reopened_at = excluded.reopened_at",
        )
        .bind(tenant)
        .bind(tombstone.mac)
        .bind(tombstone.erased_at)
        .bind(tombstone.expires_at)
        .bind(tombstone.reopened_at)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("tombstones")
}
/// The tombstones among `macs`.
pub async fn tombstones(tx: &mut Tx, tenant: &TenantId, macs: &[Digest]) -> Result<Vec<Tombstone>> {
    let mut found = Vec::new();
    for piece in bulk::pieces(macs, 2) {
        let sql = format!(
            "SELECT mac, erased_at, expires_at, reopened_at FROM tombstones WHERE (tenant_id, mac) IN (VALUES {})",
            bulk::tuples(tx.backend(), piece.len(), 2)
        );
        let rows: Vec<Tombstone> = with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for mac in piece {
                query = query.bind(tenant).bind(mac);
            }
            query.fetch_all(conn).await
        })
        .about("tombstones")?;
        found.extend(rows);
    }
    Ok(found)
}
/// True when the tenant has any tombstone at all: lets ingest skip the look-up.
pub async fn any_tombstone(tx: &mut Tx, tenant: &TenantId) -> Result<bool> {
    let found: Option<i64> = with_tx!(tx, |conn| {
        sqlx::query_scalar("SELECT erased_at FROM tombstones WHERE tenant_id = $1 LIMIT 1").bind(tenant).fetch_optional(conn).await
    })
    .about("tombstones")?;
    Ok(found.is_some())
}

/// Tombstones past their expiry: counted, and deleted unless it is a dry run. One that was reopened stays: it points the way to
/// the learner's next generation.
pub async fn purge_tombstones(tx: &mut Tx, tenant: &TenantId, now: Micros, dry_run: bool) -> Result<u64> {
    if dry_run {
        let count: i64 = with_tx!(tx, |conn| {
            sqlx::query_scalar("SELECT COUNT(*) FROM tombstones WHERE tenant_id = $1 AND expires_at < $2 AND reopened_at IS NULL")
                .bind(tenant)
                .bind(now)
                .fetch_one(conn)
                .await
        })
        .about("tombstones")?;
        return Ok(count.unsigned_abs());
    }
    with_tx!(tx, |conn| {
        sqlx::query("DELETE FROM tombstones WHERE tenant_id = $1 AND expires_at < $2 AND reopened_at IS NULL")
            .bind(tenant)
            .bind(now)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("tombstones")
}
