//! `parcours erase`: the whole way from the wish to the receipt.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::{Globals, follow};
use crate::domain::LearnerId;
use crate::domain::job::JobPayload;
use crate::domain::rights::ErasureStep;
use crate::privacy::Rights;
use crate::store::{jobs, rights};

/// Erase a learner: data and counts at once, the model by retraining one shard; prints the signed receipt.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true))]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Read the learner id from the first line of this file ("-": standard input): it stays out of the shell's history and of
    /// the list of processes.
    #[arg(long, value_name = "FILE", group = "who")]
    pub learner_id_file: Option<PathBuf>,
    /// The learner id, where history and process lists are no concern.
    #[arg(long, value_name = "ID", group = "who")]
    pub learner: Option<String>,
    /// Return as soon as the learner is unreadable and the served model clean; a running server does the rest.
    #[arg(long)]
    pub no_wait: bool,
}

impl Args {
    fn learner(&self) -> anyhow::Result<LearnerId> {
        let text = match (&self.learner, &self.learner_id_file) {
            (Some(id), _) => id.clone(),
            (None, Some(file)) if file.as_os_str() == "-" => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read the learner id from standard input")?;
                text
            }
            (None, Some(file)) => std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
            (None, None) => anyhow::bail!("name a learner: --learner-id-file FILE, or - for standard input"),
        };
        Ok(LearnerId::parse(text.lines().next().unwrap_or_default())?)
    }
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let learner = args.learner()?;
    let tenant = args.tenant.tenant;
    let app = globals.open().await?;
    let asked = Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let request = asked.erase(&tenant, &learner, "cli").await?;
    if args.no_wait {
        app.close().await;
        let shown =
            json!({"request": request.id, "step": request.step, "unreadable_at": request.unreadable_at, "clean_at": request.clean_at});
        return globals.print(&shown, || format!("request {}: deleted; the model that is served is clean", request.id));
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    // The request's own job may be shared with others of its shard; this one ends at once if that came first.
    let payload = JobPayload::Erase { request: request.id };
    let job = jobs::enqueue(&mut tx, &tenant, &payload, Some(&format!("erase:{}", request.id)), now, now).await?;
    tx.commit().await?;
    let job = follow::to_the_end(&app, &tenant, job).await?;
    let request = rights::get(&mut app.store.read().await?, &tenant, request.id).await?.context("the request is gone")?;
    app.close().await;
    let Some(receipt) = request.receipt.as_ref().filter(|_| request.step == ErasureStep::Completed) else {
        anyhow::bail!(
            "request {}: the learner is deleted and what is served is clean, but the retrain is not done ({}); it stays queued",
            request.id,
            job.message
        );
    };
    globals.print(receipt, || serde_json::to_string_pretty(receipt).unwrap_or_default())
}
