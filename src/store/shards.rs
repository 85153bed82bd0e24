//! Shard epochs: the fence between a privacy change and a training that began before it.

use super::tx::lock_class;
use super::{About, Result, Tx};
use crate::domain::{ShardId, TenantId};
use crate::with_tx;

/// The shard's epoch; 0 until the first bump. In a unit of work that writes, no other unit can bump it until this one ends:
/// a promotion that compares the epoch here and then commits cannot be overtaken by an erasure.
pub async fn epoch(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<i64> {
    if tx.writes() {
        hold(tx, tenant, shard).await?;
    }
    let epoch: Option<i64> = with_tx!(tx, |conn| {
        sqlx::query_scalar("SELECT epoch FROM shard_epochs WHERE tenant_id = $1 AND shard = $2")
            .bind(tenant)
            .bind(shard)
            .fetch_optional(conn)
            .await
    })
    .about("shard_epochs")?;
    Ok(epoch.unwrap_or(0))
}
/// Adds one and returns the new epoch.
pub async fn bump(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<i64> {
    hold(tx, tenant, shard).await?;
    with_tx!(tx, |conn| {
        sqlx::query_scalar(
            "INSERT INTO shard_epochs (tenant_id, shard, epoch) VALUES ($1, $2, 1)
             ON CONFLICT (tenant_id, shard) DO UPDATE SET epoch = shard_epochs.epoch + 1 RETURNING epoch",
        )
        .bind(tenant)
        .bind(shard)
        .fetch_one(conn)
        .await
    })
    .about("shard_epochs")
}

/// The fence itself: held by whoever compares, bumps, or silences the shard, until their unit of work ends.
pub(super) async fn hold(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<()> {
    let class = lock_class("parcours 2026 shard lock", tenant);
    tx.hold(class, &[i32::from(shard.0)]).await
}
