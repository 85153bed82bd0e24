//! What the rights need of the house: the database, the secrets, the ledger, a clock and two settings.
//!
//! [`Rights::erase`] is in `erasure`, [`Rights::opt_out`] and [`Rights::opt_in`] in `consent`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Secrets;
use super::ledger::{Entry, Ledger, LedgerError, Right};
use crate::config::Config;
use crate::domain::hash::Digest;
use crate::domain::model::{MemberRow, MemberState, VersionRow};
use crate::domain::{Bucket, Clock, Micros, ModelVersion, Pseudonym, ShardId, TenantId};
use crate::store::{Result as StoreResult, Store, StoreError, Tx, models, shards};

/// Bumped with every shard's epoch and by every promotion: the lock under which versions change, and the fence of a training
/// under another shard map than the served one.
pub const WHOLE_TENANT: ShardId = ShardId(u16::MAX);

/// Cheap to clone.
#[derive(Clone)]
pub struct Rights {
    pub store: Store,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    pub ledger: Ledger,
    /// Shards of the next training, by configuration.
    pub shards: u16,
    /// How long a tombstone stays: until the last backup that holds the learner has expired.
    pub backup_retention_days: i64,
    /// Version of the consent text the LMS shows now.
    pub consent_text_version: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The intent could not be made durable; nothing else was done.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The learner was erased; only fresh consent (opting in) opens a new record.
    #[error("the learner was erased; opting in opens a new, empty record")]
    Erased,
    #[error("there is no such request")]
    UnknownRequest,
}

impl Rights {
    pub fn new(store: Store, secrets: Arc<Secrets>, clock: Arc<dyn Clock>, config: &Config) -> Self {
        Self {
            store,
            secrets,
            clock,
            ledger: Ledger::new(&config.storage.ledger),
            shards: config.model.shards,
            backup_retention_days: config.privacy.backup_retention_days,
            consent_text_version: config.privacy.consent_text_version.clone(),
        }
    }

    /// Appends to the ledger, away from the threads that answer requests: it waits for the disk.
    pub(super) async fn note(
        &self,
        request: Uuid,
        tenant: &TenantId,
        learner: Pseudonym,
        right: Right,
        at: Micros,
    ) -> Result<(), LedgerError> {
        let entry = Entry { request, tenant: tenant.clone(), subject: self.secrets.tombstone(tenant, learner), right, at };
        let ledger = self.ledger.clone();
        match tokio::task::spawn_blocking(move || ledger.append(&entry)).await {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// A member that may have seen a learner, in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    pub version: ModelVersion,
    pub weights: Digest,
}

/// Raises the fence: every training of the bucket's shard that began before is stale from here on. Versions of another shard
/// count than `configured` are fenced by their own map. Gives the versions, as they stay until the commit.
pub(super) async fn raise_fence(tx: &mut Tx, tenant: &TenantId, bucket: Bucket, configured: u16) -> StoreResult<Vec<VersionRow>> {
    // First, because it is also the lock: a promotion bumps it too, so from here on no version comes or goes.
    shards::bump(tx, tenant, WHOLE_TENANT).await?;
    let versions = models::list(tx, tenant).await?;
    let mut fenced: Vec<_> = versions.iter().map(|version| bucket.shard(version.shards)).collect();
    fenced.push(bucket.shard(configured));
    fenced.sort_unstable();
    fenced.dedup();
    for shard in fenced {
        shards::bump(tx, tenant, shard).await?;
    }
    Ok(versions)
}

/// Silences the member of the bucket's shard in every version, each by its own shard map; says whom it silenced or found
/// silent already. What is served after the commit has not seen the bucket's learners.
pub(super) async fn silence(tx: &mut Tx, tenant: &TenantId, bucket: Bucket, versions: &[VersionRow]) -> StoreResult<Vec<Suspect>> {
    let mut suspects = Vec::new();
    for version in versions {
        let shard = bucket.shard(version.shards);
        let Some(member) = version.members.iter().find(|member| member.shard == shard) else { continue };
        let Some(weights) = member.weights else { continue };
        match member.state {
            MemberState::Active => {
                let silenced = MemberRow { state: MemberState::Quarantined, ..member.clone() };
                models::replace_member(tx, tenant, &version.version, &silenced).await?;
            }
            MemberState::Quarantined => {}
            MemberState::Destroyed | MemberState::Empty => continue,
        }
        suspects.push(Suspect { version: version.version.clone(), weights });
    }
    Ok(suspects)
}
