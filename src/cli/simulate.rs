//! `parcours simulate`.

use std::path::PathBuf;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use super::Globals;
use crate::simulate::{Cohort, files, sample};

/// Make a course and a cohort of learners who answer, from a seed.
///
/// Writes catalog.json and events.ndjson.gz, as an LMS would send them to /v1/catalog and /v1/events, and truth.json.gz:
/// what the simulated learners truly knew.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many learners.
    #[arg(long, default_value_t = sample::LEARNERS, value_name = "N")]
    pub learners: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = sample::SEED, value_name = "S")]
    pub seed: u64,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let bar = ProgressBar::with_draw_target(Some(args.learners as u64), ProgressDrawTarget::stderr());
    let cohort = Cohort::new(args.learners, args.seed);
    let written = files::simulate(&cohort, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    written.write(&args.out).with_context(|| format!("cannot write into {}", args.out.display()))?;
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
        "out": args.out,
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
            args.out.display()
        )
    })
}
