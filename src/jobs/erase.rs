//! Carries an erasure on from wherever it stands, together with all others of its shard: they share one retrain.
//!
//! `recorded` -> delete (`privacy::erasure`) -> `deleted` -> retrain and swap -> `retrained` -> check that the old weights are
//! gone, prove absence, sign -> `completed`. Run again after a crash it finds what is left to do.

use std::sync::Arc;

use anyhow::Context;
use serde_json::json;
use uuid::Uuid;

use super::JobProgress;
use super::refresh::{registry, stopped_or};
use crate::app::App;
use crate::domain::hash::Digest;
use crate::domain::job::{Job, JobPayload};
use crate::domain::model::{MemberState, VersionRow};
use crate::domain::rights::{ErasureRequest, ErasureStep};
use crate::domain::{ModelVersion, Pseudonym, ShardId, TenantId};
use crate::learning::registry::{ArtefactError, Registry};
use crate::privacy::erasure::Deletion;
use crate::privacy::receipt::{self, DestroyedMember, FORMAT, Receipt, Replacement};
use crate::privacy::{Rights, merkle::Absence};
use crate::store::{models, rights};

/// Retrains begun because another erasure came in between; each covers all that came before it.
const ROUNDS: usize = 4;
const SCRUB_ATTEMPTS: usize = 20;

pub(super) async fn run(app: &App, job: &Job, progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    let JobPayload::Erase { request } = job.payload else { anyhow::bail!("not an erasure") };
    let outcome = async {
        let value = carry_on(app, &job.tenant, request, &progress).await?;
        scrub(app).await?;
        Ok(value)
    };
    match outcome.await {
        Ok(value) => Ok(value),
        Err(error) => {
            note_failure(app, &job.tenant, request, &error).await?;
            Err(error)
        }
    }
}

async fn carry_on(app: &App, tenant: &TenantId, id: Uuid, progress: &JobProgress) -> anyhow::Result<serde_json::Value> {
    let registry = registry(app);
    let asked = Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config).delete(tenant, id).await?;
    if asked.step == ErasureStep::Completed {
        return Ok(json!({"request": id, "completed": [], "note": "completed before, together with another erasure of its shard"}));
    }
    for round in 0..ROUNDS {
        progress.check()?;
        let open = open_requests(app, tenant, asked.shard).await?;
        let mut completed = Vec::new();
        for request in &open {
            if complete(app, &registry, request).await? {
                completed.push(request.id);
            }
        }
        if completed.contains(&id) {
            return Ok(json!({"request": id, "completed": completed, "retrains": round}));
        }
        // Something the learners may be part of still has a place in what is served: replace it, and look again.
        let shards = serving(app, tenant).await?.map(|version| shards_of(app, &open, &version)).unwrap_or_default();
        let retrained = registry.retrain(tenant, &shards, Arc::new(progress.part(round as f64 / ROUNDS as f64, 1.0))).await;
        let retrained = retrained.map_err(|error| stopped_or(error, progress))?;
        tracing::info!(request = %id, members = retrained.members.len(), files = retrained.destroyed.len(), "retrained for an erasure");
        mark_retrained(app, &open).await?;
    }
    anyhow::bail!("the shard kept changing under the retrain")
}

/// Cuts the database's log, which still holds the deleted rows and the request's subject. A reader with an old snapshot delays
/// that for a moment; if it lasts, the job is tried again and finds only this left to do.
async fn scrub(app: &App) -> anyhow::Result<()> {
    for _ in 0..SCRUB_ATTEMPTS {
        if app.store.scrub().await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    app.store.scrub().await.context("cutting the database's log")
}

async fn serving(app: &App, tenant: &TenantId) -> anyhow::Result<Option<VersionRow>> {
    Ok(models::serving(&mut app.store.read().await?, tenant).await?)
}

/// Requests of the shard whose learner is deleted, and not yet proved to be.
async fn open_requests(app: &App, tenant: &TenantId, shard: ShardId) -> anyhow::Result<Vec<ErasureRequest>> {
    let open = rights::unfinished_in(&mut app.store.read().await?, tenant, shard).await?;
    Ok(open.into_iter().filter(|request| request.step > ErasureStep::Recorded).collect())
}

/// The requests' shards by the served version's own map.
fn shards_of(app: &App, open: &[ErasureRequest], version: &VersionRow) -> Vec<ShardId> {
    let mut shards: Vec<_> =
        open.iter().filter_map(|request| request.subject).map(|subject| app.secrets.bucket(subject).shard(version.shards)).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

async fn mark_retrained(app: &App, open: &[ErasureRequest]) -> anyhow::Result<()> {
    let mut tx = app.store.write().await?;
    for request in open {
        // Completed meanwhile by another worker: leave it.
        if let Some(mut now) = rights::get(&mut tx, &request.tenant, request.id).await?
            && now.step == ErasureStep::Deleted
        {
            now.step = ErasureStep::Retrained;
            rights::update(&mut tx, &now).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Signs and closes the request if everything it must say is true by now; false when a retrain is still needed.
async fn complete(app: &App, registry: &Registry, request: &ErasureRequest) -> anyhow::Result<bool> {
    let Some(subject) = request.subject else { return Ok(false) };
    let tenant = &request.tenant;
    let deletion = Deletion::of(request);
    let versions = models::list(&mut app.store.read().await?, tenant).await?;
    let commitment = app.secrets.commitment(tenant, subject);
    let replacement = match versions.iter().find(|version| version.state == crate::domain::model::VersionState::Serving) {
        None => None,
        Some(version) => match replacement(app, registry, tenant, subject, &commitment, version, &deletion)? {
            Some(replacement) => Some(replacement),
            None => return Ok(false),
        },
    };
    let still_named =
        |weights: &Digest| versions.iter().flat_map(|version| &version.members).any(|member| member.weights == Some(*weights));
    let mut destroyed: Vec<DestroyedMember> = Vec::new();
    for suspect in &deletion.suspects {
        if still_named(&suspect.weights) {
            // The retrain gave the same bytes: they never depended on the learner. Anything else must go first.
            let same_bytes = replacement.as_ref().is_some_and(|new| new.weights == Some(suspect.weights));
            if same_bytes {
                continue;
            }
            return Ok(false);
        }
        match destroyed.iter_mut().find(|known| known.weights == suspect.weights) {
            Some(known) => known.versions.push(suspect.version.clone()),
            None => destroyed.push(DestroyedMember { weights: suspect.weights, versions: vec![suspect.version.clone()] }),
        }
    }
    for member in &destroyed {
        if registry.artefacts.weights_file(tenant, &member.weights).exists() {
            registry.sweep(tenant).await.context("destroying old artefacts")?;
        }
    }
    let now = app.clock.now();
    let receipt = Receipt {
        format: FORMAT.into(),
        request: request.id,
        tenant: tenant.clone(),
        commitment,
        received_at: request.received_at,
        unreadable_at: request.unreadable_at.context("a deleted request has its time")?,
        clean_at: request.clean_at.context("a deleted request has its time")?,
        completed_at: now,
        deleted: deletion.rows.clone(),
        shard: request.shard,
        destroyed,
        replacement,
        software: env!("CARGO_PKG_VERSION").into(),
    };
    let signed = receipt::sign(&receipt, app.secrets.signing_key());
    let mut tx = app.store.write().await?;
    let Some(mut current) = rights::get(&mut tx, tenant, request.id).await? else { return Ok(false) };
    if current.step == ErasureStep::Completed {
        return Ok(true);
    }
    current.step = ErasureStep::Completed;
    current.completed_at = Some(now);
    current.receipt = Some(serde_json::to_value(&signed)?);
    current.error = None;
    // From here on the request knows nobody: the receipt's commitment says nothing without the key.
    current.subject = None;
    rights::update(&mut tx, &current).await?;
    tx.commit().await?;
    Ok(true)
}

/// What the served version has in the learner's shard, with the proof that the learner is not in it; `None` while there is none.
fn replacement(
    app: &App,
    registry: &Registry,
    tenant: &TenantId,
    subject: Pseudonym,
    commitment: &Digest,
    version: &VersionRow,
    deletion: &Deletion,
) -> anyhow::Result<Option<Replacement>> {
    let shard = app.secrets.bucket(subject).shard(version.shards);
    let Some(member) = version.members.iter().find(|member| member.shard == shard) else { return Ok(None) };
    if !matches!(member.state, MemberState::Active | MemberState::Empty) {
        return Ok(None);
    }
    let absence: Option<Absence> = match registry.artefacts.tree(tenant, &member.training_root) {
        Ok(tree) => tree.absence(commitment),
        // Nothing to prove it with: a retrain writes it anew.
        Err(ArtefactError::Missing { .. } | ArtefactError::Corrupt { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let unchanged = member.weights.is_some_and(|weights| deletion.suspects.iter().any(|suspect| suspect.weights == weights));
    let version = ModelVersion(version.version.0.clone());
    Ok(absence.map(|absence| Replacement { version, weights: member.weights, unchanged, training_root: member.training_root, absence }))
}

async fn note_failure(app: &App, tenant: &TenantId, id: Uuid, error: &anyhow::Error) -> anyhow::Result<()> {
    let mut tx = app.store.write().await?;
    if let Some(mut request) = rights::get(&mut tx, tenant, id).await?
        && request.step != ErasureStep::Completed
    {
        request.error = Some(error.to_string());
        rights::update(&mut tx, &request).await?;
        tx.commit().await?;
    }
    Ok(())
}
