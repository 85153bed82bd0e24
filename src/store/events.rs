//! Learning events: the raw material, ordered by (occurred_at, event key).
//!
//! A *usable* event belongs to a learner who is personalised now, and is dated outside every opt-out of theirs.

use std::collections::HashMap;
use std::ops::Range;

use super::{Result, Tx};
use crate::domain::{Bucket, Event, EventKey, Micros, Pseudonym, TenantId, hash::Digest};

/// An event on its way in, with the hash of its content (the idempotency check) and its learner's bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub event: Event,
    pub bucket: Bucket,
    pub content_hash: Digest,
}

/// Content hashes of those of `keys` that are already stored.
pub async fn known(tx: &mut Tx, tenant: &TenantId, keys: &[EventKey]) -> Result<HashMap<EventKey, Digest>> { todo!() }
/// Multi-row insert. The caller has checked `known` in the same unit of work.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, events: &[NewEvent], received_at: Micros) -> Result<()> { todo!() }
/// A learner's usable events, in order.
pub async fn usable_of(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<Event>> { todo!() }
/// All of a learner's events (for export), in order.
pub async fn all_of(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<Event>> { todo!() }
/// Usable events of the learners in `buckets`, ordered by (learner, occurred_at, key): the raw material of a shard's frame.
pub async fn usable_in(tx: &mut Tx, tenant: &TenantId, buckets: Range<u16>) -> Result<Vec<Event>> { todo!() }
/// Replaces the content of one event (rectification); false when it is not there.
pub async fn replace(tx: &mut Tx, tenant: &TenantId, event: &NewEvent) -> Result<bool> { todo!() }
/// (events, answers) stored for the tenant.
pub async fn count(tx: &mut Tx, tenant: &TenantId) -> Result<(i64, i64)> { todo!() }
