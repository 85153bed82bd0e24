//! A model under evaluation: fitted on an exam's training answers, asked for every scored one.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};

use super::plan::Sitting;
use super::{Report, Setting};
use crate::cli::bar::Bar;
use crate::domain::{Event, ShardId};
use crate::learning::baseline::{Baseline, BestLr, Bkt, OneHot, Pfa, Rasch, Regression};
use crate::learning::dataset::Dataset;
use crate::learning::evaluate::score::served;
use crate::learning::evaluate::{Exam, Judgement, Scored, score_baseline, score_served, train_members};
use crate::learning::predictor::Prediction;
use crate::learning::{Predictor, frame, train};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Model {
    /// The ensemble as it is served.
    Parcours,
    /// What is served while there is no member: counts, nothing fitted.
    Counts,
    /// Logistic regression on shrunken rates and log counts.
    BestLr,
    /// Logistic regression on one-hot items and skills and log counts (Gervet et al., 2020).
    BestLrOneHot,
    /// Bayesian knowledge tracing, one hidden "knows it" a skill.
    Bkt,
    /// Performance factors analysis: right and wrong answers so far on each skill.
    Pfa,
    /// The Rasch model; the ability of a new learner follows their answers.
    Irt,
    /// The item's shrunken rate.
    ItemMean,
    /// The overall rate.
    Mean,
    /// All of them, in one table.
    All,
}

impl Model {
    const TABLE: [Self; 9] =
        [Self::Mean, Self::ItemMean, Self::Irt, Self::Pfa, Self::Bkt, Self::BestLr, Self::BestLrOneHot, Self::Counts, Self::Parcours];

    /// `all` stands for the whole table; each model comes once.
    pub fn chosen(asked: &[Self]) -> Vec<Self> {
        if asked.contains(&Self::All) {
            return Self::TABLE.to_vec();
        }
        let mut chosen: Vec<Self> = Vec::new();
        for model in asked {
            if !chosen.contains(model) {
                chosen.push(*model);
            }
        }
        chosen
    }

    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map_or_else(String::new, |value| value.get_name().into())
    }
}

/// What fitting cost.
#[derive(Debug, Default)]
struct Effort {
    seconds: f64,
    epochs: usize,
    parameters: usize,
    /// Answers trained on, each time they were.
    steps: u64,
    members: usize,
}

/// Fits `model` on the exam's training answers and measures it on the scored ones.
pub fn examine(model: Model, sitting: &Sitting, setting: &Setting) -> anyhow::Result<Report> {
    let exam = &sitting.exam;
    let (scored, effort, score_seconds) = match model {
        Model::Irt => baseline(exam, setting, || Ok(Rasch::fit(&exam.train)))?,
        Model::Bkt => baseline(exam, setting, || Ok(Bkt::fit(&exam.train)))?,
        Model::Pfa => baseline(exam, setting, || Ok(Regression::<Pfa>::fit(&exam.train)?))?,
        Model::BestLrOneHot => baseline(exam, setting, || Ok(Regression::<OneHot>::fit(&exam.train)?))?,
        _ => through_predictor(model, exam, setting)?,
    };
    let seed = setting.config.seed;
    let judgement = Judgement::of(exam, &scored, sitting.groups.as_deref(), setting.draws, seed, setting.threads)
        .context("the test log has no graded answer")?;
    Ok(Report {
        judgement,
        train_seconds: effort.seconds,
        events_per_second: effort.steps as f64 / effort.seconds.max(1e-9),
        epochs: effort.epochs,
        parameters: effort.parameters,
        model: model.name(),
        shards: setting.shards,
        members: effort.members,
        seed,
        split: sitting.split.clone(),
        train_answers: exam.train.answers(),
        train_learners: exam.train.sequences.len(),
        test_learners: exam.candidates.len(),
        score_seconds,
        repeated_rows_collapsed: sitting.repeated_rows,
        repeats: sitting.repeats,
        behind: None,
        cv: None,
    })
}

fn baseline<B: Baseline>(
    exam: &Exam,
    setting: &Setting,
    fit: impl FnOnce() -> anyhow::Result<B>,
) -> anyhow::Result<(Vec<Scored>, Effort, f64)> {
    let started = Instant::now();
    let model = fit()?;
    let seconds = started.elapsed().as_secs_f64();
    let (epochs, parameters) = (model.rounds(), model.parameters());
    let effort = Effort { seconds, epochs, parameters, steps: (exam.train.answers() * epochs) as u64, members: 0 };
    let started = Instant::now();
    Ok((score_baseline(exam, &model, setting.threads), effort, started.elapsed().as_secs_f64()))
}

/// What is or could be served, and the models that read the same features.
fn through_predictor(model: Model, exam: &Exam, setting: &Setting) -> anyhow::Result<(Vec<Scored>, Effort, f64)> {
    let started = Instant::now();
    let (mut effort, mut members, mut regression) = (Effort::default(), Vec::new(), None);
    match model {
        Model::Parcours => members = ensemble(exam, setting, &mut effort)?,
        Model::BestLr => {
            let fitted = BestLr::fit(&exam.train)?;
            (effort.epochs, effort.parameters, effort.steps) = (1, fitted.parameters(), exam.train.answers() as u64);
            regression = Some(fitted);
        }
        _ => {}
    }
    effort.seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let predictor = Predictor::load(&members, exam.catalog.clone(), Arc::new(exam.counts()))?;
    let sure = |p_correct: f32| Prediction { p_correct, spread: 0.0 };
    let scored = score_served(exam, &predictor, setting.threads, |state, event| match (model, &regression) {
        (Model::BestLr, Some(regression)) => sure(predictor.best_lr(regression, state, &event.item, event.occurred_at)),
        (Model::ItemMean, _) => sure(predictor.item_mean(&event.item)),
        (Model::Mean, _) => sure(predictor.overall_mean()),
        _ => served(&predictor, state, event),
    });
    Ok((scored, effort, started.elapsed().as_secs_f64()))
}

/// One member a shard, from that shard's events alone.
fn ensemble(exam: &Exam, setting: &Setting, effort: &mut Effort) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut by_shard: Vec<Vec<Event>> = vec![Vec::new(); usize::from(setting.shards)];
    for event in &exam.train_events {
        by_shard[usize::from(setting.secrets.bucket(event.learner).shard(setting.shards).0)].push(event.clone());
    }
    let datasets = by_shard
        .iter()
        .zip(0..)
        .map(|(events, shard)| {
            let dataset = Dataset::from_frame(&frame::from_events(events)?, &exam.catalog)?;
            Ok((train::member_seed(setting.config.seed, ShardId(shard)), dataset))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let bar = Bar::new();
    let members = train_members(&datasets, &setting.config, setting.threads, &bar);
    bar.finish();
    let mut weights = Vec::new();
    for member in members?.into_iter().flatten() {
        effort.epochs = effort.epochs.max(member.report.epochs);
        effort.parameters += member.report.parameters;
        effort.steps += member.report.steps;
        weights.push(member.weights);
    }
    if weights.is_empty() {
        bail!("no shard has enough data for a member");
    }
    effort.members = weights.len();
    Ok(weights)
}
