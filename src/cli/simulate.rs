//! `parcours simulate`.

use std::path::PathBuf;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use super::{Globals, simulate_truth};
use crate::simulate::{Cohort, files, sample};

/// Make a course and a cohort of learners who answer, from a seed.
///
/// Writes catalog.json and events.ndjson.gz, as an LMS would send them to /v1/catalog and /v1/events, and truth.json.gz:
/// what the simulated learners truly knew.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How many learners.
    #[arg(long, default_value_t = sample::LEARNERS, value_name = "N")]
    pub learners: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = sample::SEED, value_name = "S")]
    pub seed: u64,
    /// Folder to write into.
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Truth(simulate_truth::Args),
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    if let Some(Command::Truth(args)) = args.command {
        return simulate_truth::run(args, globals).await;
    }
    let out = args.out.context("--out names the folder to write into")?;
    let bar = ProgressBar::with_draw_target(Some(args.learners as u64), ProgressDrawTarget::stderr());
    let cohort = Cohort::new(args.learners, args.seed);
    let written = files::simulate(&cohort, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    written.write(&out).with_context(|| format!("cannot write into {}", out.display()))?;
    let counts = written.written;
    let summary = json!({
        "seed": args.seed,
        "learners": counts.learners,
        "items": cohort.world.items.len(),
        "skills": cohort.world.skills.len(),
        "events": counts.events,
        "answers": counts.answers,
        "correct": counts.correct,
        "bytes": written.catalog.len() + written.events.len() + written.truth.len(),
        "out": out,
    });
    globals.print(&summary, || {
        format!(
            "{} learners, {} events ({} answers, {:.0} % right) on {} items and {} skills, in {}.",
            counts.learners,
            counts.events,
            counts.answers,
            100.0 * counts.correct as f64 / counts.answers.max(1) as f64,
            cohort.world.items.len(),
            cohort.world.skills.len(),
            out.display()
        )
    })
}
