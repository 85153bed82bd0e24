//! `parcours evaluate`: train on one answer log, score another.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Serialize;

use super::Globals;
use super::bar::Bar;
use crate::domain::{Catalog, Event, TenantId};
use crate::ingest::formats::{self, Format, ReadOptions};
use crate::learning::baseline::BestLr;
use crate::learning::dataset::Dataset;
use crate::learning::evaluate::{score_held_out, served, train_members};
use crate::learning::metrics::Metrics;
use crate::learning::{Predictor, frame, train};
use crate::privacy::Secrets;

/// Train on one answer log, score another, and print the metrics.
///
/// Every graded answer of the test log is predicted before it is taken in, first answers included. Counts come from the
/// training log and the learner's own earlier answers only. Test learners decide nothing: not the weights, not when to stop.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Layout of the logs.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Answers to train on (plain or gzip).
    #[arg(long, value_name = "PATH")]
    pub train: PathBuf,
    /// Answers to score.
    #[arg(long, value_name = "PATH")]
    pub test: PathBuf,
    /// Table of item and skill, where the layout has one (gervet).
    #[arg(long, value_name = "PATH")]
    pub item_skill: Option<PathBuf>,
    /// Model to evaluate.
    #[arg(long, value_enum, default_value_t = Model::Parcours)]
    pub model: Model,
    /// Members of the ensemble, one a shard [default: model.shards].
    #[arg(long)]
    pub shards: Option<u16>,
    /// Seed of everything random [default: training.seed].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Shards trained side by side [default: one a core].
    #[arg(long)]
    pub threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Model {
    /// The ensemble as it is served.
    Parcours,
    /// What is served while there is no member: counts, nothing fitted.
    Counts,
    /// Logistic regression on counts.
    BestLr,
    /// The item's shrunken rate.
    ItemMean,
    /// The overall rate.
    Mean,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub auc: Option<f64>,
    pub accuracy: f64,
    pub log_loss: f64,
    pub ece: f64,
    pub events: usize,
    pub train_seconds: f64,
    /// Answers trained on (each epoch counts) per second of training.
    pub events_per_second: f64,
    /// Of the longest-trained member.
    pub epochs: usize,
    pub parameters: usize,
    pub model: String,
    pub shards: u16,
    pub members: usize,
    pub seed: u64,
    pub train_answers: usize,
    pub train_learners: usize,
    pub score_seconds: f64,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let globals_for_work = globals.clone();
    let report = tokio::task::spawn_blocking(move || evaluate(&args, &globals_for_work)).await??;
    globals.print(&report, || {
        format!(
            "{} on {} answers: AUC {}, accuracy {:.4}, log loss {:.4}, calibration error {:.4}\ntrained in {:.1} s ({:.0} answers/s), {} members, {} parameters",
            report.model,
            report.events,
            report.auc.map_or("undefined".into(), |auc| format!("{auc:.4}")),
            report.accuracy,
            report.log_loss,
            report.ece,
            report.train_seconds,
            report.events_per_second,
            report.members,
            report.parameters
        )
    })
}

fn evaluate(args: &Args, globals: &Globals) -> anyhow::Result<Report> {
    let mut config = globals.config.training.clone();
    config.seed = args.seed.unwrap_or(config.seed);
    config.check().map_err(|error| anyhow::anyhow!("training: {error}"))?;
    let shards = args.shards.unwrap_or(globals.config.model.shards);
    if !(1..=64).contains(&shards) {
        bail!("--shards must be 1 to 64");
    }
    let threads =
        args.threads.filter(|threads| *threads > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let (train_log, test_log) = read(args)?;
    // Pseudonyms and shards follow from the seed and the log's own learner ids, so that a run can be repeated.
    let secrets = Secrets::from_seed(config.seed);
    let tenant = TenantId::default();
    let (train_events, test_events) = (train_log.events(&secrets, &tenant), test_log.events(&secrets, &tenant));
    let both: std::collections::BTreeSet<_> = train_events.iter().map(|event| event.learner).collect();
    if test_events.iter().any(|event| both.contains(&event.learner)) {
        bail!("a learner is in both logs: this would not be a held-out test");
    }
    let mut catalog = test_log.catalog;
    catalog.items.extend(train_log.catalog.items);
    catalog.skills.extend(train_log.catalog.skills);
    let catalog = Arc::new(catalog);
    let whole = dataset(&train_events, &catalog)?;
    let counts = Arc::new(whole.counts());

    let started = Instant::now();
    let mut outcome = Outcome { epochs: 0, parameters: 0, steps: 0, members: Vec::new(), regression: None };
    match args.model {
        Model::Parcours => outcome.train(&train_events, &catalog, &secrets, shards, &config, threads)?,
        Model::BestLr => {
            let regression = BestLr::fit(&whole)?;
            (outcome.epochs, outcome.parameters, outcome.steps) = (1, regression.parameters(), whole.answers() as u64);
            outcome.regression = Some(regression);
        }
        Model::ItemMean | Model::Mean | Model::Counts => {}
    }
    let train_seconds = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let predictor = Predictor::load(&outcome.members, catalog, counts)?;
    let scored = score_held_out(&predictor, &test_events, threads, |state, event| match (&args.model, &outcome.regression) {
        (Model::BestLr, Some(regression)) => predictor.best_lr(regression, state, &event.item, event.occurred_at),
        (Model::ItemMean, _) => predictor.item_mean(&event.item),
        (Model::Mean, _) => predictor.overall_mean(),
        _ => served(&predictor, state, event),
    });
    let metrics = Metrics::of(&scored).context("the test log has no graded answer")?;
    Ok(Report {
        auc: metrics.auc,
        accuracy: metrics.accuracy,
        log_loss: metrics.log_loss,
        ece: metrics.ece,
        events: metrics.events,
        train_seconds,
        events_per_second: outcome.steps as f64 / train_seconds.max(1e-9),
        epochs: outcome.epochs,
        parameters: outcome.parameters,
        model: clap::ValueEnum::to_possible_value(&args.model).map_or_else(String::new, |value| value.get_name().into()),
        shards,
        members: outcome.members.len(),
        seed: config.seed,
        train_answers: whole.answers(),
        train_learners: whole.sequences.len(),
        score_seconds: started.elapsed().as_secs_f64(),
    })
}

fn read(args: &Args) -> anyhow::Result<(formats::Log, formats::Log)> {
    let options = ReadOptions { item_skill: args.item_skill.clone(), ..ReadOptions::default() };
    let train = formats::read(args.format, &args.train, &options).context("reading the training log")?;
    let test = formats::read(args.format, &args.test, &options).context("reading the test log")?;
    Ok((train, test))
}

fn dataset(events: &[Event], catalog: &Catalog) -> anyhow::Result<Dataset> {
    Dataset::from_frame(&frame::from_events(events)?, catalog)
}

struct Outcome {
    epochs: usize,
    parameters: usize,
    steps: u64,
    members: Vec<Vec<u8>>,
    regression: Option<BestLr>,
}

impl Outcome {
    /// One member a shard, from that shard's events alone.
    fn train(
        &mut self,
        events: &[Event],
        catalog: &Catalog,
        secrets: &Secrets,
        shards: u16,
        config: &crate::learning::TrainingConfig,
        threads: usize,
    ) -> anyhow::Result<()> {
        let mut by_shard: Vec<Vec<Event>> = vec![Vec::new(); usize::from(shards)];
        for event in events {
            by_shard[usize::from(secrets.bucket(event.learner).shard(shards).0)].push(event.clone());
        }
        let datasets = by_shard
            .iter()
            .zip(0..)
            .map(|(events, shard)| Ok((train::member_seed(config.seed, crate::domain::ShardId(shard)), dataset(events, catalog)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let bar = Bar::new();
        let members = train_members(&datasets, config, threads, &bar);
        bar.finish();
        for member in members?.into_iter().flatten() {
            self.epochs = self.epochs.max(member.report.epochs);
            self.parameters += member.report.parameters;
            self.steps += member.report.steps;
            self.members.push(member.weights);
        }
        if self.members.is_empty() {
            bail!("no shard has enough data for a member");
        }
        Ok(())
    }
}
