//! `parcours import`: a log of answers into events and catalogue.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Globals;
use crate::ingest::formats::{self, Columns, Format, ReadOptions};
use crate::ingest::load;

/// Turn an answer log into events and catalogue. Importing the same log again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Layout of the log.
    #[arg(long, value_enum)]
    pub format: Format,
    /// The log; may be gzipped. For mikt the `*_question.txt`, or the folder of the data set.
    pub path: PathBuf,
    /// Table of `item_id` and `skill` (gervet). Without it the log's own `skill_id` is used.
    #[arg(long, value_name = "FILE")]
    pub item_skill: Option<PathBuf>,
    /// Which column is what (csv): FIELD=COLUMN with commas; fields are learner, item, correct, time, skills, response_ms,
    /// attempt_number and hints.
    #[arg(long, value_name = "MAPPING", default_value = "learner=learner,item=item,correct=correct")]
    pub columns: Columns,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let started = Instant::now();
    let options = ReadOptions { item_skill: args.item_skill, columns: args.columns };
    let (format, path) = (args.format, args.path.clone());
    let log = tokio::task::spawn_blocking(move || formats::read(format, &path, &options)).await.context("reading was interrupted")??;

    let app = globals.open().await?;
    let bar = progress_bar(log.answers() as u64);
    let report = load::load(&app.store, &app.secrets, &app.config.ingest, app.clock.now(), &args.tenant.tenant, &log, |done| {
        bar.set_position(done as u64)
    })
    .await;
    bar.finish_and_clear();
    app.close().await;
    let report = report.with_context(|| format!("while importing {}", args.path.display()))?;

    let seconds = started.elapsed().as_secs_f64();
    let summary = json!({
        "format": format.as_str(),
        "tenant": args.tenant.tenant.as_str(),
        "learners": report.learners,
        "items": log.catalog.items.len(),
        "skills": log.catalog.skills.len(),
        "events": report.events,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "quarantined": report.quarantined,
        "reasons": report.reasons,
        "catalog_revision": report.catalog.revision,
        "warnings": report.catalog.warnings,
        "seconds": seconds,
        "events_per_second": report.events as f64 / seconds,
    });
    globals.print(&summary, || {
        let mut text = format!(
            "{} answers of {} learners on {} items: {} stored, {} known already, {} in conflict, {} quarantined ({seconds:.1} s).",
            report.events,
            report.learners,
            log.catalog.items.len(),
            report.accepted,
            report.duplicates,
            report.conflicts,
            report.quarantined,
        );
        if report.quarantined > 0 {
            text.push_str(&format!("\nQuarantined: {}.", load::words(&report)));
        }
        for warning in &report.catalog.warnings {
            text.push_str(&format!("\nCatalogue: {}.", warning.message));
        }
        text
    })
}

/// On standard error; silent when that is no terminal.
fn progress_bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} answers, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
