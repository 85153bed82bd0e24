//! Learners: one row each, under a pseudonym.

use super::{Result, Tx};
use crate::domain::{Bucket, Consent, LearnerStanding, Micros, Pseudonym, TenantId};

pub async fn standing(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Option<LearnerStanding>> { todo!() }
/// Takes the learner's lock for the rest of the unit of work, so that ingest, consent changes and erasure of one learner
/// follow one another (Postgres: `pg_advisory_xact_lock`; SQLite: one writer anyway).
pub async fn lock(tx: &mut Tx, tenant: &TenantId, learners: &[Pseudonym]) -> Result<()> { todo!() }
/// Inserts unknown learners (consent: personalised), moves `last_seen_at` on, and bumps `revision` of all: one statement for many rows.
pub async fn touch(tx: &mut Tx, tenant: &TenantId, learners: &[(Pseudonym, Bucket)], now: Micros) -> Result<()> { todo!() }
/// Sets the consent of a known or unknown learner and bumps `revision`. Ledger and opt-out intervals are `consents`' business.
pub async fn set_consent(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym, bucket: Bucket, consent: Consent, now: Micros) -> Result<()> { todo!() }
/// How many learners there are, and how many of them opted out.
pub async fn count(tx: &mut Tx, tenant: &TenantId) -> Result<(i64, i64)> { todo!() }
/// Deletes every row of the learner in every table of the inventory that says so; rows deleted, per table.
/// Counts (`item_counts`) must have been subtracted before.
pub async fn delete_everywhere(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<(&'static str, u64)>> { todo!() }
