//! `parcours train`: train what changed and save the result as a candidate.

use std::sync::Arc;

use super::{Globals, bar};
use crate::learning::registry::{Candidate, Registry};
use crate::store::tenants;

/// Train the shards that changed from the stored events, and save the result as a candidate version.
///
/// Nothing changes for learners yet: `parcours models promote VERSION` serves it, `parcours refresh` does both.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Train every shard, changed or not.
    #[arg(long)]
    pub full: bool,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let app = globals.open().await?;
    let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let mut tx = app.store.write().await?;
    tenants::ensure(&mut tx, &args.tenant.tenant, app.clock.now()).await?;
    tx.commit().await?;
    let bar = bar::Bar::new();
    let candidate = registry.train(&args.tenant.tenant, args.full, Arc::new(bar.clone())).await;
    bar.finish();
    let candidate = candidate?;
    app.close().await;
    let next = match candidate.trained.len() + candidate.reused.len() {
        0 => "no shard has enough data to train on: import or send answers first".to_string(),
        _ => format!("serve it with: parcours models promote {}", candidate.version),
    };
    globals.print(&candidate, || format!("{}\n{next}", summary(&candidate)))
}

/// A candidate in words.
pub fn summary(candidate: &Candidate) -> String {
    let mut lines = vec![format!(
        "version {}: {} of {} members trained, {} taken again, {} without enough data; {} answers of {} learners, {:.1} s",
        candidate.version,
        candidate.trained.len(),
        candidate.shards,
        candidate.reused.len(),
        candidate.empty.len(),
        candidate.answers,
        candidate.learners,
        candidate.train_seconds,
    )];
    if !candidate.failed.is_empty() {
        lines.push(format!("{} member(s) could not be trained; see the log", candidate.failed.len()));
    }
    for (name, judgement) in [("this model", candidate.held_out), ("served now", candidate.serving), ("counts only", candidate.baseline)] {
        if let Some(judgement) = judgement {
            let auc = judgement.metrics.auc.map_or("-".into(), |auc| format!("{auc:.4}"));
            lines.push(format!(
                "  {name:<12} AUC {auc}  log loss {:.4}  accuracy {:.4}  ({} answers of {} held-out learners)",
                judgement.metrics.log_loss, judgement.metrics.accuracy, judgement.metrics.events, judgement.learners
            ));
        }
    }
    if candidate.counts_do_better() {
        lines.push("counts alone predict better: members need more learners each; fewer members (model.shards) may help".into());
    }
    lines.join("\n")
}
