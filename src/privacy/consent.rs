//! Opting out of personalisation and back in.
//!
//! Opting out takes effect at once for what the learner is shown and for the counts. The learner's events leave the training data:
//! the shard's next training runs without them (policy `next_refresh`), or its member is silenced in the same transaction and
//! retrained (policy `immediate`). Coming back restores both exactly; what was dated inside the opt-out is never used.

use uuid::Uuid;

use super::erasure::audit;
use super::identity::{self, Identity};
use super::ledger::Right;
use super::rights::{Rights, RightsError, raise_fence, silence};
use crate::domain::job::JobPayload;
use crate::domain::{Consent, LearnerId, LearnerStanding, Micros, Pseudonym, TenantId};
use crate::store::consents::{self, ConsentEntry};
use crate::store::tenants::{self, OptOutPolicy};
use crate::store::{Tx, counts, jobs, learners, models, rights};

/// The one purpose there is so far.
pub const PURPOSE: &str = "personalisation";

/// What a change of consent led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub standing: LearnerStanding,
    /// False when the learner had chosen so before.
    pub changed: bool,
    /// The retrain that follows at once, if the tenant's policy asks for it.
    pub retrain: Option<Uuid>,
    /// True when a new, empty record was opened after an erasure.
    pub reopened: bool,
}

/// Where a choice was made, for the consent ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Version of the text the learner was shown; `None`: the configured one.
    pub text_version: Option<String>,
    /// "lms", "console", "cli", …
    pub channel: String,
    /// Key id, "cli" or "system": for the audit log.
    pub actor: String,
}

impl Rights {
    /// The learner is no longer personalised, from the commit on.
    ///
    /// # Errors
    /// `Erased` for someone of whom nothing is known any more.
    pub async fn opt_out(&self, tenant: &TenantId, id: &LearnerId, source: &Source) -> Result<Choice, RightsError> {
        self.choose(tenant, id, Consent::OptedOut, source).await
    }

    /// The learner is personalised again, from the commit on. After an erasure this is fresh consent: a new generation, empty.
    pub async fn opt_in(&self, tenant: &TenantId, id: &LearnerId, source: &Source) -> Result<Choice, RightsError> {
        self.choose(tenant, id, Consent::Personalised, source).await
    }

    async fn choose(&self, tenant: &TenantId, id: &LearnerId, consent: Consent, source: &Source) -> Result<Choice, RightsError> {
        let request = Uuid::now_v7();
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        tenants::ensure(&mut tx, tenant, now).await?;
        let ids = std::slice::from_ref(id);
        let mut identity = identity::lock_and_resolve(&mut tx, &self.secrets, tenant, ids).await?[0];
        let mut reopening = None;
        if let Identity::Erased { learner, .. } = identity {
            if consent == Consent::OptedOut {
                return Err(RightsError::Erased);
            }
            self.reopen(&mut tx, tenant, learner, now).await?;
            identity = identity::lock_and_resolve(&mut tx, &self.secrets, tenant, ids).await?[0];
            reopening = Some(learner);
        }
        let (learner, bucket) = (identity.learner(), identity.bucket());
        let before = learners::standing(&mut tx, tenant, learner).await?;
        if let Some(standing) = &before
            && standing.consent == consent
        {
            return Ok(Choice { standing: standing.clone(), changed: false, retrain: None, reopened: false });
        }
        let changed = before.as_ref().map_or(Consent::Personalised, |standing| standing.consent) != consent;
        if changed && consent == Consent::OptedOut {
            counts::subtract_learner(&mut tx, tenant, learner).await?;
        }
        let text_version = source.text_version.clone().unwrap_or_else(|| self.consent_text_version.clone());
        let entry = ConsentEntry { purpose: PURPOSE.into(), choice: consent, text_version, source: source.channel.clone(), chosen_at: now };
        consents::record(&mut tx, tenant, learner, &entry).await?;
        learners::set_consent(&mut tx, tenant, learner, bucket, consent, now).await?;
        if changed && consent == Consent::Personalised {
            counts::add_learner(&mut tx, tenant, learner).await?;
        }
        let mut retrain = None;
        // Someone new has no events: no training can have seen them.
        if changed && before.is_some() {
            let versions = raise_fence(&mut tx, tenant, bucket, self.shards).await?;
            let policy = tenants::get(&mut tx, tenant).await?.map(|tenant| tenant.policy.opt_out).unwrap_or_default();
            if policy == OptOutPolicy::Immediate {
                if consent == Consent::OptedOut {
                    silence(&mut tx, tenant, bucket, &versions).await?;
                }
                let serving = models::serving(&mut tx, tenant).await?;
                if let Some(shards) = serving.map(|version| version.shards) {
                    let shard = bucket.shard(shards);
                    let payload = JobPayload::Retrain { shards: vec![shard.0] };
                    retrain = Some(jobs::enqueue(&mut tx, tenant, &payload, Some(&format!("retrain:{shard}")), now, now).await?);
                }
            }
        }
        let action = if consent == Consent::OptedOut { "consent.opt_out" } else { "consent.opt_in" };
        audit(&mut tx, tenant, now, &source.actor, action, request).await?;
        let standing = learners::standing(&mut tx, tenant, learner).await?.ok_or(RightsError::UnknownRequest)?;
        // The ledger errs on the side of privacy: an opt-out is in it before the commit, a return only after.
        if consent == Consent::OptedOut {
            self.note(request, tenant, learner, Right::OptOut, now).await?;
        }
        tx.commit().await?;
        if let Some(erased) = reopening {
            self.note(request, tenant, erased, Right::Reopening, now).await?;
        }
        if consent == Consent::Personalised {
            self.note(request, tenant, learner, Right::OptIn, now).await?;
        }
        Ok(Choice { standing, changed: true, retrain, reopened: reopening.is_some() })
    }

    async fn reopen(&self, tx: &mut Tx, tenant: &TenantId, erased: Pseudonym, now: Micros) -> Result<(), RightsError> {
        let mac = self.secrets.tombstone(tenant, erased);
        for mut tombstone in rights::tombstones(tx, tenant, &[mac]).await? {
            tombstone.reopened_at = Some(now);
            // It now points the way to the next generation, and must not expire before it.
            tombstone.expires_at = None;
            rights::set_tombstone(tx, tenant, &tombstone).await?;
        }
        Ok(())
    }
}
