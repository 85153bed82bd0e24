//! Which version is served: promotion behind the fence, rollback, and the clearing away of what may not stay.

use std::collections::HashSet;

use super::training::{Outcome, Training};
use super::{Registry, RegistryError, artefacts, blocking, unknown, version_id};
use crate::domain::hash::Digest;
use crate::domain::job::JobPayload;
use crate::domain::model::{MemberRow, MemberState, VersionRow, VersionState};
use crate::domain::{ModelVersion, ShardId, TenantId};
use crate::privacy::rights::WHOLE_TENANT;
use crate::store::audit::{self, AuditEntry};
use crate::store::{Tx, jobs, models, shards};

/// Versions kept for a rollback, besides the served one.
const KEPT_VERSIONS: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promotion {
    Promoted,
    /// These shards changed since the version was trained: train again.
    Stale(Vec<ShardId>),
}

/// What a rollback led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    pub version: ModelVersion,
    /// Members that may not speak any more as they are; silenced until the queued job has retrained them.
    pub retraining: Vec<ShardId>,
    pub job: Option<uuid::Uuid>,
}

impl Registry {
    /// The lock under which versions change; gives the tenant's epoch as it was before.
    pub(super) async fn hold(&self, tx: &mut Tx, tenant: &TenantId) -> Result<i64, RegistryError> {
        Ok(shards::bump(tx, tenant, WHOLE_TENANT).await? - 1)
    }

    /// Under the lock: which of the training's shards changed since they were read.
    pub(super) async fn stale(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        training: &Training,
        whole_epoch: i64,
    ) -> Result<Vec<ShardId>, RegistryError> {
        let versions = models::list(tx, tenant).await?;
        let fenced_by_own_map = versions.iter().any(|version| version.state == VersionState::Serving && version.shards == training.shards);
        let mut stale = Vec::new();
        for member in &training.members {
            let moved = shards::epoch(tx, tenant, member.shard).await? != member.epoch;
            let gone = match &member.outcome {
                Outcome::Reused { weights, .. } => !versions
                    .iter()
                    .flat_map(|version| &version.members)
                    .any(|known| known.state == MemberState::Active && known.weights == Some(*weights)),
                _ => false,
            };
            if moved || gone || (!fenced_by_own_map && whole_epoch != training.whole_epoch) {
                stale.push(member.shard);
            }
        }
        Ok(stale)
    }

    /// Under the lock: writes the training's files.
    pub(super) async fn write_files(&self, tenant: &TenantId, training: &Training) -> Result<(), RegistryError> {
        let now = self.clock.now();
        let mut papers = Vec::new();
        for member in &training.members {
            let trained = match &member.outcome {
                Outcome::Trained { weights, report } => Some((weights.clone(), report)),
                Outcome::Reused { weights, report } => {
                    let (artefacts, owner, weights) = (self.artefacts.clone(), tenant.clone(), *weights);
                    Some((blocking(move || artefacts.read(&owner, &weights)).await?, report))
                }
                Outcome::Empty | Outcome::Diverged { .. } => None,
            };
            let manifest = trained.map(|(bytes, report)| {
                let manifest = artefacts::Manifest {
                    weights: artefacts::weights_hash(&bytes),
                    tenant: tenant.clone(),
                    shard: member.shard,
                    shards: training.shards,
                    training_root: member.root,
                    input: member.input,
                    seed: member.seed,
                    config: training.config.clone(),
                    report: report.clone(),
                    first_answer: member.first_answer,
                    last_answer: member.last_answer,
                    catalog_revision: training.catalog.revision,
                    cpu: super::profile::CpuProfile::here(),
                    software: env!("CARGO_PKG_VERSION").into(),
                    trained_at: now,
                };
                (bytes, manifest)
            });
            papers.push((member.tree.clone(), manifest));
        }
        let (artefacts, tenant) = (self.artefacts.clone(), tenant.clone());
        blocking(move || {
            for (tree, member) in papers {
                artefacts.put_leaves(&tenant, &tree)?;
                if let Some((bytes, manifest)) = member {
                    artefacts.put(&bytes, &manifest)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// The rows of what was trained.
    pub(super) fn rows(training: &Training) -> Vec<MemberRow> {
        training
            .members
            .iter()
            .map(|member| {
                let (state, weights) = match &member.outcome {
                    Outcome::Trained { weights, .. } => (MemberState::Active, Some(artefacts::weights_hash(weights))),
                    Outcome::Reused { weights, .. } => (MemberState::Active, Some(*weights)),
                    Outcome::Empty | Outcome::Diverged { .. } => (MemberState::Empty, None),
                };
                let (shard, training_root, epoch) = (member.shard, member.root, member.epoch);
                MemberRow { shard, state, weights, training_root, epoch, learners: member.learners, answers: member.answers }
            })
            .collect()
    }

    /// Under the lock: inserts a version, or renews the rows of one that was there before (its members may have been destroyed
    /// since). Gives its state before.
    pub(super) async fn put_version(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        row: &VersionRow,
    ) -> Result<Option<VersionState>, RegistryError> {
        debug_assert!(row.members.iter().enumerate().all(|(at, member)| usize::from(member.shard.0) == at));
        let Some(known) = models::get(tx, tenant, &row.version).await? else {
            models::insert(tx, tenant, row).await?;
            return Ok(None);
        };
        for (member, before) in row.members.iter().zip(&known.members) {
            if member != before {
                models::replace_member(tx, tenant, &row.version, member).await?;
            }
        }
        if known.state == VersionState::Rejected {
            models::set_state(tx, tenant, &row.version, VersionState::Candidate).await?;
        }
        Ok(Some(known.state))
    }

    /// Promotes a version as it is. Compares every member's epoch with its shard's, in the unit of work that promotes.
    ///
    /// # Errors
    /// `NotPromotable` when one of its members was silenced or destroyed: [`Registry::rollback`] can deal with that.
    pub async fn promote(&self, tenant: &TenantId, version: &ModelVersion, actor: &str) -> Result<Promotion, RegistryError> {
        let mut tx = self.store.write().await?;
        self.hold(&mut tx, tenant).await?;
        let row = models::get(&mut tx, tenant, version).await?.ok_or_else(|| unknown(version, tenant))?;
        if row.members.iter().any(|member| matches!(member.state, MemberState::Quarantined | MemberState::Destroyed)) {
            let why = format!("version {version} has members that were silenced or destroyed; a rollback to it retrains them");
            return Err(RegistryError::NotPromotable(why));
        }
        let mut stale = Vec::new();
        for member in &row.members {
            if shards::epoch(&mut tx, tenant, member.shard).await? != member.epoch {
                stale.push(member.shard);
            }
        }
        if !stale.is_empty() {
            return Ok(Promotion::Stale(stale));
        }
        models::promote(&mut tx, tenant, version, self.clock.now()).await?;
        self.audit(&mut tx, tenant, actor, "model.promote", version).await?;
        self.clear(&mut tx, tenant).await?;
        tx.commit().await?;
        Ok(Promotion::Promoted)
    }

    /// Serves an earlier version again: the one named, or the last one served before that is not merely the same model with
    /// members replaced for privacy. Members that were silenced or destroyed, or whose shard has changed since (an opt-out, an
    /// erasure), stay silent and are retrained from what may be used now.
    pub async fn rollback(&self, tenant: &TenantId, target: Option<&ModelVersion>, actor: &str) -> Result<RolledBack, RegistryError> {
        let mut tx = self.store.write().await?;
        self.hold(&mut tx, tenant).await?;
        let versions = models::list(&mut tx, tenant).await?;
        let row = match target {
            Some(version) => versions.iter().find(|row| row.version == *version).ok_or_else(|| unknown(version, tenant))?,
            None => predecessor(&versions).ok_or_else(|| RegistryError::NotPromotable("no earlier version was ever served".into()))?,
        };
        let mut retraining = Vec::new();
        for member in &row.members {
            let current = shards::epoch(&mut tx, tenant, member.shard).await? == member.epoch;
            match member.state {
                MemberState::Active | MemberState::Empty if current => continue,
                MemberState::Active => {
                    let silenced = MemberRow { state: MemberState::Quarantined, ..member.clone() };
                    models::replace_member(&mut tx, tenant, &row.version, &silenced).await?;
                }
                _ => {}
            }
            retraining.push(member.shard);
        }
        let now = self.clock.now();
        models::promote(&mut tx, tenant, &row.version, now).await?;
        let mut job = None;
        if !retraining.is_empty() {
            let payload = JobPayload::Retrain { shards: retraining.iter().map(|shard| shard.0).collect() };
            job = Some(jobs::enqueue(&mut tx, tenant, &payload, None, now, now).await?);
        }
        self.audit(&mut tx, tenant, actor, "model.rollback", &row.version).await?;
        tx.commit().await?;
        Ok(RolledBack { version: row.version.clone(), retraining, job })
    }

    /// Under the lock, last thing in a unit of work: silenced members are destroyed for good, also those of retired versions whose
    /// shard has changed since, and those of versions too old to go back to; then every file nothing speaks of any more is deleted.
    pub(super) async fn clear(&self, tx: &mut Tx, tenant: &TenantId) -> Result<Vec<String>, RegistryError> {
        let mut kept: Vec<(Option<Digest>, Digest)> = Vec::new();
        let mut seen = 0;
        for version in models::list(tx, tenant).await? {
            let serving = version.state == VersionState::Serving;
            seen += usize::from(!serving);
            for member in &version.members {
                let usable = match member.state {
                    MemberState::Active if serving => true,
                    MemberState::Active => seen <= KEPT_VERSIONS && shards::epoch(tx, tenant, member.shard).await? == member.epoch,
                    MemberState::Empty => true,
                    MemberState::Quarantined | MemberState::Destroyed => false,
                };
                if usable {
                    kept.push((member.weights, member.training_root));
                } else if member.state != MemberState::Destroyed {
                    let destroyed = MemberRow { state: MemberState::Destroyed, weights: None, ..member.clone() };
                    models::replace_member(tx, tenant, &version.version, &destroyed).await?;
                }
            }
        }
        let (artefacts, tenant) = (self.artefacts.clone(), tenant.clone());
        Ok(blocking(move || artefacts.sweep(&tenant, &kept)).await?)
    }

    /// Destroys what may not stay, outside any other work; the names of the files that went.
    pub async fn sweep(&self, tenant: &TenantId) -> Result<Vec<String>, RegistryError> {
        let mut tx = self.store.write().await?;
        self.hold(&mut tx, tenant).await?;
        let gone = self.clear(&mut tx, tenant).await?;
        tx.commit().await?;
        Ok(gone)
    }

    pub(super) async fn audit(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        actor: &str,
        action: &str,
        version: &ModelVersion,
    ) -> Result<(), RegistryError> {
        let entry = AuditEntry { at: self.clock.now(), actor: actor.into(), action: action.into(), object: version.to_string() };
        Ok(audit::append(tx, tenant, &entry).await?)
    }
}

/// A version's row, complete.
pub(super) fn version_row(
    training: &Training,
    members: Vec<MemberRow>,
    metrics: serde_json::Value,
    now: crate::domain::Micros,
) -> VersionRow {
    VersionRow {
        version: version_id(&training.config, &members),
        state: VersionState::Candidate,
        shards: training.shards,
        created_at: now,
        promoted_at: None,
        config: serde_json::to_value(&training.config).expect("plain JSON"),
        metrics,
        members,
    }
}

/// The version a version was made from by replacing members for privacy, if it was.
fn origin(version: &VersionRow) -> Option<ModelVersion> {
    Some(ModelVersion(version.metrics.get("replaces")?.as_str()?.into()))
}

/// The last version served before the one served now, privacy replacements of the same model left aside.
fn predecessor(versions: &[VersionRow]) -> Option<&VersionRow> {
    let serving = versions.iter().find(|version| version.state == VersionState::Serving);
    let mut lineage = HashSet::new();
    let mut next = serving.map(|version| version.version.clone());
    while let Some(version) = next {
        next = versions.iter().find(|row| row.version == version).and_then(origin);
        if !lineage.insert(version) {
            break;
        }
    }
    versions
        .iter()
        .filter(|version| version.state == VersionState::Retired && !lineage.contains(&version.version))
        .filter(|version| version.promoted_at.is_some())
        .max_by_key(|version| version.promoted_at)
}
