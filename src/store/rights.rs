//! Erasure requests and tombstones.

use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::{Micros, Pseudonym, ShardId, TenantId, hash::Digest, rights::ErasureRequest};

pub async fn insert(tx: &mut Tx, request: &ErasureRequest) -> Result<()> { todo!() }
/// Writes every field of the request back.
pub async fn update(tx: &mut Tx, request: &ErasureRequest) -> Result<()> { todo!() }
pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<ErasureRequest>> { todo!() }
/// The open request about this learner, if any.
pub async fn open_for(tx: &mut Tx, tenant: &TenantId, subject: Pseudonym) -> Result<Option<ErasureRequest>> { todo!() }
/// Requests not completed yet, oldest first: what to resume at start.
pub async fn unfinished(tx: &mut Tx) -> Result<Vec<ErasureRequest>> { todo!() }
/// Unfinished requests of one shard: they share one retrain.
pub async fn unfinished_in(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<Vec<ErasureRequest>> { todo!() }
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId, limit: u32) -> Result<Vec<ErasureRequest>> { todo!() }

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub mac: Digest,
    pub erased_at: Micros,
    pub expires_at: Option<Micros>,
    /// Set when fresh consent opened the next generation of the pseudonym.
    pub reopened_at: Option<Micros>,
}

pub async fn set_tombstone(tx: &mut Tx, tenant: &TenantId, tombstone: &Tombstone) -> Result<()> { todo!() }
/// The tombstones among `macs`.
pub async fn tombstones(tx: &mut Tx, tenant: &TenantId, macs: &[Digest]) -> Result<Vec<Tombstone>> { todo!() }
/// True when the tenant has any tombstone at all: lets ingest skip the look-up.
pub async fn any_tombstone(tx: &mut Tx, tenant: &TenantId) -> Result<bool> { todo!() }
