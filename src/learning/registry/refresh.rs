//! A refresh: train what changed, judge the result beside what is served, promote it if it is not worse.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::heldout::{self, HeldOut, Judgement};
use super::promote::version_row;
use super::retrain::sane;
use super::training::{Outcome, Reusable, Training};
use super::{Promotion, Registry, RegistryError, blocking};
use crate::domain::model::{MemberState, VersionRow, VersionState};
use crate::domain::{ModelVersion, ShardId, TenantId};
use crate::learning::train::Progress;
use crate::store::{catalog, events, models, shards};

const ATTEMPTS: usize = 3;

/// A version that was just trained, not yet promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub version: ModelVersion,
    pub shards: u16,
    pub learners: i64,
    pub answers: i64,
    pub trained: Vec<ShardId>,
    /// Shards whose data and configuration had not changed: their member was taken as it is.
    pub reused: Vec<ShardId>,
    /// Shards with too little data.
    pub empty: Vec<ShardId>,
    /// Shards whose training gave nothing usable.
    pub failed: Vec<ShardId>,
    /// The cost: optimiser steps times answers.
    pub steps: u64,
    pub train_seconds: f64,
    /// On held-out learners.
    pub held_out: Option<Judgement>,
    /// The count-based baseline on the same learners.
    pub baseline: Option<Judgement>,
    /// The model served meanwhile, on the same learners.
    pub serving: Option<Judgement>,
}

impl Candidate {
    /// The count-based fallback had the lower log loss on the same learners: too little data a member, most likely.
    pub fn counts_do_better(&self) -> bool {
        matches!((self.held_out, self.baseline), (Some(model), Some(counts)) if counts.metrics.log_loss < model.metrics.log_loss)
    }
}

/// What a refresh led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refreshed {
    #[serde(flatten)]
    pub candidate: Candidate,
    pub promoted: bool,
    /// Why, in one word: "first", "not_worse", "unchanged", "worse", "too_little_data", "not_asked".
    pub reason: String,
}

impl Registry {
    /// Trains what changed and saves the result as a candidate. `full`: every shard, changed or not.
    pub async fn train(
        &self,
        tenant: &TenantId,
        full: bool,
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> Result<Candidate, RegistryError> {
        let mut stale = Vec::new();
        for _ in 0..ATTEMPTS {
            match self.try_train(tenant, full, progress.clone()).await? {
                Ok(candidate) => return Ok(candidate),
                Err(shards) => stale = shards,
            }
        }
        Err(RegistryError::Stale { shards: stale })
    }

    async fn try_train(
        &self,
        tenant: &TenantId,
        full: bool,
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> Result<Result<Candidate, Vec<ShardId>>, RegistryError> {
        let started = std::time::Instant::now();
        let shard_count = self.model.shards;
        let mut tx = self.store.read().await?;
        let versions = models::list(&mut tx, tenant).await?;
        drop(tx);
        let reusable = if full { Reusable::new() } else { self.reusable(tenant, &versions).await };
        let targets: Vec<_> = (0..shard_count).map(ShardId).collect();
        let mut training = self.train_shards(tenant, &self.training, shard_count, &targets, Arc::new(reusable), progress).await?;
        sane(&mut training).await;
        let train_seconds = started.elapsed().as_secs_f64();

        let training = Arc::new(training);
        let serving = versions.iter().find(|version| version.state == VersionState::Serving);
        let held_out = self.judge(tenant, &training, self.voices(tenant, &training).await?).await?;
        let baseline = self.judge(tenant, &training, Vec::new()).await?;
        let serving_bytes = match serving {
            Some(version) => self.active_bytes(tenant, version).await,
            None => Vec::new(),
        };
        let serving_judgement = if serving.is_some() { self.judge(tenant, &training, serving_bytes).await? } else { None };

        let which = |wanted: fn(&Outcome) -> bool| -> Vec<ShardId> {
            training.members.iter().filter(|member| wanted(&member.outcome)).map(|member| member.shard).collect()
        };
        let reports: Vec<_> = training
            .members
            .iter()
            .map(|member| match &member.outcome {
                Outcome::Trained { report, .. } | Outcome::Reused { report, .. } => json!({"shard": member.shard, "report": report}),
                Outcome::Empty => json!({"shard": member.shard, "too_little_data": true}),
                Outcome::Diverged { epoch } => json!({"shard": member.shard, "diverged_in_epoch": epoch}),
            })
            .collect();
        let metrics = json!({
            "reason": "refresh", "held_out": held_out, "baseline": baseline, "serving_then": serving_judgement,
            "train_seconds": train_seconds, "members": reports,
        });
        let row = version_row(&training, Self::rows(&training), metrics, self.clock.now());
        let candidate = Candidate {
            version: row.version.clone(),
            shards: shard_count,
            learners: training.members.iter().map(|member| member.learners).sum(),
            answers: training.members.iter().map(|member| member.answers).sum(),
            trained: which(|outcome| matches!(outcome, Outcome::Trained { .. })),
            reused: which(|outcome| matches!(outcome, Outcome::Reused { .. })),
            empty: which(|outcome| matches!(outcome, Outcome::Empty)),
            failed: which(|outcome| matches!(outcome, Outcome::Diverged { .. })),
            steps: training
                .members
                .iter()
                .map(|member| match &member.outcome {
                    Outcome::Trained { report, .. } => report.steps,
                    _ => 0,
                })
                .sum(),
            train_seconds,
            held_out,
            baseline,
            serving: serving_judgement,
        };

        let mut tx = self.store.write().await?;
        let whole_epoch = self.hold(&mut tx, tenant).await?;
        let stale = self.stale(&mut tx, tenant, &training, whole_epoch).await?;
        if !stale.is_empty() {
            return Ok(Err(stale));
        }
        self.write_files(tenant, &training).await?;
        self.put_version(&mut tx, tenant, &row).await?;
        self.clear(&mut tx, tenant).await?;
        tx.commit().await?;
        Ok(Ok(candidate))
    }

    /// Trains, judges and, where asked and deserved, promotes. A rejected candidate does not keep anyone in the served model who
    /// has left: shards that changed for privacy are then replaced alone.
    pub async fn refresh(
        &self,
        tenant: &TenantId,
        full: bool,
        promote: bool,
        actor: &str,
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> Result<Refreshed, RegistryError> {
        let mut stale = Vec::new();
        for _ in 0..ATTEMPTS {
            let mut tx = self.store.read().await?;
            let serving = models::serving(&mut tx, tenant).await?;
            drop(tx);
            let candidate = self.train(tenant, full, progress.clone()).await?;
            let outcome = |promoted, reason: &str| Refreshed { candidate: candidate.clone(), promoted, reason: reason.into() };
            if !promote {
                return Ok(outcome(false, "not_asked"));
            }
            if serving.as_ref().is_some_and(|serving| serving.version == candidate.version) {
                return Ok(outcome(false, "unchanged"));
            }
            let speaks = !candidate.trained.is_empty() || !candidate.reused.is_empty();
            let reason = match (&serving, candidate.held_out, candidate.serving) {
                (None, ..) if !speaks => return Ok(outcome(false, "too_little_data")),
                (None, ..) => "first",
                (Some(_), Some(ours), Some(theirs)) if ours.metrics.log_loss > theirs.metrics.log_loss + self.model.promotion_margin => {
                    "worse"
                }
                _ => "not_worse",
            };
            if reason == "worse" {
                let mut tx = self.store.write().await?;
                self.hold(&mut tx, tenant).await?;
                models::set_state(&mut tx, tenant, &candidate.version, VersionState::Rejected).await?;
                tx.commit().await?;
                let owed = self.owed(tenant).await?;
                if !owed.is_empty() {
                    self.retrain(tenant, &owed, progress).await?;
                }
                return Ok(outcome(false, reason));
            }
            if candidate.counts_do_better() {
                tracing::warn!(%tenant, version = %candidate.version, "counts alone predict better than this model; fewer members may help");
            }
            match self.promote(tenant, &candidate.version, actor).await {
                Ok(Promotion::Promoted) => return Ok(outcome(true, reason)),
                Ok(Promotion::Stale(shards)) => stale = shards,
                // An erasure silenced one of its members between saving and promoting: begin anew.
                Err(RegistryError::NotPromotable(_)) => stale = candidate.trained.clone(),
                Err(error) => return Err(error),
            }
        }
        Err(RegistryError::Stale { shards: stale })
    }

    /// Measures what is served now, its active members alone, on the held-out learners there are now.
    pub async fn judge_served(&self, tenant: &TenantId) -> Result<Option<Judgement>, RegistryError> {
        let mut tx = self.store.read().await?;
        let Some(serving) = models::serving(&mut tx, tenant).await? else { return Ok(None) };
        let catalog = Arc::new(catalog::load(&mut tx, tenant).await?);
        let mut shards = Vec::new();
        for shard in (0..serving.shards).map(ShardId) {
            let events = events::usable_in(&mut tx, tenant, shard.buckets(serving.shards)).await?;
            let catalog = catalog.clone();
            shards.push(blocking(move || HeldOut::read(&events, &catalog)).await.map_err(RegistryError::Data)?);
        }
        drop(tx);
        let members = self.active_bytes(tenant, &serving).await;
        Ok(blocking(move || heldout::judge(&members, &catalog, &shards.iter().collect::<Vec<_>>())).await?)
    }

    /// Shards of the served version whose member is silenced, or was trained before the shard last changed for privacy.
    pub async fn owed(&self, tenant: &TenantId) -> Result<Vec<ShardId>, RegistryError> {
        let mut tx = self.store.read().await?;
        let mut owed = Vec::new();
        if let Some(serving) = models::serving(&mut tx, tenant).await? {
            for member in &serving.members {
                let silenced = matches!(member.state, MemberState::Quarantined | MemberState::Destroyed);
                if silenced || shards::epoch(&mut tx, tenant, member.shard).await? != member.epoch {
                    owed.push(member.shard);
                }
            }
        }
        Ok(owed)
    }

    /// Members that may be taken again if their input turns out the same.
    async fn reusable(&self, tenant: &TenantId, versions: &[VersionRow]) -> Reusable {
        let active: Vec<_> = versions
            .iter()
            .flat_map(|version| &version.members)
            .filter(|member| member.state == MemberState::Active)
            .filter_map(|member| Some((member.shard, member.weights?, member.training_root)))
            .collect();
        let (artefacts, tenant) = (self.artefacts.clone(), tenant.clone());
        blocking(move || {
            let whole = |(shard, weights, root): (ShardId, _, _)| {
                artefacts.read(&tenant, &weights).ok()?;
                let manifest = artefacts.manifest(&tenant, &weights, &root).ok()?;
                Some(((shard, manifest.input), (weights, manifest.report)))
            };
            active.into_iter().filter_map(whole).collect()
        })
        .await
    }

    /// The bytes of what was trained, or taken again.
    async fn voices(&self, tenant: &TenantId, training: &Training) -> Result<Vec<Vec<u8>>, RegistryError> {
        let mut voices = Vec::new();
        for member in &training.members {
            match &member.outcome {
                Outcome::Trained { weights, .. } => voices.push(weights.clone()),
                Outcome::Reused { weights, .. } => voices.push(self.artefacts.read(tenant, weights)?),
                Outcome::Empty | Outcome::Diverged { .. } => {}
            }
        }
        Ok(voices)
    }

    /// The bytes of a version's active members, as far as they can be read.
    async fn active_bytes(&self, tenant: &TenantId, version: &VersionRow) -> Vec<Vec<u8>> {
        let active: Vec<_> =
            version.members.iter().filter(|member| member.state == MemberState::Active).filter_map(|member| member.weights).collect();
        let (artefacts, tenant) = (self.artefacts.clone(), tenant.clone());
        blocking(move || active.iter().filter_map(|weights| artefacts.read(&tenant, weights).ok()).collect()).await
    }

    async fn judge(&self, tenant: &TenantId, training: &Arc<Training>, members: Vec<Vec<u8>>) -> Result<Option<Judgement>, RegistryError> {
        let (training, tenant) = (training.clone(), tenant.clone());
        blocking(move || {
            let held_out: Vec<_> = training.members.iter().map(|member| &member.held_out).collect();
            let judgement = heldout::judge(&members, &training.catalog, &held_out);
            if judgement.is_err() {
                tracing::error!(%tenant, "a model could not be judged");
            }
            judgement
        })
        .await
        .map_err(RegistryError::from)
    }
}
