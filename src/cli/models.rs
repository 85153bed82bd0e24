//! `parcours models`: list, show, promote and roll back model versions.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Globals, TenantArg, follow};
use crate::domain::ModelVersion;
use crate::domain::model::{MemberState, VersionRow};
use crate::learning::registry::{Promotion, Registry, card};
use crate::store::models;

/// List, show, promote or roll back model versions; print a model card.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All versions, newest first.
    List {
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// One version: configuration, metrics, members.
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        #[arg(id = "model", value_name = "VERSION")]
        version: String,
    },
    /// The model card of a version (default: the served one), as Markdown.
    Card {
        #[command(flatten)]
        tenant: TenantArg,
        #[arg(id = "model", value_name = "VERSION")]
        version: Option<String>,
    },
    /// Serve a candidate. Refused when a learner's rights changed its data since.
    Promote {
        #[command(flatten)]
        tenant: TenantArg,
        #[arg(id = "model", value_name = "VERSION")]
        version: String,
    },
    /// Serve an earlier version again. Members that may not speak any more are silenced and retrained.
    Rollback {
        #[command(flatten)]
        tenant: TenantArg,
        /// The version; without it, the one served before.
        #[arg(id = "model", value_name = "VERSION")]
        version: Option<String>,
        /// Leave the retraining to a running server.
        #[arg(long)]
        no_wait: bool,
    },
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let app = globals.open().await?;
    let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    match args.command {
        Command::List { tenant } => {
            let versions = models::list(&mut app.store.read().await?, &tenant.tenant).await?;
            globals.print(&json!({"versions": versions.iter().map(brief).collect::<Vec<_>>()}), || table(&versions))
        }
        Command::Show { tenant, version } => {
            let found = models::get(&mut app.store.read().await?, &tenant.tenant, &ModelVersion(version.clone())).await?;
            let Some(found) = found else { anyhow::bail!("there is no version {version}; see `parcours models list`") };
            let shown = whole(&found);
            globals.print(&shown, || serde_json::to_string_pretty(&shown).unwrap_or_default())
        }
        Command::Card { tenant, version } => {
            let mut tx = app.store.read().await?;
            let found = match version {
                Some(version) => models::get(&mut tx, &tenant.tenant, &ModelVersion(version)).await?,
                None => models::serving(&mut tx, &tenant.tenant).await?,
            };
            drop(tx);
            let found = found.context("there is no such version; see `parcours models list`")?;
            let papers: Vec<_> = (found.members.iter())
                .filter_map(|member| registry.artefacts.manifest(&tenant.tenant, &member.weights?, &member.training_root).ok())
                .collect();
            let markdown = card::card(&found, &papers);
            globals.print(&json!({"version": found.version, "markdown": markdown}), || markdown.clone())
        }
        Command::Promote { tenant, version } => match registry.promote(&tenant.tenant, &ModelVersion(version.clone()), "cli").await? {
            Promotion::Promoted => globals.print(&json!({"version": version, "promoted": true}), || format!("serving {version}")),
            Promotion::Stale(shards) => {
                anyhow::bail!("version {version} is stale: the data of {} shard(s) changed for privacy since; train again", shards.len())
            }
        },
        Command::Rollback { tenant, version, no_wait } => {
            let target = version.map(ModelVersion);
            let rolled = registry.rollback(&tenant.tenant, target.as_ref(), "cli").await?;
            if let Some(job) = rolled.job.filter(|_| !no_wait) {
                follow::to_the_end(&app, &tenant.tenant, job).await?;
            }
            let serving = models::serving(&mut app.store.read().await?, &tenant.tenant).await?.map(|row| row.version);
            let shown = json!({"rolled_back_to": rolled.version, "retrained": rolled.retraining, "job": rolled.job, "serving": serving});
            globals.print(&shown, || match rolled.retraining.len() {
                0 => format!("serving {}", rolled.version),
                some => format!(
                    "serving {}; {some} member(s) could not speak as they were: job {}",
                    rolled.version,
                    rolled.job.unwrap_or_default()
                ),
            })
        }
    }
}

fn count(version: &VersionRow, state: MemberState) -> usize {
    version.members.iter().filter(|member| member.state == state).count()
}

fn brief(version: &VersionRow) -> Value {
    json!({
        "version": version.version, "state": version.state, "created_at": version.created_at, "promoted_at": version.promoted_at,
        "shards": version.shards, "active": count(version, MemberState::Active), "quarantined": count(version, MemberState::Quarantined),
        "destroyed": count(version, MemberState::Destroyed), "empty": count(version, MemberState::Empty),
        "held_out": version.metrics.get("held_out"),
    })
}

fn whole(version: &VersionRow) -> Value {
    let mut shown = brief(version);
    shown["config"] = version.config.clone();
    shown["metrics"] = version.metrics.clone();
    let member = |member: &crate::domain::model::MemberRow| {
        json!({
            "shard": member.shard, "state": member.state, "weights": member.weights, "training_root": member.training_root,
            "learners": member.learners, "answers": member.answers,
        })
    };
    shown["members"] = version.members.iter().map(member).collect();
    shown
}

fn table(versions: &[VersionRow]) -> String {
    if versions.is_empty() {
        return "no model yet; `parcours refresh` trains one".into();
    }
    let line = |version: &VersionRow| {
        let auc = version.metrics.pointer("/held_out/auc").and_then(Value::as_f64).map_or("-".into(), |auc| format!("{auc:.4}"));
        let (active, state) = (count(version, MemberState::Active), version.state.as_str());
        format!("{}  {state:<10} {}  {active} of {} members  AUC {auc}", version.version, version.created_at.to_rfc3339(), version.shards)
    };
    versions.iter().map(line).collect::<Vec<_>>().join("\n")
}
