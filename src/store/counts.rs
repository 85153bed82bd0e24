//! Integer counts per item over usable answers: live priors and popularity, subtracted exactly by erasure and opt-out.

use super::{Result, Tx};
use crate::domain::{ItemId, Pseudonym, TenantId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemCount {
    pub item: ItemId,
    pub attempts: i64,
    pub correct: i64,
}

/// Adds answers that were just inserted: (item, attempts, correct), already summed per item.
pub async fn add(tx: &mut Tx, tenant: &TenantId, deltas: &[ItemCount]) -> Result<()> { todo!() }
/// Subtracts all usable answers of a learner, as they are counted now. Call it before the learner's standing changes or rows go.
pub async fn subtract_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<()> { todo!() }
/// Adds all usable answers of a learner. Call it after the learner's standing changed.
pub async fn add_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<()> { todo!() }
/// All counts above zero, by item.
pub async fn all(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<ItemCount>> { todo!() }
/// Recounts from the events; for tests and repair.
pub async fn recount(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<ItemCount>> { todo!() }
