//! Model versions and their members; which one is served.

use super::{Result, Tx};
use crate::domain::{Micros, ModelVersion, ShardId, TenantId, hash::Digest, model::{MemberRow, MemberState, VersionRow, VersionState}};

/// Inserts a version with its members; state as given. The same version again is a no-op.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, row: &VersionRow) -> Result<()> { todo!() }
pub async fn get(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion) -> Result<Option<VersionRow>> { todo!() }
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<VersionRow>> { todo!() }
pub async fn serving(tx: &mut Tx, tenant: &TenantId) -> Result<Option<VersionRow>> { todo!() }
/// Makes `version` the served one and retires the one before; bumps the tenant's model revision.
pub async fn promote(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, now: Micros) -> Result<()> { todo!() }
pub async fn set_state(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, state: VersionState) -> Result<()> { todo!() }
/// Silences the shard's member in every version that still has it active; bumps the model revision. Versions touched.
pub async fn quarantine_shard(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<u64> { todo!() }
/// Replaces one member of one version (a retrain's result) and bumps the model revision.
pub async fn replace_member(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, member: &MemberRow) -> Result<()> { todo!() }
/// Marks members `destroyed` wherever they have these weights, and forgets the hash; rows touched.
pub async fn destroy_weights(tx: &mut Tx, tenant: &TenantId, weights: &Digest) -> Result<u64> { todo!() }
/// Weights of every quarantined member of the shard, over all versions: what must be destroyed.
pub async fn quarantined_weights(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<Vec<Digest>> { todo!() }
/// All weights any version of any tenant still names: what a sweep must keep.
pub async fn live_weights(tx: &mut Tx) -> Result<Vec<(TenantId, Digest)>> { todo!() }
