//! A restored database is told again what was forgotten since the backup was made.
//!
//! The ledger names subjects by their tombstone MAC. Of the learners the database knows, those with an erasure in the ledger
//! should not be there: they are erased again, under the same request. Those whose last choice in the ledger is an opt-out are
//! opted out again, from the moment they chose it. Tombstones that are missing are set. On a database that was not restored
//! nothing of this finds anything to do.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::consent::PURPOSE;
use super::ledger::{Entry, Right};
use super::rights::{Rights, RightsError, raise_fence};
use crate::domain::hash::Digest;
use crate::domain::rights::{ErasureRequest, ErasureStep};
use crate::domain::{Consent, Micros, Pseudonym, TenantId};
use crate::store::consents::{self, ConsentEntry};
use crate::store::{Tx, counts, learners, rights, tenants};

/// What a replay did; zeros where nothing had been lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    pub erasures: usize,
    pub opt_outs: usize,
    pub tombstones: usize,
}

/// What the ledger says of one subject, in the end.
#[derive(Default)]
struct Fate {
    erased: Option<(Uuid, Micros)>,
    reopened_at: Option<Micros>,
    opted_out_at: Option<Micros>,
}

fn fates(entries: Vec<Entry>) -> BTreeMap<TenantId, BTreeMap<Digest, Fate>> {
    let mut tenants: BTreeMap<TenantId, BTreeMap<Digest, Fate>> = BTreeMap::new();
    for entry in entries {
        let fate = tenants.entry(entry.tenant).or_default().entry(entry.subject).or_default();
        match entry.right {
            Right::Erasure => fate.erased = Some((entry.request, entry.at)),
            Right::Reopening => fate.reopened_at = Some(entry.at),
            Right::OptOut => fate.opted_out_at = Some(entry.at),
            Right::OptIn => fate.opted_out_at = None,
        }
    }
    tenants
}

impl Rights {
    /// Does again what the ledger knows and the database does not. To be called at start, before anything is served; afterwards
    /// [`Rights::resume`] queues the retrains.
    pub async fn replay(&self) -> Result<Replayed, RightsError> {
        let ledger = self.ledger.clone();
        let entries = match tokio::task::spawn_blocking(move || ledger.entries()).await {
            Ok(entries) => entries?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let mut replayed = Replayed::default();
        for (tenant, fates) in fates(entries) {
            let mut tx = self.store.read().await?;
            let known: HashMap<Digest, Pseudonym> = learners::all(&mut tx, &tenant)
                .await?
                .into_iter()
                .map(|learner| (self.secrets.tombstone(&tenant, learner), learner))
                .collect();
            drop(tx);
            for (mac, fate) in fates {
                let learner = known.get(&mac).copied();
                match (fate.erased, learner, fate.opted_out_at) {
                    (Some((request, at)), learner, _) => {
                        if let Some(learner) = learner {
                            self.erase_again(&tenant, request, learner, at).await?;
                            replayed.erasures += 1;
                        }
                        replayed.tombstones += usize::from(self.set_missing_tombstone(&tenant, mac, at, fate.reopened_at).await?);
                    }
                    (None, Some(learner), Some(at)) => replayed.opt_outs += usize::from(self.opt_out_again(&tenant, learner, at).await?),
                    _ => {}
                }
            }
        }
        Ok(replayed)
    }

    async fn erase_again(&self, tenant: &TenantId, id: Uuid, learner: Pseudonym, received_at: Micros) -> Result<(), RightsError> {
        let mut tx = self.store.write().await?;
        if rights::get(&mut tx, tenant, id).await?.is_none() {
            let request = ErasureRequest {
                id,
                tenant: tenant.clone(),
                subject: Some(learner),
                shard: self.secrets.bucket(learner).shard(self.shards),
                step: ErasureStep::Recorded,
                received_at,
                due_at: received_at.plus_days(super::erasure::DUE_DAYS),
                unreadable_at: None,
                clean_at: None,
                completed_at: None,
                deleted: serde_json::json!({}),
                error: None,
                receipt: None,
            };
            rights::insert(&mut tx, &request).await?;
        }
        tx.commit().await?;
        self.delete(tenant, id).await.map(drop)
    }

    async fn set_missing_tombstone(
        &self,
        tenant: &TenantId,
        mac: Digest,
        at: Micros,
        reopened_at: Option<Micros>,
    ) -> Result<bool, RightsError> {
        let expires_at = at.plus_days(self.backup_retention_days);
        // One that has expired is missing for good reason.
        if reopened_at.is_none() && expires_at < self.clock.now() {
            return Ok(false);
        }
        let mut tx = self.store.write().await?;
        let known = rights::tombstones(&mut tx, tenant, &[mac]).await?;
        if known.first().is_some_and(|known| known.reopened_at.is_some() || reopened_at.is_none()) {
            return Ok(false);
        }
        tenants::ensure(&mut tx, tenant, self.clock.now()).await?;
        let expires_at = reopened_at.is_none().then_some(expires_at);
        rights::set_tombstone(&mut tx, tenant, &rights::Tombstone { mac, erased_at: at, expires_at, reopened_at }).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn opt_out_again(&self, tenant: &TenantId, learner: Pseudonym, at: Micros) -> Result<bool, RightsError> {
        let mut tx: Tx = self.store.write().await?;
        learners::lock(&mut tx, tenant, &[learner]).await?;
        let standing = learners::standing(&mut tx, tenant, learner).await?;
        let Some(standing) = standing.filter(|standing| standing.consent == Consent::Personalised) else { return Ok(false) };
        counts::subtract_learner(&mut tx, tenant, learner).await?;
        let text_version = self.consent_text_version.clone();
        let entry =
            ConsentEntry { purpose: PURPOSE.into(), choice: Consent::OptedOut, text_version, source: "ledger".into(), chosen_at: at };
        consents::record(&mut tx, tenant, learner, &entry).await?;
        learners::set_consent(&mut tx, tenant, learner, standing.bucket, Consent::OptedOut, self.clock.now()).await?;
        raise_fence(&mut tx, tenant, standing.bucket, self.shards).await?;
        tx.commit().await?;
        Ok(true)
    }
}
