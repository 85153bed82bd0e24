//! From a shard's events in the store to a trained member: several shards side by side, each a function of its own data alone.
//!
//! Per shard: note the epoch, read the usable events (one snapshot), make frame and dataset, hash what was read; if a member
//! was already trained from exactly this input, take it; else train on a blocking thread. Nothing is written here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt, TryStreamExt, stream};

use super::artefacts::Artefacts;
use super::checkpoints::ShardCheckpoints;
use super::heldout::HeldOut;
use super::{Registry, RegistryError};
use crate::config::TrainingConfig;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Catalog, Event, Micros, ShardId, TenantId};
use crate::learning::dataset::{Dataset, Vocabulary};
use crate::learning::frame;
use crate::learning::train::{self, Progress, TrainError, TrainedMember, TrainingReport};
use crate::privacy::Secrets;
use crate::privacy::merkle::{Leaf, Tree};
use crate::privacy::rights::WHOLE_TENANT;
use crate::store::{catalog, events, shards};

/// Part of a training's input: bumped when the algorithm changes, so that no older member is taken for an equal one.
const ALGORITHM: &str = "2";

/// What came of one shard.
pub enum Outcome {
    Trained {
        weights: Vec<u8>,
        report: TrainingReport,
    },
    /// A member trained from exactly this input is there.
    Reused {
        weights: Digest,
        report: TrainingReport,
    },
    /// Too few learners or answers to train on.
    Empty,
    /// No usable weights came of it; the shard stays silent until the next training.
    Diverged {
        epoch: usize,
    },
}

/// A shard as it was read, and what came of it.
pub struct ShardTraining {
    pub shard: ShardId,
    /// The shard's epoch when it was read.
    pub epoch: i64,
    pub tree: Tree,
    pub root: Digest,
    pub input: Digest,
    pub seed: u64,
    pub learners: i64,
    pub answers: i64,
    pub first_answer: Option<Micros>,
    pub last_answer: Option<Micros>,
    pub outcome: Outcome,
    /// The shard's validation learners and the counts of the others: for judging an ensemble.
    pub held_out: HeldOut,
}

/// Some shards, trained under one configuration.
pub struct Training {
    pub config: TrainingConfig,
    pub shards: u16,
    /// Epoch over all shards when it began: the fence where the shard map is not the served one.
    pub whole_epoch: i64,
    pub catalog: Arc<Catalog>,
    /// By shard.
    pub members: Vec<ShardTraining>,
}

/// A member that may be taken again: by the hash of its input.
pub type Reusable = HashMap<(ShardId, Digest), (Digest, TrainingReport)>;

/// Progress over several shards: the mean of theirs.
struct Shared {
    fractions: Vec<AtomicU64>,
    listener: Arc<dyn Progress + Send + Sync>,
}

struct Part<'a> {
    shared: &'a Shared,
    place: usize,
    shard: ShardId,
}

impl Progress for Part<'_> {
    fn report(&self, fraction: f64, message: &str) -> bool {
        self.shared.fractions[self.place].store((fraction.clamp(0.0, 1.0) * 1e9) as u64, Ordering::Relaxed);
        let sum: u64 = self.shared.fractions.iter().map(|fraction| fraction.load(Ordering::Relaxed)).sum();
        let mean = sum as f64 / 1e9 / self.shared.fractions.len() as f64;
        self.shared.listener.report(mean, &format!("shard {}: {message}", self.shard))
    }
}

impl Registry {
    /// Trains `targets` from the store, as many side by side as the configuration allows.
    pub(super) async fn train_shards(
        &self,
        tenant: &TenantId,
        config: &TrainingConfig,
        shard_count: u16,
        targets: &[ShardId],
        reusable: Arc<Reusable>,
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> Result<Training, RegistryError> {
        let mut tx = self.store.read().await?;
        let whole_epoch = shards::epoch(&mut tx, tenant, WHOLE_TENANT).await?;
        let catalog = Arc::new(catalog::load(&mut tx, tenant).await?);
        drop(tx);
        let shared = Arc::new(Shared { fractions: targets.iter().map(|_| AtomicU64::new(0)).collect(), listener: progress });
        let jobs = targets.iter().copied().enumerate().map(|(place, shard)| {
            let (registry, tenant, config) = (self.clone(), tenant.clone(), config.clone());
            let (catalog, reusable, shared) = (catalog.clone(), reusable.clone(), shared.clone());
            async move {
                let mut tx = registry.store.read().await?;
                // The epoch before the events: whatever is bumped later makes this training stale.
                let epoch = shards::epoch(&mut tx, &tenant, shard).await?;
                let events = events::usable_in(&mut tx, &tenant, shard.buckets(shard_count)).await?;
                drop(tx);
                let (artefacts, secrets) = (registry.artefacts.clone(), registry.secrets.clone());
                let work = move || {
                    let part = Part { shared: &shared, place, shard };
                    train_shard(&artefacts, &secrets, &tenant, &catalog, &config, shard, epoch, events, &reusable, &part)
                };
                match tokio::task::spawn_blocking(work).await {
                    Ok(outcome) => outcome,
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
        });
        let mut members: Vec<ShardTraining> = stream::iter(jobs).buffer_unordered(self.threads).try_collect().await?;
        members.sort_by_key(|member| member.shard);
        Ok(Training { config: config.clone(), shards: shard_count, whole_epoch, catalog, members })
    }
}

#[expect(clippy::too_many_arguments, reason = "one call, on another thread: a struct would only rename them")]
fn train_shard(
    artefacts: &Artefacts,
    secrets: &Secrets,
    tenant: &TenantId,
    catalog: &Catalog,
    config: &TrainingConfig,
    shard: ShardId,
    epoch: i64,
    events: Vec<Event>,
    reusable: &Reusable,
    progress: &dyn Progress,
) -> Result<ShardTraining, RegistryError> {
    let tree = commit(secrets, tenant, &events);
    let times = || events.iter().filter(|event| event.is_answer()).map(|event| event.occurred_at);
    let (first_answer, last_answer) = (times().min(), times().max());
    let frame = frame::from_events(&events).map_err(|error| RegistryError::Data(error.into()))?;
    drop(events);
    let dataset = Dataset::from_frame(&frame, catalog).map_err(RegistryError::Data)?;
    drop(frame);
    let (root, seed) = (tree.root(), train::member_seed(config.seed, shard));
    let input = input_hash(&root, &dataset.vocabulary, config, seed);
    let outcome = match reusable.get(&(shard, input)) {
        Some((weights, report)) => Outcome::Reused { weights: *weights, report: report.clone() },
        None => match resumable(artefacts, tenant, shard, input, &dataset, config, seed, progress) {
            Ok(member) => Outcome::Trained { weights: member.weights, report: member.report },
            Err(TrainError::TooLittleData { .. }) => Outcome::Empty,
            Err(TrainError::Diverged { epoch }) => Outcome::Diverged { epoch },
            Err(TrainError::Cancelled) => return Err(RegistryError::Cancelled),
            Err(TrainError::Tensor(error)) => return Err(RegistryError::Data(error.into())),
        },
    };
    if !progress.report(1.0, "trained") {
        return Err(RegistryError::Cancelled);
    }
    let (learners, answers) = (dataset.sequences.len() as i64, dataset.answers() as i64);
    let held_out = HeldOut::of(dataset);
    Ok(ShardTraining { shard, epoch, tree, root, input, seed, learners, answers, first_answer, last_answer, outcome, held_out })
}

/// Trains, taking up what an interrupted training of exactly this input left.
#[expect(clippy::too_many_arguments, reason = "one call: a struct would only rename them")]
fn resumable(
    artefacts: &Artefacts,
    tenant: &TenantId,
    shard: ShardId,
    input: Digest,
    dataset: &Dataset,
    config: &TrainingConfig,
    seed: u64,
    progress: &dyn Progress,
) -> Result<TrainedMember, TrainError> {
    let mut checkpoints = ShardCheckpoints { artefacts, tenant, shard, input, answers: dataset.answers() };
    checkpoints.forget_others();
    let member = train::train_resumable(dataset, config, seed, progress, &mut checkpoints);
    checkpoints.forget();
    member
}

/// The Merkle tree over a training set: a leaf for each learner with at least one answer, over their events in order.
/// `events` are ordered by (learner, time, key).
pub fn commit(secrets: &Secrets, tenant: &TenantId, events: &[Event]) -> Tree {
    let leaves = events
        .chunk_by(|one, next| one.learner == next.learner)
        .filter(|own| own.iter().any(Event::is_answer))
        .map(|own| Leaf { commitment: secrets.commitment(tenant, own[0].learner), content: content(own) })
        .collect();
    // A keyed hash of distinct pseudonyms, 32 bytes wide: a repetition would be a broken hash or an unsorted input.
    Tree::new(leaves).expect("one leaf a learner: events come sorted by learner")
}

fn content(events: &[Event]) -> Digest {
    let mut hasher = Hasher::new("parcours 2026 training-root content");
    // A missing value is an empty part: no number has that length.
    let optional = |hasher: &mut Hasher, value: Option<i64>| {
        hasher.part(value.map(i64::to_le_bytes).as_ref().map_or(&[], |bytes| &bytes[..]));
    };
    for event in events {
        hasher.part(event.kind.as_str().as_bytes());
        hasher.part(event.key.as_bytes()).part(event.item.as_str().as_bytes()).part(&event.occurred_at.0.to_le_bytes());
        optional(&mut hasher, event.correct.map(i64::from));
        optional(&mut hasher, event.score.map(|score| i64::from(score.to_bits())));
        optional(&mut hasher, event.response_ms);
        optional(&mut hasher, event.attempt_number.map(i64::from));
        optional(&mut hasher, event.hints.map(i64::from));
        hasher.number(event.skill_hints.len() as u64);
        for skill in &event.skill_hints {
            hasher.part(skill.as_str().as_bytes());
        }
    }
    hasher.finish()
}

/// Hash of everything a member's weights are a function of.
fn input_hash(root: &Digest, vocabulary: &Vocabulary, config: &TrainingConfig, seed: u64) -> Digest {
    let mut hasher = Hasher::new("parcours 2026 training input");
    hasher.part(ALGORITHM.as_bytes()).part(&root.0).number(seed);
    hasher.part(&serde_json::to_vec(config).expect("a configuration is plain JSON"));
    hasher.number(vocabulary.items.len() as u64);
    for (item, skills) in vocabulary.items.iter().zip(&vocabulary.item_skills) {
        hasher.part(item.as_str().as_bytes()).number(skills.len() as u64);
        for skill in skills {
            hasher.part(vocabulary.skills[*skill as usize].as_str().as_bytes());
        }
    }
    hasher.finish()
}
