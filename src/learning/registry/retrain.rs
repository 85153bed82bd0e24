//! Replacing silenced members from filtered data. Never stopped by the quality gate: a member that may have seen someone who
//! left is replaced by whatever an honest training gives, as long as it is finite and can be loaded.

use std::sync::Arc;

use super::promote::version_row;
use super::training::{Outcome, Reusable, Training};
use super::{Registry, RegistryError, blocking};
use crate::config::TrainingConfig;
use crate::domain::hash::Digest;
use crate::domain::model::{MemberState, VersionRow};
use crate::domain::{Micros, ModelVersion, ShardId, TenantId};
use crate::learning::Counts;
use crate::learning::predictor::Predictor;
use crate::learning::train::Progress;
use crate::store::{models, tenants};

/// Trainings begun anew because their data changed meanwhile, before the job is put off.
const ATTEMPTS: usize = 5;

/// What a retrain led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrained {
    /// The version served afterwards; none when none ever was.
    pub version: Option<ModelVersion>,
    pub members: Vec<RetrainedMember>,
    /// Files deleted, by name.
    pub destroyed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RetrainedMember {
    pub shard: ShardId,
    /// None when the shard has too little data left to train on.
    pub weights: Option<Digest>,
    pub answers: i64,
    /// The cost: optimiser steps times answers.
    pub steps: u64,
}

impl Registry {
    /// Retrains `shards` of the served version, and every other member of it that is silenced; swaps them in atomically behind the
    /// fence, as a new version; destroys what they replace. Data that changes meanwhile starts the training anew.
    pub async fn retrain(
        &self,
        tenant: &TenantId,
        shards: &[ShardId],
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> Result<Retrained, RegistryError> {
        let mut stale = Vec::new();
        for _ in 0..ATTEMPTS {
            let mut tx = self.store.read().await?;
            let serving = models::serving(&mut tx, tenant).await?;
            drop(tx);
            let silenced = |version: &VersionRow| {
                let members = version.members.iter();
                members
                    .filter(|member| {
                        matches!(member.state, MemberState::Quarantined | MemberState::Destroyed) || shards.contains(&member.shard)
                    })
                    .map(|member| member.shard)
                    .collect::<Vec<_>>()
            };
            let targets = serving.as_ref().map(silenced).unwrap_or_default();
            let Some(serving) = serving.filter(|_| !targets.is_empty()) else {
                let version = self.served(tenant).await?;
                return Ok(Retrained { version, members: Vec::new(), destroyed: self.sweep(tenant).await? });
            };
            let config = config_of(&serving)?;
            let mut training =
                self.train_shards(tenant, &config, serving.shards, &targets, Arc::new(Reusable::new()), progress.clone()).await?;
            sane(&mut training).await;
            match self.swap(tenant, &serving, &training).await? {
                Swap::Done { version, destroyed } => {
                    let members = training.members.iter().zip(Self::rows(&training)).map(|(member, row)| RetrainedMember {
                        shard: row.shard,
                        weights: row.weights,
                        answers: row.answers,
                        steps: match &member.outcome {
                            Outcome::Trained { report, .. } => report.steps,
                            _ => 0,
                        },
                    });
                    return Ok(Retrained { version: Some(version), members: members.collect(), destroyed });
                }
                // What was trained was never written: dropping it destroys it.
                Swap::Stale(shards) => stale = shards,
            }
        }
        Err(RegistryError::Stale { shards: stale })
    }

    async fn served(&self, tenant: &TenantId) -> Result<Option<ModelVersion>, RegistryError> {
        let mut tx = self.store.read().await?;
        Ok(models::serving(&mut tx, tenant).await?.map(|version| version.version))
    }

    async fn swap(&self, tenant: &TenantId, trained_for: &VersionRow, training: &Training) -> Result<Swap, RegistryError> {
        let mut tx = self.store.write().await?;
        let whole_epoch = self.hold(&mut tx, tenant).await?;
        let stale = self.stale(&mut tx, tenant, training, whole_epoch).await?;
        let serving = models::serving(&mut tx, tenant).await?;
        let Some(serving) = serving.filter(|serving| serving.version == trained_for.version && stale.is_empty()) else {
            return Ok(Swap::Stale(if stale.is_empty() { training.members.iter().map(|member| member.shard).collect() } else { stale }));
        };
        self.write_files(tenant, training).await?;
        let mut members = serving.members.clone();
        for row in Self::rows(training) {
            let place = usize::from(row.shard.0);
            members[place] = row;
        }
        let now = self.clock.now();
        let metrics = inherited(&serving, training, now);
        let row = version_row(training, members, metrics, now);
        self.put_version(&mut tx, tenant, &row).await?;
        if row.version == serving.version {
            // The same bytes again: the version speaks with all its members once more.
            tenants::bump_model_revision(&mut tx, tenant).await?;
        } else {
            models::promote(&mut tx, tenant, &row.version, now).await?;
        }
        self.audit(&mut tx, tenant, "system", "model.retrain", &row.version).await?;
        let destroyed = self.clear(&mut tx, tenant).await?;
        tx.commit().await?;
        Ok(Swap::Done { version: row.version, destroyed })
    }
}

enum Swap {
    Done { version: ModelVersion, destroyed: Vec<String> },
    Stale(Vec<ShardId>),
}

/// The configuration a version was trained under.
pub(super) fn config_of(version: &VersionRow) -> Result<TrainingConfig, RegistryError> {
    serde_json::from_value(version.config.clone()).map_err(|error| {
        RegistryError::Data(anyhow::anyhow!("version {} has a configuration this software cannot read: {error}", version.version))
    })
}

/// What was measured on the version whose members were replaced, marked as inherited.
fn inherited(serving: &VersionRow, training: &Training, now: Micros) -> serde_json::Value {
    let mut metrics = serving.metrics.as_object().cloned().unwrap_or_default();
    let shards: Vec<_> = training.members.iter().map(|member| member.shard.0).collect();
    metrics.insert("reason".into(), "privacy".into());
    metrics.insert("replaces".into(), serving.version.to_string().into());
    metrics.insert("retrained_shards".into(), shards.into());
    metrics.insert("retrained_at".into(), now.to_rfc3339().into());
    serde_json::Value::Object(metrics)
}

/// The sanity gate: weights that cannot be loaded, or predict something that is no probability, are no member.
pub(super) async fn sane(training: &mut Training) {
    let catalog = training.catalog.clone();
    for member in &mut training.members {
        let Outcome::Trained { weights, report } = &member.outcome else { continue };
        let (bytes, catalog, epoch) = (weights.clone(), catalog.clone(), report.epochs);
        let usable = blocking(move || {
            let Ok(predictor) = Predictor::load(&[bytes], catalog.clone(), Arc::new(Counts::default())) else { return false };
            let items: Vec<_> = catalog.items.keys().take(16).cloned().collect();
            predictor
                .predict(&predictor.new_state(), &items, Micros(0))
                .iter()
                .all(|prediction| (0.0..=1.0).contains(&prediction.p_correct))
        })
        .await;
        if !usable {
            tracing::error!(shard = %member.shard, "the trained member cannot be used; its shard stays silent until the next training");
            member.outcome = Outcome::Diverged { epoch };
        }
    }
}
