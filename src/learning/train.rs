//! Training one member: a pure function of (dataset, configuration, seed), to the byte.
//!
//! Each step takes some learners, counts what the *other* training learners did (that is all a prediction may know of others),
//! and follows the gradient. The weights kept are a running mean, at the epoch that did best on the shard's own validation learners.

use std::collections::BTreeSet;

use candle_core::Tensor;

use super::TrainingConfig;
use super::artefact::{self, Header, Tensors};
use super::batch::Batch;
use super::dataset::{Answer, Dataset, Sequence, Vocabulary};
use super::features::{Evidence, Tally};
use super::math::sigmoid;
use super::metrics::Metrics;
use super::network::Network;
use super::optimiser::Adam;
use super::random::Stream;
use super::split;
use crate::domain::{Pseudonym, hash::Hasher};

/// Told how far a training is; says whether to go on.
pub trait Progress: Sync {
    /// `fraction` in 0..=1. False: stop, the caller no longer wants the result.
    fn report(&self, fraction: f64, message: &str) -> bool;
}

/// Nobody is listening.
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: f64, _: &str) -> bool {
        true
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Fewer learners or answers than a network can be trained on; the shard stays empty and the others serve.
    #[error("too little data: {learners} learners with {answers} answers")]
    TooLittleData { learners: usize, answers: usize },
    #[error("cancelled")]
    Cancelled,
    /// The loss or a weight is not finite.
    #[error("training diverged in epoch {epoch}")]
    Diverged { epoch: usize },
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// What was seen while training.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainingReport {
    pub learners: usize,
    pub answers: usize,
    pub epochs: usize,
    /// Answers that optimiser steps were taken on, each time they were: the cost of this training.
    pub steps: u64,
    pub parameters: usize,
    /// On the shard's own validation learners.
    pub validation_auc: Option<f64>,
    pub validation_log_loss: Option<f64>,
}

/// A trained member: its weights as safetensors bytes (identical for identical input), and the report.
pub struct TrainedMember {
    pub weights: Vec<u8>,
    pub report: TrainingReport,
}

/// The seed of a shard's member.
pub fn member_seed(config_seed: u64, shard: crate::domain::ShardId) -> u64 {
    Hasher::new("parcours 2026 member seed").number(config_seed).number(u64::from(shard.0)).finish_u64()
}

const FEWEST_LEARNERS: usize = 8;
const FEWEST_ANSWERS: usize = 200;
/// Fewer validation answers than this say nothing: then a third of the epochs is run.
const FEWEST_VALIDATION_ANSWERS: usize = 200;
/// How much of the running mean of the weights stays at each step, once there are enough of them.
const KEEP_MEAN: f32 = 0.98;
/// At most this part of the other learners is left out of a step's counts.
const THINNING: f32 = 0.5;
/// Small shards take smaller steps, so that an epoch has about this many of them; but no step is smaller than [`SMALLEST_STEP`].
const STEPS_AN_EPOCH: usize = 64;
const SMALLEST_STEP: usize = 128;
/// Epochs without a better validation loss before training stops.
const PATIENCE: usize = 2;

fn tallies(sequences: &[&Sequence], items: usize) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); items];
    for answer in sequences.iter().flat_map(|sequence| &sequence.answers) {
        tallies[answer.item as usize].note(answer.correct);
    }
    tallies
}

/// What training learners outside of `batch` did: each of them with a chance drawn once for the step, between 1 - [`THINNING`] and 1.
/// A step's learners never see their own answers in the counts, and the network gets to know thin evidence as well as rich.
fn others(training: &[&Sequence], batch: &[&Sequence], items: usize, chance: &mut Stream) -> Vec<Tally> {
    let inside: BTreeSet<Pseudonym> = batch.iter().map(|sequence| sequence.learner).collect();
    let share = 1.0 - THINNING * chance.unit();
    // The draw comes first: it is made for everybody, so that who is in the batch shifts nobody's luck.
    let drawn: Vec<&Sequence> =
        training.iter().copied().filter(|sequence| chance.unit() < share && !inside.contains(&sequence.learner)).collect();
    tallies(&drawn, items)
}

fn evidence(items: Vec<Tally>, vocabulary: &Vocabulary) -> Evidence {
    Evidence::new(items, |item| &vocabulary.item_skills[item as usize], vocabulary.skills.len())
}

/// Learners in a seeded order, cut into batches of about `batch_answers`.
fn batches<'a>(learners: &[&'a Sequence], batch_answers: usize, stream: &mut Stream) -> Vec<Vec<&'a Sequence>> {
    let mut order = learners.to_vec();
    stream.shuffle(&mut order);
    let (mut batches, mut current, mut answers) = (Vec::new(), Vec::new(), 0);
    for learner in order {
        current.push(learner);
        answers += learner.answers.len();
        if answers >= batch_answers {
            batches.push(std::mem::take(&mut current));
            answers = 0;
        }
    }
    if !current.is_empty() {
        batches.push(current);
    }
    batches
}

fn pieces<'a>(learners: &[&'a Sequence], longest: usize) -> impl Iterator<Item = &'a [Answer]> {
    learners.iter().flat_map(move |learner| learner.answers.chunks(longest)).collect::<Vec<_>>().into_iter()
}

/// Trains one member. `seed` is hash(config.seed, shard).
///
/// # Errors
/// Too little data, a diverging loss, or `progress` said stop.
pub fn train_member(dataset: &Dataset, config: &TrainingConfig, seed: u64, progress: &dyn Progress) -> Result<TrainedMember, TrainError> {
    let (learners, answers) = (dataset.sequences.len(), dataset.answers());
    let (validation, training): (Vec<&Sequence>, Vec<&Sequence>) =
        dataset.sequences.iter().partition(|sequence| split::validates(sequence.learner));
    if training.len() < FEWEST_LEARNERS || answers < FEWEST_ANSWERS {
        return Err(TrainError::TooLittleData { learners, answers });
    }
    let vocabulary = &dataset.vocabulary;
    let network = Network::new(vocabulary, config.width, seed)?;
    let mut optimiser = Adam::new(&network.weights, config.weight_decay)?;
    let known = tallies(&training, vocabulary.items.len());
    let all_training = evidence(known.clone(), vocabulary);
    let watched = validation.iter().map(|sequence| sequence.answers.len()).sum::<usize>() >= FEWEST_VALIDATION_ANSWERS;
    let mut report = TrainingReport {
        learners,
        answers,
        epochs: 0,
        steps: 0,
        parameters: network.parameters(),
        validation_auc: None,
        validation_log_loss: None,
    };

    let training_answers: usize = training.iter().map(|sequence| sequence.answers.len()).sum();
    let batch_answers = config.batch_answers.min((training_answers / STEPS_AN_EPOCH).max(SMALLEST_STEP));
    let planned = config.max_epochs as f32;
    let mut best_epoch = 0;
    let mut best: Option<Tensors> = None;
    // Where nothing can tell when to stop, stop early.
    let last_epoch = if watched { config.max_epochs } else { config.max_epochs.div_ceil(3) };
    for epoch in 0..last_epoch {
        let mut order = Stream::new(seed, "order", &(epoch as u64).to_le_bytes());
        let batches = batches(&training, batch_answers, &mut order);
        for (number, batch) in batches.iter().enumerate() {
            let done = epoch as f32 + number as f32 / batches.len() as f32;
            if !progress.report(f64::from(done / planned), &format!("epoch {} of at most {}", epoch + 1, config.max_epochs)) {
                return Err(TrainError::Cancelled);
            }
            let mut chance = Stream::new(seed, "others", &report.steps.to_le_bytes());
            let others = others(&training, batch, vocabulary.items.len(), &mut chance);
            let batch = Batch::new(pieces(batch, config.max_sequence), vocabulary, &evidence(others, vocabulary));
            let mut masks = Stream::new(seed, "dropout", &report.steps.to_le_bytes());
            let logits = network.forward(&batch, Some((config.dropout as f32, &mut masks)))?;
            // The gradient of the mean log loss is (p - y) / n: handed to the backward pass as it is.
            let count = batch.answers() as f32;
            let slope: Vec<f32> = logits.to_vec1::<f32>()?.iter().zip(&batch.correct).map(|(z, y)| (sigmoid(*z) - y) / count).collect();
            if !slope.iter().all(|value| value.is_finite()) {
                return Err(TrainError::Diverged { epoch: epoch + 1 });
            }
            let gradients = (&logits * Tensor::from_vec(slope, logits.shape(), logits.device())?)?.sum_all()?.backward()?;
            optimiser.step(&network.weights, &gradients, learning_rate(config, done / planned), KEEP_MEAN)?;
            report.steps += batch.answers() as u64;
        }
        report.epochs = epoch + 1;
        if !watched {
            continue;
        }
        let means = optimiser.means(&network.weights);
        let metrics = validate(&Network::from_tensors(&means, config.width)?, &validation, vocabulary, &all_training, config)?;
        let better = report.validation_log_loss.is_none_or(|best| metrics.log_loss < best);
        progress
            .report(f64::from((epoch + 1) as f32 / planned), &format!("epoch {}: validation log loss {:.4}", epoch + 1, metrics.log_loss));
        if !better {
            if report.epochs - best_epoch >= PATIENCE {
                break;
            }
            continue;
        }
        best_epoch = report.epochs;
        (report.validation_auc, report.validation_log_loss) = (metrics.auc, Some(metrics.log_loss));
        best = Some(means);
    }
    let weights = best.unwrap_or_else(|| optimiser.means(&network.weights));
    if !weights.values().flat_map(|(_, values)| values).all(|value| value.is_finite()) {
        return Err(TrainError::Diverged { epoch: report.epochs });
    }
    Ok(TrainedMember { weights: encode(weights, vocabulary, &known, config.width)?, report })
}

/// Up over the first twentieth, then down in a straight line to a tenth.
fn learning_rate(config: &TrainingConfig, done: f32) -> f32 {
    let warm = (done / 0.05).min(1.0);
    config.learning_rate as f32 * warm * (1.0 - 0.9 * done)
}

/// The running mean of the weights, on learners whose answers are in no count.
fn validate(
    network: &Network,
    validation: &[&Sequence],
    vocabulary: &Vocabulary,
    evidence: &Evidence,
    config: &TrainingConfig,
) -> Result<Metrics, TrainError> {
    let mut scored = Vec::new();
    for learners in validation.chunks(32) {
        let batch = Batch::new(pieces(learners, config.max_sequence), vocabulary, evidence);
        let logits = network.forward(&batch, None)?.to_vec1::<f32>()?;
        scored.extend(logits.iter().zip(&batch.correct).map(|(z, correct)| (sigmoid(*z), *correct > 0.5)));
    }
    Metrics::of(&scored).ok_or(TrainError::TooLittleData { learners: validation.len(), answers: 0 })
}

fn encode(mut tensors: Tensors, vocabulary: &Vocabulary, known: &[Tally], width: usize) -> Result<Vec<u8>, TrainError> {
    tensors.insert("item.attempts".into(), (vec![known.len()], known.iter().map(|tally| tally.attempts).collect()));
    let header = Header {
        format: artefact::FORMAT,
        width,
        items: vocabulary.items.iter().map(|id| id.as_str().to_string()).collect(),
        skills: vocabulary.skills.iter().map(|id| id.as_str().to_string()).collect(),
    };
    artefact::encode(&header, &tensors).map_err(|error| TrainError::Tensor(candle_core::Error::Msg(error.to_string())))
}
