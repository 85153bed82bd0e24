//! `parcours refresh`: queue a refresh and see it through.

use anyhow::Context;
use serde_json::json;

use super::{Globals, follow};
use crate::domain::job::{JobPayload, JobState};
use crate::learning::registry::Refreshed;
use crate::store::{jobs, tenants};

/// Train the shards that changed; promote the result when it is not worse than what is served.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Train every shard, changed or not.
    #[arg(long)]
    pub full: bool,
    /// Keep the result as a candidate, whatever it is worth.
    #[arg(long)]
    pub no_promote: bool,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let app = globals.open().await?;
    let tenant = args.tenant.tenant;
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    tenants::ensure(&mut tx, &tenant, now).await?;
    let payload = JobPayload::Refresh { full: args.full, promote: !args.no_promote };
    let id = jobs::enqueue(&mut tx, &tenant, &payload, None, now, now).await?;
    tx.commit().await?;
    let job = follow::to_the_end(&app, &tenant, id).await?;
    app.close().await;
    let result = job.result.clone().unwrap_or_default();
    anyhow::ensure!(job.state == JobState::Succeeded, "the refresh {}: {}", job.state.as_str(), job.message);
    let refreshed: Refreshed = serde_json::from_value(result.clone()).context("the refresh left no result")?;
    globals.print(&json!({"job": id, "result": result}), || {
        let verdict = if refreshed.promoted { "promoted" } else { "not promoted" };
        format!("{}\n{verdict}: {}", super::train::summary(&refreshed.candidate), refreshed.reason)
    })
}
