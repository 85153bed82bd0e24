//! Deletes what is past its retention: expired tombstones, and model files nothing speaks of any more.

use serde_json::json;

use super::JobProgress;
use super::refresh::registry;
use crate::app::App;
use crate::domain::job::{Job, JobPayload};
use crate::store::rights;

pub(super) async fn run(app: &App, job: &Job, progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    let JobPayload::Purge { dry_run } = job.payload else { anyhow::bail!("not a purge") };
    let mut tx = app.store.write().await?;
    let tombstones = rights::purge_tombstones(&mut tx, &job.tenant, app.clock.now(), dry_run).await?;
    tx.commit().await?;
    progress.check()?;
    let files = if dry_run { None } else { Some(registry(app).sweep(&job.tenant).await?.len()) };
    Ok(json!({"dry_run": dry_run, "tombstones": tombstones, "model_files": files}))
}
