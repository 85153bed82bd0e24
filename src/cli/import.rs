//! `parcours import`: a log of answers into events and catalogue.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Globals;
use crate::app::App;
use crate::domain::TenantId;
use crate::ingest::catalog::{self, CatalogFormat};
use crate::ingest::formats::{self, Columns, Format, ReadOptions};
use crate::ingest::{LoadReport, load};
use crate::store;

/// Turn an answer log into events and catalogue. Importing the same log again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Layout of the log.
    #[arg(long, value_enum)]
    pub format: ImportFormat,
    /// The log; may be gzipped. For mikt the `*_question.txt`, or the folder of the data set; for native a file of events, one a
    /// line, or a folder with catalog.json and events.ndjson.
    pub path: PathBuf,
    /// Table of `item_id` and `skill` (gervet). Without it the log's own `skill_id` is used.
    #[arg(long, value_name = "FILE")]
    pub item_skill: Option<PathBuf>,
    /// Which column is what (csv): FIELD=COLUMN with commas; fields are learner, item, correct, time, skills, response_ms,
    /// attempt_number and hints.
    #[arg(long, value_name = "MAPPING", default_value = "learner=learner,item=item,correct=correct")]
    pub columns: Columns,
}

/// Layouts that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ImportFormat {
    /// Tab-separated `user_id item_id timestamp correct skill_id`; skills of items in a table of their own (`--item-skill`).
    Gervet,
    /// Four lines a learner: `index,user` / items / skills / 0-1. Rows repeated for a second skill become one attempt.
    Akt,
    /// Three lines a learner: length / questions / 0-1, with `*_ques_skill.csv` beside.
    Mikt,
    /// Lines of one learner: header / skills / 0-1. The skill is the item.
    Skills3,
    /// Any table with a header (comma, semicolon or tab), read through `--columns`.
    Csv,
    /// Events as for POST /v1/events, one a line; what `parcours simulate` writes.
    Native,
}

impl ImportFormat {
    fn log(self) -> Option<Format> {
        match self {
            Self::Gervet => Some(Format::Gervet),
            Self::Akt => Some(Format::Akt),
            Self::Mikt => Some(Format::Mikt),
            Self::Skills3 => Some(Format::Skills3),
            Self::Csv => Some(Format::Csv),
            Self::Native => None,
        }
    }
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let started = Instant::now();
    let app = globals.open().await?;
    let done = match args.format.log() {
        Some(format) => import_log(&app, format, &args).await,
        None => import_native(&app, &args.tenant.tenant, &args.path).await,
    };
    app.close().await;
    let report = done.with_context(|| format!("while importing {}", args.path.display()))?;

    let seconds = started.elapsed().as_secs_f64();
    let summary = json!({
        "format": args.format.log().map_or("native", Format::as_str),
        "tenant": args.tenant.tenant.as_str(),
        "items": report.catalog.items,
        "skills": report.catalog.skills,
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
            "{} events: {} stored, {} known already, {} in conflict, {} quarantined; {} items and {} skills are new ({seconds:.1} s).",
            report.events,
            report.accepted,
            report.duplicates,
            report.conflicts,
            report.quarantined,
            report.catalog.items.added,
            report.catalog.skills.added,
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

async fn import_log(app: &App, format: Format, args: &Args) -> anyhow::Result<LoadReport> {
    let options = ReadOptions { item_skill: args.item_skill.clone(), columns: args.columns.clone() };
    let path = args.path.clone();
    let log = tokio::task::spawn_blocking(move || formats::read(format, &path, &options)).await.context("reading was interrupted")??;
    let bar = progress_bar(Some(log.answers() as u64));
    let told = |done| bar.set_position(done as u64);
    let report = load::load(&app.store, &app.secrets, &app.config.ingest, app.clock.now(), &args.tenant.tenant, &log, told).await;
    bar.finish_and_clear();
    Ok(report?)
}

/// A file of events, or a folder with `catalog.json` (optional) and `events.ndjson` or `events.ndjson.gz`.
async fn import_native(app: &App, tenant: &TenantId, path: &Path) -> anyhow::Result<LoadReport> {
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    store::tenants::ensure(&mut tx, tenant, now).await?;
    tx.commit().await?;
    let mut report = LoadReport::default();
    let mut events = path.to_owned();
    if path.is_dir() {
        let catalog_file = path.join("catalog.json");
        if catalog_file.is_file() {
            let body = std::fs::read(&catalog_file).with_context(|| format!("cannot read {}", catalog_file.display()))?;
            let read = catalog::put(&app.store, tenant, &body, CatalogFormat::Json).await;
            report.catalog = read.with_context(|| catalog_file.display().to_string())?;
        }
        let named = ["events.ndjson", "events.ndjson.gz"].map(|name| path.join(name)).into_iter().find(|file| file.is_file());
        events = named.with_context(|| format!("{} holds no events.ndjson", path.display()))?;
    }
    let lines = formats::open(&events)?;
    let bar = progress_bar(None);
    let told = |done| bar.set_position(done as u64);
    let done = load::load_lines(&app.store, &app.secrets, &app.config.ingest, now, tenant, lines, &mut report, told).await;
    bar.finish_and_clear();
    done?;
    Ok(report)
}

/// On standard error; silent when that is no terminal.
fn progress_bar(length: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    let template = if length.is_some() {
        "{bar:40} {human_pos} of {human_len} answers, {per_sec}, {eta} left"
    } else {
        "{human_pos} events, {per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
