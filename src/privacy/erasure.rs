//! Erasure, step by step: `recorded -> deleted -> retrained -> completed`. Each step is one transaction, can be repeated, and
//! starts from what the step before left behind; a crash anywhere is carried on by the `erase` job.
//!
//! The first two steps are here, so that whoever is asked (HTTP, command line) answers only when the learner is unreadable and
//! what is served is clean. Retraining and the receipt are the job's (`jobs::erase`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::{self, Identity};
use super::ledger::Right;
use super::rights::{Rights, RightsError, Suspect, raise_fence, silence};
use crate::domain::job::JobPayload;
use crate::domain::rights::{ErasureRequest, ErasureStep};
use crate::domain::{LearnerId, Micros, ShardId, TenantId};
use crate::store::audit::{self, AuditEntry};
use crate::store::{Tx, counts, jobs, learners, rights, tenants};

/// Days within which the law wants an answer.
pub(super) const DUE_DAYS: i64 = 30;

/// What the deleting step did, kept with the request for the receipt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deletion {
    /// Rows, by table.
    pub rows: BTreeMap<String, u64>,
    /// Members that may have seen the learner, by version; silenced in the same transaction.
    pub suspects: Vec<Suspect>,
}

impl Deletion {
    /// As it was stored with the request; empty while nothing was deleted.
    pub fn of(request: &ErasureRequest) -> Self {
        serde_json::from_value(request.deleted.clone()).unwrap_or_default()
    }
}

impl Rights {
    /// Records the wish durably, deletes, and silences. When it returns, no route reads anything of the learner, what is served
    /// has never seen them, and the rest is queued. Asking again while a request is open gives that request.
    ///
    /// # Errors
    /// Nothing was promised before the first commit; after it the request exists and will be carried on by the worker, even if
    /// this call fails.
    pub async fn erase(&self, tenant: &TenantId, id: &LearnerId, actor: &str) -> Result<ErasureRequest, RightsError> {
        let request = self.record_erasure(tenant, id, actor).await?;
        self.delete(tenant, request.id).await
    }

    /// The first step: the intent, in the database and in the ledger.
    pub async fn record_erasure(&self, tenant: &TenantId, id: &LearnerId, actor: &str) -> Result<ErasureRequest, RightsError> {
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        tenants::ensure(&mut tx, tenant, now).await?;
        let identity = identity::lock_and_resolve(&mut tx, &self.secrets, tenant, std::slice::from_ref(id)).await?[0];
        if let Some(open) = rights::open_for(&mut tx, tenant, identity.learner()).await? {
            return Ok(open);
        }
        let request = ErasureRequest {
            id: Uuid::now_v7(),
            tenant: tenant.clone(),
            subject: Some(identity.learner()),
            shard: identity.bucket().shard(self.shards),
            step: ErasureStep::Recorded,
            received_at: now,
            due_at: now.plus_days(DUE_DAYS),
            unreadable_at: None,
            clean_at: None,
            completed_at: None,
            deleted: serde_json::json!({}),
            error: None,
            receipt: None,
        };
        rights::insert(&mut tx, &request).await?;
        audit(&mut tx, tenant, now, actor, "erasure.request", request.id).await?;
        tx.commit().await?;
        Ok(request)
    }

    /// The second step, in one transaction: counts subtracted, rows deleted, tombstone set, fence raised, member silenced in every
    /// version, the rest queued. Repeating it, or asking for it later than that, changes nothing.
    pub async fn delete(&self, tenant: &TenantId, id: Uuid) -> Result<ErasureRequest, RightsError> {
        let mut tx = self.store.read().await?;
        let request = rights::get(&mut tx, tenant, id).await?.ok_or(RightsError::UnknownRequest)?;
        drop(tx);
        let (ErasureStep::Recorded, Some(subject)) = (request.step, request.subject) else { return Ok(request) };
        // The ledger knows before anything is gone: a database restored from a backup can be told again.
        self.note(request.id, tenant, subject, Right::Erasure, request.received_at).await?;

        let mut tx = self.store.write().await?;
        learners::lock(&mut tx, tenant, &[subject]).await?;
        let mut request = rights::get(&mut tx, tenant, id).await?.ok_or(RightsError::UnknownRequest)?;
        if request.step != ErasureStep::Recorded {
            return Ok(request);
        }
        let now = self.clock.now();
        let mut deletion = Deletion::default();
        // Someone we never met, or erased before, is in no member: only the tombstone is needed.
        if learners::standing(&mut tx, tenant, subject).await?.is_some() {
            counts::subtract_learner(&mut tx, tenant, subject).await?;
            let rows = learners::delete_everywhere(&mut tx, tenant, subject).await?;
            deletion.rows = rows.into_iter().filter(|(_, rows)| *rows > 0).map(|(table, rows)| (table.to_string(), rows)).collect();
            let bucket = self.secrets.bucket(subject);
            let versions = raise_fence(&mut tx, tenant, bucket, self.shards).await?;
            deletion.suspects = silence(&mut tx, tenant, bucket, &versions).await?;
        }
        let mac = self.secrets.tombstone(tenant, subject);
        if rights::tombstones(&mut tx, tenant, &[mac]).await?.is_empty() {
            let expires_at = Some(now.plus_days(self.backup_retention_days));
            rights::set_tombstone(&mut tx, tenant, &rights::Tombstone { mac, erased_at: now, expires_at, reopened_at: None }).await?;
        }
        request.step = ErasureStep::Deleted;
        // One commit makes the learner unreadable and silences the member: every replica compares revisions at each request.
        request.unreadable_at = Some(now);
        request.clean_at = Some(now);
        request.deleted = serde_json::to_value(&deletion).expect("plain JSON");
        rights::update(&mut tx, &request).await?;
        enqueue(&mut tx, tenant, request.id, request.shard, now).await?;
        tx.commit().await?;
        Ok(request)
    }

    /// Queues what a crash left unfinished, in every tenant; how many requests that were. To be called once at start.
    pub async fn resume(&self) -> Result<usize, RightsError> {
        let mut tx = self.store.write().await?;
        let unfinished = rights::unfinished(&mut tx).await?;
        for request in &unfinished {
            let now = self.clock.now();
            jobs::enqueue(
                &mut tx,
                &request.tenant,
                &JobPayload::Erase { request: request.id },
                Some(&format!("erase:{}", request.id)),
                now,
                now,
            )
            .await?;
        }
        tx.commit().await?;
        Ok(unfinished.len())
    }

    /// Whether the learner behind this id is erased and has not come back.
    pub async fn is_erased(&self, tx: &mut Tx, tenant: &TenantId, id: &LearnerId) -> Result<bool, RightsError> {
        let identity = identity::resolve(tx, &self.secrets, tenant, std::slice::from_ref(id)).await?;
        Ok(matches!(identity[0], Identity::Erased { .. }))
    }
}

/// Erasures of one shard share one retrain: while a job of the shard is pending, no second one is queued.
async fn enqueue(tx: &mut Tx, tenant: &TenantId, request: Uuid, shard: ShardId, now: Micros) -> Result<Uuid, RightsError> {
    Ok(jobs::enqueue(tx, tenant, &JobPayload::Erase { request }, Some(&format!("erase-shard:{shard}")), now, now).await?)
}

pub(super) async fn audit(tx: &mut Tx, tenant: &TenantId, at: Micros, actor: &str, action: &str, object: Uuid) -> Result<(), RightsError> {
    let entry = AuditEntry { at, actor: actor.into(), action: action.into(), object: object.to_string() };
    Ok(audit::append(tx, tenant, &entry).await?)
}
