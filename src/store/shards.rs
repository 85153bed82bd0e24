//! Shard epochs: the fence between a privacy change and a training that began before it.

use super::{Result, Tx};
use crate::domain::{ShardId, TenantId};

/// The shard's epoch; 0 until the first bump.
pub async fn epoch(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<i64> { todo!() }
/// Adds one and returns the new epoch.
pub async fn bump(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<i64> { todo!() }
