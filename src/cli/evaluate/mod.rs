//! `parcours evaluate`: train on some answers of a log, score others.
//!
//! `plan` turns the flags into exams (one, or one a fold); `contender` fits a model and lets it score an exam; `report` is what is
//! printed, `table` how several models stand side by side.

mod ablation;
mod contender;
mod plan;
mod report;
mod table;

use std::path::PathBuf;

use anyhow::bail;

use super::Globals;
use crate::ingest::formats::{Columns, Format};
use crate::learning::TrainingConfig;
use crate::privacy::Secrets;
pub use contender::Model;
pub use report::Report;

/// Train on some answers, score others, and print the metrics.
///
/// Every scored answer is predicted before it is taken in, first answers included. Counts come from the training answers and the
/// learner's own earlier answers only. Test learners decide nothing: not the weights, not when to stop. See docs/evaluation.md.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Layout of the logs.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Answers to train on (plain or gzip); alone, the log that --hold-out-every, --cv or --split time divide. With --cv also a folder
    /// of folds, `*_train1.csv`, `*_test1.csv` and so on.
    #[arg(long, value_name = "PATH")]
    pub train: PathBuf,
    /// Answers to score.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["hold_out_every", "cv"])]
    pub test: Option<PathBuf>,
    /// Table of item and skill, where the layout has one (gervet).
    #[arg(long, value_name = "PATH")]
    pub item_skill: Option<PathBuf>,
    /// Which column is what (csv), as for `import`.
    #[arg(long, value_name = "MAPPING", default_value = "learner=learner,item=item,correct=correct")]
    pub columns: Columns,
    /// Models to evaluate, separated by commas; several make a table.
    #[arg(long, value_enum, default_values_t = [Model::Parcours], value_delimiter = ',')]
    pub model: Vec<Model>,
    /// What is held out: learners, or each learner's later answers.
    #[arg(long, value_enum, default_value_t = Split::Learner)]
    pub split: Split,
    /// Share of each learner's answers that comes before the cut (--split time).
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    pub at: f64,
    /// Hold out the learners at positions 0, N, 2 N, … in order of their ids (numbers by size).
    #[arg(long, value_name = "N", conflicts_with = "cv")]
    pub hold_out_every: Option<usize>,
    /// Cross-validate: as many folds, learners by hash of their id; mean and standard deviation.
    #[arg(long, value_name = "FOLDS")]
    pub cv: Option<usize>,
    /// Table `learner,group` (CSV with a header): metrics for each group.
    #[arg(long, value_name = "PATH")]
    pub groups: Option<PathBuf>,
    /// Bootstrap draws of the test learners, for the 95 % intervals.
    #[arg(long, default_value_t = 1_000)]
    pub draws: usize,
    /// Members of the ensemble, one a shard [default: model.shards].
    #[arg(long)]
    pub shards: Option<u16>,
    /// Seed of everything random [default: training.seed].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Shards trained side by side [default: one a core].
    #[arg(long)]
    pub threads: Option<usize>,
    /// Instead: what each part of the learner model is worth. One member is trained without it, on all training learners.
    #[arg(long)]
    pub ablate: bool,
    /// Seeds of --ablate.
    #[arg(long, default_value_t = 2)]
    pub seeds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// Test learners appear in no training.
    Learner,
    /// Each learner's first answers train, the later ones are scored.
    Time,
}

/// What every model of a run shares.
struct Setting {
    config: TrainingConfig,
    shards: u16,
    threads: usize,
    draws: usize,
    secrets: Secrets,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let globals_for_work = globals.clone();
    if args.ablate {
        let ablation = tokio::task::spawn_blocking(move || {
            let setting = setting(&args, &globals_for_work)?;
            let sitting = plan::Plan::new(&args)?.sitting(0, &setting)?;
            ablation::Ablation::of(&sitting, &setting, args.seeds)
        });
        let ablation = ablation.await??;
        return globals.print(&ablation, || ablation.markdown());
    }
    let mut reports = tokio::task::spawn_blocking(move || evaluate(&args, &globals_for_work)).await??;
    match reports.as_mut_slice() {
        [alone] => globals.print(alone, || alone.text()),
        several => {
            report::compare(several);
            globals.print(&serde_json::json!({ "models": &*several }), || table::markdown(several))
        }
    }
}

fn setting(args: &Args, globals: &Globals) -> anyhow::Result<Setting> {
    let mut config = globals.config.training.clone();
    config.seed = args.seed.unwrap_or(config.seed);
    config.check().map_err(|error| anyhow::anyhow!("training: {error}"))?;
    let shards = args.shards.unwrap_or(globals.config.model.shards);
    if !(1..=64).contains(&shards) {
        bail!("--shards must be 1 to 64");
    }
    let threads =
        args.threads.filter(|threads| *threads > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    // Pseudonyms and shards follow from the seed and the log's own learner ids, so that a run can be repeated.
    let secrets = Secrets::from_seed(config.seed);
    Ok(Setting { config, shards, threads, draws: args.draws, secrets })
}

fn evaluate(args: &Args, globals: &Globals) -> anyhow::Result<Vec<Report>> {
    let setting = setting(args, globals)?;
    let plan = plan::Plan::new(args)?;
    let models = Model::chosen(&args.model);
    let mut by_model: Vec<Vec<Report>> = vec![Vec::new(); models.len()];
    for fold in 0..plan.folds() {
        let sitting = plan.sitting(fold, &setting)?;
        for (model, reports) in models.iter().zip(&mut by_model) {
            tracing::info!(model = model.name(), fold, "evaluating");
            reports.push(contender::examine(*model, &sitting, &setting)?);
        }
    }
    Ok(by_model.into_iter().map(|folds| Report::over_folds(folds, args.cv.is_some())).collect())
}
