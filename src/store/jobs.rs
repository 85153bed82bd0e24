//! The job queue: durable, leased, resumable after a crash.

use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::{Micros, TenantId, job::{Job, JobPayload, JobState}};

/// Queues a job. With `dedupe`, a pending job of the same tenant and key is returned instead of a second one.
pub async fn enqueue(tx: &mut Tx, tenant: &TenantId, payload: &JobPayload, dedupe: Option<&str>, run_after: Micros, now: Micros) -> Result<Uuid> { todo!() }
/// Claims the oldest runnable job (pending, or running with an expired lease) for `owner` until `now + lease`; attempts + 1.
/// At most one job of a tenant runs at a time, so that trainings do not fight over the cores.
pub async fn claim(tx: &mut Tx, owner: &str, lease_micros: i64, now: Micros) -> Result<Option<Job>> { todo!() }
/// Reports progress and prolongs the lease; returns whether cancelling was asked for. `StoreError` when the lease was lost.
pub async fn progress(tx: &mut Tx, id: Uuid, owner: &str, progress: f64, message: &str, lease_until: Micros) -> Result<bool> { todo!() }
pub async fn finish(tx: &mut Tx, id: Uuid, state: JobState, message: &str, result: Option<&serde_json::Value>, now: Micros) -> Result<()> { todo!() }
/// Back to pending, to be run again at `run_after`.
pub async fn retry(tx: &mut Tx, id: Uuid, message: &str, run_after: Micros) -> Result<()> { todo!() }
pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<Job>> { todo!() }
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<Job>> { todo!() }
/// A pending job is cancelled at once, a running one at its next progress report; false when it is over or unknown.
pub async fn request_cancel(tx: &mut Tx, tenant: &TenantId, id: Uuid, now: Micros) -> Result<bool> { todo!() }
/// (pending, running) over all tenants: for metrics and readiness.
pub async fn depth(tx: &mut Tx) -> Result<(i64, i64)> { todo!() }
