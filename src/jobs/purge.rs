//! Deletes what is past its retention: expired tombstones, model files nothing speaks of any more, and, in Postgres, the bytes
//! that deleted rows leave behind.

use serde_json::json;

use super::JobProgress;
use super::refresh::registry;
use crate::app::App;
use crate::domain::TenantId;
use crate::domain::job::{Job, JobPayload, JobState};
use crate::store::{jobs, rights};

/// How far back is looked for erasures and for the purge before.
const LOOK_BACK: u32 = 1_000;

pub(super) async fn run(app: &App, job: &Job, progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    let JobPayload::Purge { dry_run } = job.payload else { anyhow::bail!("not a purge") };
    let mut tx = app.store.write().await?;
    let tombstones = rights::purge_tombstones(&mut tx, &job.tenant, app.clock.now(), dry_run).await?;
    tx.commit().await?;
    progress.check()?;
    let rewrite = erased_since_the_last_purge(app, &job.tenant).await?;
    if dry_run {
        return Ok(json!({"dry_run": true, "tombstones": tombstones, "rewrite": rewrite}));
    }
    let files = registry(app).sweep(&job.tenant).await?.len();
    if rewrite {
        progress.report(0.5, "rewriting tables that name learners");
        app.store.rewrite().await?;
    }
    Ok(json!({"dry_run": false, "tombstones": tombstones, "model_files": files, "rewrite": rewrite}))
}

/// Rewriting locks tables: not for nothing.
async fn erased_since_the_last_purge(app: &App, tenant: &TenantId) -> anyhow::Result<bool> {
    let mut tx = app.store.read().await?;
    let last = jobs::list(&mut tx, tenant, LOOK_BACK)
        .await?
        .into_iter()
        .filter(|job| job.payload == JobPayload::Purge { dry_run: false } && job.state == JobState::Succeeded)
        .filter_map(|job| job.started_at)
        .max();
    let requests = rights::list(&mut tx, tenant, LOOK_BACK).await?;
    Ok(requests.iter().filter_map(|request| request.completed_at).any(|completed| last.is_none_or(|last| completed >= last)))
}
