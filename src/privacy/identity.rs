//! Who is this learner id, now? Walks the generations of a pseudonym past its tombstones.
//!
//! An erasure leaves a tombstone over generation `g` of a pseudonym. While it stands alone the learner is *erased* and
//! nothing of theirs is accepted. Fresh consent marks the tombstone *reopened*: from then on the learner is generation
//! `g + 1`, another pseudonym that nothing ties to the one before, and events dated before that consent are refused.

use std::collections::HashMap;

use crate::domain::{Bucket, LearnerId, Micros, Pseudonym, TenantId};
use crate::privacy::Secrets;
use crate::store::{Result, Tx, learners, rights};

/// A learner id, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Use this pseudonym. Events dated before `not_before` belong to an erased past and are refused.
    Live { learner: Pseudonym, bucket: Bucket, generation: u32, not_before: Option<Micros> },
    /// Erased, and no fresh consent since: nothing of theirs is accepted.
    Erased { learner: Pseudonym, bucket: Bucket, generation: u32 },
}

impl Identity {
    pub fn learner(&self) -> Pseudonym {
        match self {
            Self::Live { learner, .. } | Self::Erased { learner, .. } => *learner,
        }
    }

    pub fn bucket(&self) -> Bucket {
        match self {
            Self::Live { bucket, .. } | Self::Erased { bucket, .. } => *bucket,
        }
    }
}

/// Resolves many ids in one go: no look-up when the tenant has no tombstone, else one query per generation reached.
/// To read only; whoever goes on to write uses [`lock_and_resolve`].
pub async fn resolve(tx: &mut Tx, secrets: &Secrets, tenant: &TenantId, ids: &[LearnerId]) -> Result<Vec<Identity>> {
    let live = |id: &LearnerId, generation: u32, not_before: Option<Micros>| {
        let learner = secrets.pseudonym(tenant, id, generation);
        Identity::Live { learner, bucket: secrets.bucket(learner), generation, not_before }
    };
    let mut identities: Vec<Identity> = ids.iter().map(|id| live(id, 0, None)).collect();
    if ids.is_empty() || !rights::any_tombstone(tx, tenant).await? {
        return Ok(identities);
    }
    let mut open: Vec<usize> = (0..ids.len()).collect();
    while !open.is_empty() {
        let macs: Vec<_> = open.iter().map(|&at| secrets.tombstone(tenant, identities[at].learner())).collect();
        let found: HashMap<_, _> =
            rights::tombstones(tx, tenant, &macs).await?.into_iter().map(|tombstone| (tombstone.mac, tombstone)).collect();
        let mut still_open = Vec::new();
        for (&at, mac) in open.iter().zip(&macs) {
            let Some(tombstone) = found.get(mac) else { continue };
            let Identity::Live { learner, bucket, generation, .. } = identities[at] else { continue };
            match tombstone.reopened_at {
                None => identities[at] = Identity::Erased { learner, bucket, generation },
                Some(reopened) => {
                    identities[at] = live(&ids[at], generation + 1, Some(reopened));
                    still_open.push(at);
                }
            }
        }
        open = still_open;
    }
    Ok(identities)
}

/// Takes the learners' locks for the rest of the unit of work, and says who they are under those locks: an erasure that
/// was under way is seen, one that comes after waits. The order of `ids` is kept.
pub async fn lock_and_resolve(tx: &mut Tx, secrets: &Secrets, tenant: &TenantId, ids: &[LearnerId]) -> Result<Vec<Identity>> {
    let mut before = resolve(tx, secrets, tenant, ids).await?;
    loop {
        let mut locked: Vec<_> = before.iter().map(Identity::learner).collect();
        locked.sort_unstable();
        locked.dedup();
        learners::lock(tx, tenant, &locked).await?;
        // Waiting for the lock may have let an erasure, or fresh consent, go first.
        let after = resolve(tx, secrets, tenant, ids).await?;
        let same_names = before.iter().zip(&after).all(|(before, after)| before.learner() == after.learner());
        if same_names {
            return Ok(after);
        }
        before = after;
    }
}
