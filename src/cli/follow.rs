//! Seeing a queued job through: by this process, or, if a server got hold of it first, by watching.

use std::time::Duration;

use anyhow::Context;
use uuid::Uuid;

use super::bar::Bar;
use crate::app::App;
use crate::domain::TenantId;
use crate::domain::job::Job;
use crate::store::jobs;

const POLL: Duration = Duration::from_millis(200);

/// Works on the queue until the job is over.
pub async fn to_the_end(app: &App, tenant: &TenantId, id: Uuid) -> anyhow::Result<Job> {
    let bar = Bar::new();
    let mut worker = tokio::spawn({
        let app = app.clone();
        async move {
            loop {
                if let Err(error) = crate::jobs::run_pending(&app).await {
                    return error;
                }
                tokio::time::sleep(POLL).await;
            }
        }
    });
    let over = async {
        loop {
            let job = jobs::get(&mut app.store.read().await?, tenant, id).await?.context("the job is gone")?;
            bar.set(job.progress, &job.message);
            if job.state.is_final() {
                return Ok(job);
            }
            tokio::select! {
                stopped = &mut worker => return Err(anyhow::Error::from(stopped?).context("the job queue cannot be read")),
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
    .await;
    worker.abort();
    bar.finish();
    over
}
