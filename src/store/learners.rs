//! Learners: one row each, under a pseudonym.

use sqlx::AssertSqlSafe;

use super::inventory::{Handling, TABLES};
use super::tx::lock_class;
use super::{About, Result, Tx, bulk};
use crate::domain::{Bucket, Consent, LearnerStanding, Micros, Pseudonym, TenantId, hash::Hasher};
use crate::with_tx;

/// Advisory locks a unit of work may hold at most, whatever the size of its batch: Postgres has room for some 6,400 in all.
/// Two learners in one slot wait for each other now and then, which does no harm.
const LOCK_SLOTS: u64 = 256;

#[derive(sqlx::FromRow)]
struct LearnerRow {
    learner: Pseudonym,
    bucket: Bucket,
    consent: Consent,
    revision: i64,
    first_seen_at: Micros,
    last_seen_at: Micros,
}

pub async fn standing(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Option<LearnerStanding>> {
    let row: Option<LearnerRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT learner, bucket, consent, revision, first_seen_at, last_seen_at FROM learners WHERE tenant_id = $1 AND learner = $2",
        )
        .bind(tenant)
        .bind(learner)
        .fetch_optional(conn)
        .await
    })
    .about("learners")?;
    Ok(row.map(|row| LearnerStanding {
        learner: row.learner,
        bucket: row.bucket,
        consent: row.consent,
        revision: row.revision,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    }))
}
/// Takes the learner's lock for the rest of the unit of work, so that ingest, consent changes and erasure of one learner
/// follow one another (Postgres: `pg_advisory_xact_lock`; SQLite: one writer anyway).
pub async fn lock(tx: &mut Tx, tenant: &TenantId, learners: &[Pseudonym]) -> Result<()> {
    let class = lock_class("parcours 2026 learner lock", tenant);
    let slot =
        |learner: &Pseudonym| (Hasher::new("parcours 2026 learner lock slot").part(learner.as_bytes()).finish_u64() % LOCK_SLOTS) as i32;
    tx.hold(class, &learners.iter().map(slot).collect::<Vec<_>>()).await
}
/// Inserts unknown learners (consent: personalised), moves `last_seen_at` on, and bumps `revision` of all: one statement for many rows.
pub async fn touch(tx: &mut Tx, tenant: &TenantId, learners: &[(Pseudonym, Bucket)], now: Micros) -> Result<()> {
    // Once each (Postgres refuses to update a row twice), and in one order, so that two units of work never wait crosswise.
    let mut learners = learners.to_vec();
    learners.sort_unstable();
    learners.dedup_by_key(|(learner, _)| *learner);
    let backend = tx.backend();
    for piece in bulk::pieces(&learners, 2) {
        let bound = 2 * piece.len();
        let sql = format!(
            "WITH new (learner, bucket) AS (VALUES {})
             INSERT INTO learners (tenant_id, learner, bucket, consent, revision, first_seen_at, last_seen_at)
             SELECT {}, new.learner, new.bucket, 'personalised', 1, {}, {} FROM new WHERE true
             ON CONFLICT (tenant_id, learner) DO UPDATE SET
                revision = learners.revision + 1,
                last_seen_at = CASE WHEN excluded.last_seen_at > learners.last_seen_at THEN excluded.last_seen_at ELSE learners.last_seen_at END",
            bulk::tuples(backend, piece.len(), 2),
            bulk::mark(backend, bound),
            bulk::mark(backend, bound + 1),
            bulk::mark(backend, bound + 2),
        );
        with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (learner, bucket) in piece {
                query = query.bind(learner).bind(bucket);
            }
            query.bind(tenant).bind(now).bind(now).execute(conn).await.map(drop)
        })
        .about("learners")?;
    }
    Ok(())
}
/// Sets the consent of a known or unknown learner and bumps `revision`. Ledger and opt-out intervals are `consents`' business.
pub async fn set_consent(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym, bucket: Bucket, consent: Consent, now: Micros) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query(
            "INSERT INTO learners (tenant_id, learner, bucket, consent, revision, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, 1, $5, $5)
             ON CONFLICT (tenant_id, learner) DO UPDATE SET consent = excluded.consent, revision = learners.revision + 1",
        )
        .bind(tenant)
        .bind(learner)
        .bind(bucket)
        .bind(consent)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("learners")
}
/// How many learners there are, and how many of them opted out.
pub async fn count(tx: &mut Tx, tenant: &TenantId) -> Result<(i64, i64)> {
    with_tx!(tx, |conn| {
        sqlx::query_as("SELECT COUNT(*), COUNT(CASE WHEN consent = 'opted_out' THEN 1 END) FROM learners WHERE tenant_id = $1")
            .bind(tenant)
            .fetch_one(conn)
            .await
    })
    .about("learners")
}
/// Every learner of the tenant, for the replay of the rights ledger.
pub async fn all(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<Pseudonym>> {
    with_tx!(tx, |conn| sqlx::query_scalar("SELECT learner FROM learners WHERE tenant_id = $1").bind(tenant).fetch_all(conn).await)
        .about("learners")
}
/// Deletes every row of the learner in every table of the inventory that says so; rows deleted, per table.
/// Counts (`item_counts`) must have been subtracted before.
pub async fn delete_everywhere(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<(&'static str, u64)>> {
    // The learner's own row first: whoever adds a row for them (recommendations, feedback) holds that row meanwhile, so what
    // they wrote is committed, and seen by the deletes that follow, or they find no learner to write for.
    let mut tables: Vec<_> = TABLES
        .iter()
        .filter_map(|(table, handling)| match handling {
            Handling::ByPseudonym { column, .. } => Some((*table, *column)),
            _ => None,
        })
        .collect();
    tables.sort_by_key(|(table, _)| *table != "learners");
    let mut deleted = Vec::with_capacity(tables.len());
    for (table, column) in tables {
        let rows = with_tx!(&mut *tx, |conn| {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant_id = $1 AND {column} = $2")))
                .bind(tenant)
                .bind(learner)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })
        .about(table)?;
        deleted.push((table, rows));
    }
    deleted.sort_unstable();
    Ok(deleted)
}
