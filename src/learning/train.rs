//! Training one member: a pure function of (dataset, configuration, seed), to the byte.
//!
//! Each step takes some learners, counts what the *other* training learners did (that is all a prediction may know of others),
//! and follows the gradient. The weights kept are a running mean, after the last epoch unless the shard's own validation learners clearly did better earlier.
//! After each epoch all that the rest depends on can be kept (see `checkpoint`), and taken up again by another process.

use std::borrow::Cow;

use candle_core::Tensor;

use super::TrainingConfig;
use super::ablate::Part;
use super::artefact::{self, Header, Tensors};
use super::batch::{Batch, Sight};
use super::checkpoint::{Checkpoint, Checkpoints, NoCheckpoints};
use super::dataset::{Dataset, Sequence, Vocabulary};
use super::evidence::{Evidence, SkillSets, Tally};
use super::math::sigmoid;
use super::metrics::Metrics;
use super::network::Network;
use super::optimiser::{Adam, ItemRows};
use super::random::Stream;
use super::split;
use crate::domain::hash::Hasher;

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
const KEEP_MEAN: f32 = 0.99;
/// At most this part of the others' answers is left out of a step's counts.
const THINNING: f32 = 0.5;
/// Small shards take smaller steps, so that an epoch has about this many of them; but no step is smaller than [`SMALLEST_STEP`].
const STEPS_AN_EPOCH: usize = 64;
const SMALLEST_STEP: usize = 128;
/// An earlier epoch is kept instead of the last one only if its validation loss was better by this part: with few validation
/// learners the best of several epochs is mostly luck, and the last has the smallest steps behind it.
const CLEARLY: f64 = 0.003;

fn tallies(sequences: &[&Sequence], items: usize) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); items];
    for answer in sequences.iter().flat_map(|sequence| &sequence.answers) {
        tallies[answer.item as usize].note(answer.correct);
    }
    tallies
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

/// Sequences cut where they are longer than `longest`; each piece begins with an empty state.
fn pieces<'a>(learners: &[&'a Sequence], longest: usize) -> Vec<Cow<'a, Sequence>> {
    learners.iter().flat_map(|learner| learner.pieces(longest)).collect()
}

/// Trains one member. `seed` is hash(config.seed, shard).
///
/// # Errors
/// Too little data, a diverging loss, or `progress` said stop.
pub fn train_member(dataset: &Dataset, config: &TrainingConfig, seed: u64, progress: &dyn Progress) -> Result<TrainedMember, TrainError> {
    train_resumable(dataset, config, seed, progress, &mut NoCheckpoints)
}

/// As [`train_member`], taking up `checkpoints`' last one if it has one, and leaving one after each epoch: same bytes in the end.
///
/// # Errors
/// As [`train_member`]. A checkpoint of another training is not taken up.
pub fn train_resumable(
    dataset: &Dataset,
    config: &TrainingConfig,
    seed: u64,
    progress: &dyn Progress,
    checkpoints: &mut dyn Checkpoints,
) -> Result<TrainedMember, TrainError> {
    let mut trainer = Trainer::new(dataset, config, seed)?;
    if let Some(checkpoint) = checkpoints.last().and_then(|bytes| Checkpoint::decode(&bytes).ok()) {
        checkpoint.restore(&mut trainer.network, &mut trainer.optimiser, &mut trainer.course)?;
    }
    while !trainer.done() {
        trainer.epoch(progress)?;
        checkpoints.keep(&mut || Checkpoint::of(&trainer.network, &trainer.optimiser, &trainer.course).encode());
    }
    trainer.finish()
}

/// How far a training is, beside its weights.
#[derive(Debug, Clone)]
pub struct Course {
    pub report: TrainingReport,
    /// The epoch with the best validation loss so far, from 1, and the weights it left.
    pub best: Option<Best>,
}

#[derive(Debug, Clone)]
pub struct Best {
    pub epoch: usize,
    pub log_loss: f64,
    pub auc: Option<f64>,
    pub weights: Tensors,
}

/// A training under way: see [`train_resumable`].
pub(super) struct Trainer<'a> {
    config: &'a TrainingConfig,
    vocabulary: &'a Vocabulary,
    seed: u64,
    validation: Vec<&'a Sequence>,
    training: Vec<&'a Sequence>,
    sets: SkillSets,
    /// What all training learners did.
    evidence: Evidence,
    batch_answers: usize,
    /// Whether there are enough validation answers to tell which epoch was best.
    watched: bool,
    network: Network,
    optimiser: Adam,
    course: Course,
    /// What is taken out of every batch, to see what it is worth.
    pub(super) without: Option<Part>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(dataset: &'a Dataset, config: &'a TrainingConfig, seed: u64) -> Result<Self, TrainError> {
        let (learners, answers) = (dataset.sequences.len(), dataset.answers());
        let (validation, training): (Vec<&Sequence>, Vec<&Sequence>) =
            dataset.sequences.iter().partition(|sequence| split::validates(sequence.learner));
        if training.len() < FEWEST_LEARNERS || answers < FEWEST_ANSWERS {
            return Err(TrainError::TooLittleData { learners, answers });
        }
        let vocabulary = &dataset.vocabulary;
        let sets = vocabulary.sets();
        let network = Network::new(vocabulary, config.width, seed)?;
        let training_answers: usize = training.iter().map(|sequence| sequence.answers.len()).sum();
        let report = TrainingReport {
            learners,
            answers,
            epochs: 0,
            steps: 0,
            parameters: network.parameters(),
            validation_auc: None,
            validation_log_loss: None,
        };
        Ok(Self {
            config,
            vocabulary,
            seed,
            evidence: Evidence::new(tallies(&training, vocabulary.items.len()), &sets, vocabulary.skills.len()),
            sets,
            batch_answers: config.batch_answers.min((training_answers / STEPS_AN_EPOCH).max(SMALLEST_STEP)),
            watched: validation.iter().map(|sequence| sequence.answers.len()).sum::<usize>() >= FEWEST_VALIDATION_ANSWERS,
            validation,
            training,
            optimiser: Adam::new(&network, config.weight_decay)?,
            network,
            course: Course { report, best: None },
            without: None,
        })
    }

    pub(super) fn done(&self) -> bool {
        let epochs = self.course.report.epochs;
        // Where nothing can tell which epoch was best, stop early.
        let last = if self.watched { self.config.max_epochs } else { self.config.max_epochs.div_ceil(3) };
        epochs >= last
    }

    /// One pass over the training learners, then a look at the validation learners.
    pub(super) fn epoch(&mut self, progress: &dyn Progress) -> Result<(), TrainError> {
        let (epoch, planned) = (self.course.report.epochs, self.config.max_epochs as f32);
        let mut order = Stream::new(self.seed, "order", &(epoch as u64).to_le_bytes());
        let batches = batches(&self.training, self.batch_answers, &mut order);
        for (number, learners) in batches.iter().enumerate() {
            let done = (epoch as f32 + number as f32 / batches.len() as f32) / planned;
            if !progress.report(f64::from(done), &format!("epoch {} of at most {}", epoch + 1, self.config.max_epochs)) {
                return Err(TrainError::Cancelled);
            }
            self.step(learners, learning_rate(self.config, done))?;
        }
        self.course.report.epochs = epoch + 1;
        if !self.watched {
            return Ok(());
        }
        let means = self.optimiser.means(&self.network);
        let metrics = self.validate(&Network::from_tensors(&means, self.config.width)?)?;
        let message = format!("epoch {}: validation log loss {:.4}", epoch + 1, metrics.log_loss);
        progress.report(f64::from((epoch + 1) as f32 / planned), &message);
        let report = &mut self.course.report;
        (report.validation_auc, report.validation_log_loss) = (metrics.auc, Some(metrics.log_loss));
        if self.course.best.as_ref().is_none_or(|best| metrics.log_loss < best.log_loss) {
            self.course.best = Some(Best { epoch: epoch + 1, log_loss: metrics.log_loss, auc: metrics.auc, weights: means });
        }
        Ok(())
    }

    fn step(&mut self, learners: &[&Sequence], learning_rate: f32) -> Result<(), TrainError> {
        let steps = self.course.report.steps.to_le_bytes();
        let mut chance = Stream::new(self.seed, "others", &steps);
        let sight = Sight::Others { share: 1.0 - THINNING * chance.unit(), chance: &mut chance };
        let batch = self.batch(learners, &self.evidence, sight);
        let mut masks = Stream::new(self.seed, "dropout", &steps);
        let rows = self.network.item_rows(&batch)?;
        let logits = self.network.forward(&batch, &rows, Some((self.config.dropout as f32, &mut masks)))?;
        // The gradient of the mean log loss is (p - y) / n: handed to the backward pass as it is.
        let count = batch.answers() as f32;
        let slope: Vec<f32> = logits.to_vec1::<f32>()?.iter().zip(&batch.correct).map(|(z, y)| (sigmoid(*z) - y) / count).collect();
        if !slope.iter().all(|value| value.is_finite()) {
            return Err(TrainError::Diverged { epoch: self.course.report.epochs + 1 });
        }
        let gradients = (&logits * Tensor::from_vec(slope, logits.shape(), logits.device())?)?.sum_all()?.backward()?;
        let rows = ItemRows { items: &batch.items, fade: &batch.fade, seen: &rows };
        self.optimiser.step(&mut self.network, rows, &gradients, learning_rate, KEEP_MEAN)?;
        self.course.report.steps += batch.answers() as u64;
        Ok(())
    }

    fn batch(&self, learners: &[&Sequence], evidence: &Evidence, sight: Sight<'_>) -> Batch {
        let pieces = pieces(learners, self.config.max_sequence);
        let pieces: Vec<&Sequence> = pieces.iter().map(AsRef::as_ref).collect();
        let mut batch = Batch::new(&pieces, self.vocabulary, &self.sets, evidence, sight);
        if let Some(part) = self.without {
            part.take_out(&mut batch);
        }
        batch
    }

    fn validate(&self, network: &Network) -> Result<Metrics, TrainError> {
        self.score(network, &self.evidence, &self.validation)
    }

    /// On `learners`, whose answers are no part of the evidence.
    fn score(&self, network: &Network, evidence: &Evidence, learners: &[&Sequence]) -> Result<Metrics, TrainError> {
        let mut scored = Vec::new();
        for learners in learners.chunks(32) {
            let batch = self.batch(learners, evidence, Sight::Whole);
            let rows = network.item_rows(&batch)?;
            let logits = network.forward(&batch, &rows, None)?.to_vec1::<f32>()?;
            scored.extend(logits.iter().zip(&batch.correct).map(|(z, correct)| (sigmoid(*z), *correct > 0.5)));
        }
        Metrics::of(&scored).ok_or(TrainError::TooLittleData { learners: learners.len(), answers: 0 })
    }

    /// The network as it would be served now.
    pub(super) fn network(&self) -> Result<Network, TrainError> {
        Ok(Network::from_tensors(&self.kept().0, self.config.width)?)
    }

    /// On `held_out`, by what `counted` did.
    pub(super) fn judge(&self, network: &Network, counted: &[&Sequence], held_out: &[&Sequence]) -> Result<Metrics, TrainError> {
        let evidence = Evidence::new(tallies(counted, self.vocabulary.items.len()), &self.sets, self.vocabulary.skills.len());
        self.score(network, &evidence, held_out)
    }

    /// The weights to keep, and the report with what was measured of them.
    fn kept(&self) -> (Tensors, TrainingReport) {
        let mut report = self.course.report.clone();
        let clearly = |best: &&Best| report.validation_log_loss.is_none_or(|last| best.log_loss < last * (1.0 - CLEARLY));
        match self.course.best.as_ref().filter(clearly) {
            Some(best) => {
                (report.validation_auc, report.validation_log_loss) = (best.auc, Some(best.log_loss));
                (best.weights.clone(), report)
            }
            None => (self.optimiser.means(&self.network), report),
        }
    }

    fn finish(self) -> Result<TrainedMember, TrainError> {
        let (weights, report) = self.kept();
        if !weights.values().flat_map(|(_, values)| values).all(|value| value.is_finite()) {
            return Err(TrainError::Diverged { epoch: report.epochs });
        }
        Ok(TrainedMember { weights: encode(weights, self.vocabulary, &self.evidence.items, self.config.width)?, report })
    }
}

/// Up over the first twentieth, then down in a straight line to a tenth.
fn learning_rate(config: &TrainingConfig, done: f32) -> f32 {
    let warm = (done / 0.05).min(1.0);
    config.learning_rate as f32 * warm * (1.0 - 0.9 * done)
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
