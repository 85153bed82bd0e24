//! The job queue: durable, leased, resumable after a crash.

use uuid::Uuid;

use super::{About, Flag, Id, Json, Result, StoreError, Tx};
use crate::domain::job::{Job, JobPayload, JobState};
use crate::domain::{Micros, TenantId};
use crate::with_tx;

/// The advisory lock under which jobs are claimed, whatever the tenant.
const CLAIM_LOCK: i32 = 0x4a4f_4253;

/// True for a job `j` that may be claimed at `$now`: it waits and its tenant is idle, or its worker fell silent.
macro_rules! runnable {
    ($now:literal) => {
        concat!(
            "(j.state = 'running' AND j.lease_until < ",
            $now,
            ")
             OR (j.state = 'pending' AND j.run_after <= ",
            $now,
            "
                 AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.tenant_id = j.tenant_id AND r.state = 'running'))"
        )
    };
}

#[derive(sqlx::FromRow)]
struct JobRow {
    job_id: Id,
    tenant_id: TenantId,
    payload: Json<JobPayload>,
    state: JobState,
    progress: f64,
    message: String,
    attempts: i64,
    cancel_requested: Flag,
    created_at: Micros,
    started_at: Option<Micros>,
    finished_at: Option<Micros>,
    result: Option<Json<serde_json::Value>>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.job_id.0,
            tenant: row.tenant_id,
            payload: row.payload.0,
            state: row.state,
            progress: row.progress,
            message: row.message,
            attempts: i32::try_from(row.attempts).unwrap_or(i32::MAX),
            cancel_requested: row.cancel_requested.0,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            result: row.result.map(|result| result.0),
        }
    }
}

/// Queues a job. With `dedupe`, a pending job of the same tenant and key is returned instead of a second one.
pub async fn enqueue(
    tx: &mut Tx,
    tenant: &TenantId,
    payload: &JobPayload,
    dedupe: Option<&str>,
    run_after: Micros,
    now: Micros,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let inserted: Option<Id> = with_tx!(&mut *tx, |conn| {
        sqlx::query_scalar(
            "INSERT INTO jobs (job_id, tenant_id, payload, state, progress, message, attempts, dedupe_key, run_after, created_at)
             VALUES ($1, $2, $3, 'pending', 0.0, '', 0, $4, $5, $6)
             ON CONFLICT (tenant_id, dedupe_key) WHERE state = 'pending' AND dedupe_key IS NOT NULL
             DO UPDATE SET run_after = CASE WHEN excluded.run_after < jobs.run_after THEN excluded.run_after ELSE jobs.run_after END
             RETURNING job_id",
        )
        .bind(Id(id))
        .bind(tenant)
        .bind(Json(payload))
        .bind(dedupe)
        .bind(run_after)
        .bind(now)
        .fetch_optional(conn)
        .await
    })
    .about("jobs")?;
    Ok(inserted.map_or(id, |found| found.0))
}
/// Queues the job that a schedule asks for at `due`: once, whatever number of replicas ask, and not while one with the same key waits.
pub async fn enqueue_scheduled(tx: &mut Tx, tenant: &TenantId, payload: &JobPayload, dedupe: &str, due: Micros, now: Micros) -> Result<()> {
    // Same tenant, kind and moment, same id: the second insert meets the first, even if that has long been run.
    let name = format!("{tenant} {} {}", payload.kind(), due.0);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    with_tx!(tx, |conn| {
        sqlx::query(
            "INSERT INTO jobs (job_id, tenant_id, payload, state, progress, message, attempts, dedupe_key, run_after, created_at)
             VALUES ($1, $2, $3, 'pending', 0.0, '', 0, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(Id(id))
        .bind(tenant)
        .bind(Json(payload))
        .bind(dedupe)
        .bind(due)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("jobs")
}

/// Says whether [`claim`] would find a job now: reads only.
pub async fn any_to_run(tx: &mut Tx, now: Micros) -> Result<bool> {
    let found: Option<Id> = with_tx!(tx, |conn| {
        sqlx::query_scalar(concat!("SELECT j.job_id FROM jobs j WHERE ", runnable!("$1"), " LIMIT 1")).bind(now).fetch_optional(conn).await
    })
    .about("jobs")?;
    Ok(found.is_some())
}

/// Claims the oldest runnable job (pending, or running with an expired lease) for `owner` until `now + lease`; attempts + 1.
/// At most one job of a tenant runs at a time, so that trainings do not fight over the cores.
pub async fn claim(tx: &mut Tx, owner: &str, lease_micros: i64, now: Micros) -> Result<Option<Job>> {
    // One claim at a time (Postgres; SQLite has one writer): two workers must not each find the other's tenant idle.
    tx.hold(CLAIM_LOCK, &[0]).await?;
    let row: Option<JobRow> = with_tx!(tx, |conn| {
        sqlx::query_as(concat!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = $1, lease_until = $2,
                started_at = COALESCE(started_at, $3), message = ''
             WHERE job_id = (SELECT j.job_id FROM jobs j WHERE ", runnable!("$3"), " ORDER BY j.created_at, j.job_id LIMIT 1)
             RETURNING job_id, tenant_id, payload, state, progress, message, attempts, cancel_requested, created_at, started_at, finished_at, result"
        ))
        .bind(owner)
        .bind(Micros(now.0 + lease_micros))
        .bind(now)
        .fetch_optional(conn)
        .await
    })
    .about("jobs")?;
    Ok(row.map(Job::from))
}
/// Reports progress and prolongs the lease; returns whether cancelling was asked for. `LeaseLost` when another worker has it.
pub async fn progress(tx: &mut Tx, id: Uuid, owner: &str, progress: f64, message: &str, lease_until: Micros) -> Result<bool> {
    let cancel: Option<Flag> = with_tx!(tx, |conn| {
        sqlx::query_scalar(
            "UPDATE jobs SET progress = $3, message = $4, lease_until = $5
             WHERE job_id = $1 AND lease_owner = $2 AND state = 'running' RETURNING cancel_requested",
        )
        .bind(Id(id))
        .bind(owner)
        .bind(progress.clamp(0.0, 1.0))
        .bind(message)
        .bind(lease_until)
        .fetch_optional(conn)
        .await
    })
    .about("jobs")?;
    cancel.map(|flag| flag.0).ok_or(StoreError::LeaseLost)
}
/// Ends a job in a final state. `LeaseLost` when `owner` holds it no more.
pub async fn finish(
    tx: &mut Tx,
    id: Uuid,
    owner: &str,
    state: JobState,
    message: &str,
    result: Option<&serde_json::Value>,
    now: Micros,
) -> Result<()> {
    let changed = with_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE jobs SET state = $3, message = $4, result = $5, finished_at = $6, lease_owner = NULL, lease_until = NULL,
                progress = CASE WHEN $3 = 'succeeded' THEN 1.0 ELSE progress END
             WHERE job_id = $1 AND lease_owner = $2 AND state = 'running'",
        )
        .bind(Id(id))
        .bind(owner)
        .bind(state)
        .bind(message)
        .bind(result.map(Json))
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("jobs")?;
    if changed == 0 { Err(StoreError::LeaseLost) } else { Ok(()) }
}
/// Back to pending, to be run again at `run_after`. `LeaseLost` when `owner` holds it no more.
pub async fn retry(tx: &mut Tx, id: Uuid, owner: &str, message: &str, run_after: Micros) -> Result<()> {
    // The same work may have been queued anew meanwhile: then this one goes on without its key.
    let changed = with_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE jobs SET state = 'pending', message = $3, run_after = $4, lease_owner = NULL, lease_until = NULL,
                dedupe_key = CASE WHEN EXISTS (
                    SELECT 1 FROM jobs other WHERE other.tenant_id = jobs.tenant_id AND other.dedupe_key = jobs.dedupe_key AND other.state = 'pending'
                ) THEN NULL ELSE dedupe_key END
             WHERE job_id = $1 AND lease_owner = $2 AND state = 'running'",
        )
        .bind(Id(id))
        .bind(owner)
        .bind(message)
        .bind(run_after)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("jobs")?;
    if changed == 0 { Err(StoreError::LeaseLost) } else { Ok(()) }
}
/// Back to pending, as if it had not been claimed: the worker shuts down. `LeaseLost` when `owner` holds it no more.
pub async fn release(tx: &mut Tx, id: Uuid, owner: &str, now: Micros) -> Result<()> {
    retry(tx, id, owner, "waiting for a worker", now).await?;
    with_tx!(tx, |conn| sqlx::query("UPDATE jobs SET attempts = attempts - 1 WHERE job_id = $1").bind(Id(id)).execute(conn).await.map(drop))
        .about("jobs")
}

pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<Job>> {
    let row: Option<JobRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT job_id, tenant_id, payload, state, progress, message, attempts, cancel_requested, created_at, started_at, finished_at, result
             FROM jobs WHERE tenant_id = $1 AND job_id = $2",
        )
        .bind(tenant)
        .bind(Id(id))
        .fetch_optional(conn)
        .await
    })
    .about("jobs")?;
    Ok(row.map(Job::from))
}
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<Job>> {
    let rows: Vec<JobRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT job_id, tenant_id, payload, state, progress, message, attempts, cancel_requested, created_at, started_at, finished_at, result
             FROM jobs WHERE tenant_id = $1 ORDER BY created_at DESC, job_id DESC LIMIT $2",
        )
        .bind(tenant)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await
    })
    .about("jobs")?;
    Ok(rows.into_iter().map(Job::from).collect())
}
/// A pending job is cancelled at once, a running one at its next progress report; false when it is over or unknown.
pub async fn request_cancel(tx: &mut Tx, tenant: &TenantId, id: Uuid, now: Micros) -> Result<bool> {
    let changed = with_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE jobs SET cancel_requested = 1,
                state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END,
                finished_at = CASE WHEN state = 'pending' THEN $3 ELSE finished_at END
             WHERE tenant_id = $1 AND job_id = $2 AND state IN ('pending', 'running')",
        )
        .bind(tenant)
        .bind(Id(id))
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("jobs")?;
    Ok(changed > 0)
}
/// (pending, running) over all tenants: for metrics and readiness.
pub async fn depth(tx: &mut Tx) -> Result<(i64, i64)> {
    with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT COUNT(CASE WHEN state = 'pending' THEN 1 END), COUNT(CASE WHEN state = 'running' THEN 1 END)
             FROM jobs WHERE state IN ('pending', 'running')",
        )
        .fetch_one(conn)
        .await
    })
    .about("jobs")
}
