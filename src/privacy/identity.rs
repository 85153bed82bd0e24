//! Who is this learner id, now? Walks the generations of a pseudonym past its tombstones.

use crate::domain::{Bucket, LearnerId, Micros, Pseudonym, TenantId};
use crate::privacy::Secrets;
use crate::store::{Result, Tx};

/// A learner id, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Use this pseudonym. Events dated before `not_before` belong to an erased past and are refused.
    Live { learner: Pseudonym, bucket: Bucket, generation: u32, not_before: Option<Micros> },
    /// Erased, and no fresh consent since: nothing of theirs is accepted.
    Erased { learner: Pseudonym, bucket: Bucket, generation: u32 },
}

/// Resolves many ids in one go (one query when the tenant has tombstones, none when it has not).
pub async fn resolve(tx: &mut Tx, secrets: &Secrets, tenant: &TenantId, ids: &[LearnerId]) -> Result<Vec<Identity>> { todo!() }
