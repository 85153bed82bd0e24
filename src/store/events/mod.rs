//! Learning events: the raw material, ordered by (occurred_at, event key).
//!
//! A *usable* event belongs to a learner who is personalised now, and is dated outside every opt-out of theirs.

mod insert;

use std::collections::HashMap;
use std::ops::Range;

use futures::TryStreamExt;
use sqlx::AssertSqlSafe;

use super::{About, Backend, Json, Result, StoreError, Tx, bulk};
use crate::domain::{Bucket, Event, EventKey, EventKind, ItemId, Micros, Pseudonym, SkillId, TenantId, hash::Digest};
use crate::with_tx;

/// An event on its way in, with the hash of its content (the idempotency check) and its learner's bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub event: Event,
    pub bucket: Bucket,
    pub content_hash: Digest,
}

/// The columns of [`EventRow`], in its order. Read by position: a name look-up per column shows when a shard is read.
macro_rules! columns {
    () => {
        "e.event_key, e.learner, e.item_id, e.kind, e.occurred_at, e.score, e.correct, e.response_ms, e.attempt_number, e.hints, e.skill_hints"
    };
}

/// True for a usable event `e` of a learner `l`.
macro_rules! usable {
    () => {
        "l.consent = 'personalised' AND NOT EXISTS (
            SELECT 1 FROM opt_outs o
            WHERE o.tenant_id = e.tenant_id AND o.learner = e.learner
              AND e.occurred_at >= o.from_at AND (o.until_at IS NULL OR e.occurred_at < o.until_at))"
    };
}
pub(super) use usable;

type EventRow = (
    EventKey,
    Pseudonym,
    ItemId,
    EventKind,
    Micros,
    Option<f64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<Json<Vec<SkillId>>>,
);

fn event(row: EventRow) -> Result<Event> {
    let (key, learner, item, kind, occurred_at, score, correct, response_ms, attempt_number, hints, skill_hints) = row;
    let small = |column: &'static str, value: Option<i64>| match value.map(i32::try_from).transpose() {
        Ok(value) => Ok(value),
        Err(_) => Err(StoreError::corrupt("events", column, "too large")),
    };
    Ok(Event {
        key,
        learner,
        item,
        kind,
        occurred_at,
        score: score.map(|score| score as f32),
        correct: correct.map(|correct| correct != 0),
        response_ms,
        attempt_number: small("attempt_number", attempt_number)?,
        hints: small("hints", hints)?,
        skill_hints: skill_hints.map(|hints| hints.0).unwrap_or_default(),
    })
}

/// NULL where there are none, as for most events.
fn hints_column(event: &Event) -> Option<Json<&[SkillId]>> {
    (!event.skill_hints.is_empty()).then_some(Json(event.skill_hints.as_slice()))
}

/// Content hashes of those of `keys` that are already stored.
pub async fn known(tx: &mut Tx, tenant: &TenantId, keys: &[EventKey]) -> Result<HashMap<EventKey, Digest>> {
    let mut found = HashMap::new();
    match tx {
        Tx::Sqlite(unit) => {
            for piece in bulk::pieces(keys, 8) {
                let sql = format!(
                    "WITH asked(event_key) AS (VALUES {}) SELECT e.event_key, e.content_hash FROM asked CROSS JOIN events e WHERE e.tenant_id = ? AND e.event_key = asked.event_key",
                    bulk::tuples(Backend::Sqlite, piece.len(), 1)
                );
                let mut query = sqlx::query_as::<_, (EventKey, Digest)>(AssertSqlSafe(sql));
                for key in piece {
                    query = query.bind(key);
                }
                found.extend(query.bind(tenant).fetch_all(&mut **unit).await.about("events")?);
            }
        }
        Tx::Postgres(unit) => {
            for piece in keys.chunks(20_000) {
                let keys: Vec<[u8; 16]> = piece.iter().map(|key| key.0).collect();
                let rows: Vec<(EventKey, Digest)> =
                    sqlx::query_as("SELECT e.event_key, e.content_hash FROM UNNEST($2::bytea[]) AS asked(event_key) JOIN events e ON e.tenant_id = $1 AND e.event_key = asked.event_key")
                        .bind(tenant)
                        .bind(keys)
                        .fetch_all(&mut **unit)
                        .await
                        .about("events")?;
                found.extend(rows);
            }
        }
    }
    Ok(found)
}
/// Multi-row insert. The caller has checked `known` in the same unit of work.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, events: &[NewEvent], received_at: Micros) -> Result<()> {
    match tx {
        Tx::Sqlite(unit) => insert::sqlite(unit, tenant, events, received_at).await,
        Tx::Postgres(unit) => insert::postgres(unit, tenant, events, received_at).await,
    }
}
/// A learner's usable events, in order.
pub async fn usable_of(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> = with_tx!(tx, |conn| {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM events e JOIN learners l ON l.tenant_id = e.tenant_id AND l.learner = e.learner
             WHERE e.tenant_id = $1 AND e.learner = $2 AND ",
            usable!(),
            " ORDER BY e.occurred_at, e.event_key"
        ))
        .bind(tenant)
        .bind(learner)
        .fetch_all(conn)
        .await
    })
    .about("events")?;
    rows.into_iter().map(event).collect()
}
/// All of a learner's events (for export), in order.
pub async fn all_of(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> = with_tx!(tx, |conn| {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM events e WHERE e.tenant_id = $1 AND e.learner = $2 ORDER BY e.occurred_at, e.event_key"
        ))
        .bind(tenant)
        .bind(learner)
        .fetch_all(conn)
        .await
    })
    .about("events")?;
    rows.into_iter().map(event).collect()
}
/// Usable events of the learners in `buckets`, ordered by (learner, occurred_at, key): the raw material of a shard's frame.
pub async fn usable_in(tx: &mut Tx, tenant: &TenantId, buckets: Range<u16>) -> Result<Vec<Event>> {
    // The cross join and the plus signs are for SQLite: learners in the order of their primary key, then each one's events in the
    // order of theirs, so that nothing is left to sort (half the time). Postgres plans as it sees fit.
    with_tx!(tx, |conn| {
        let mut rows = sqlx::query_as::<_, EventRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM learners l CROSS JOIN events e
             WHERE l.tenant_id = $1 AND +l.bucket >= $2 AND +l.bucket < $3 AND e.tenant_id = l.tenant_id AND e.learner = l.learner AND ",
            usable!(),
            " ORDER BY l.learner, e.occurred_at, e.event_key"
        ))
        .bind(tenant)
        .bind(i64::from(buckets.start))
        .bind(i64::from(buckets.end))
        .fetch(conn);
        let mut events = Vec::new();
        while let Some(row) = rows.try_next().await.about("events")? {
            events.push(event(row)?);
        }
        Ok(events)
    })
}
/// Replaces the content of one event (rectification); false when it is not there.
pub async fn replace(tx: &mut Tx, tenant: &TenantId, event: &NewEvent) -> Result<bool> {
    let NewEvent { event, bucket, content_hash } = event;
    let changed = with_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE events SET learner = $3, bucket = $4, item_id = $5, kind = $6, occurred_at = $7, score = $8, correct = $9,
                response_ms = $10, attempt_number = $11, hints = $12, skill_hints = $13, content_hash = $14
             WHERE tenant_id = $1 AND event_key = $2",
        )
        .bind(tenant)
        .bind(event.key)
        .bind(event.learner)
        .bind(bucket)
        .bind(&event.item)
        .bind(event.kind)
        .bind(event.occurred_at)
        .bind(event.score.map(f64::from))
        .bind(event.correct.map(i64::from))
        .bind(event.response_ms)
        .bind(event.attempt_number.map(i64::from))
        .bind(event.hints.map(i64::from))
        .bind(hints_column(event))
        .bind(content_hash)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("events")?;
    Ok(changed > 0)
}
/// (events, answers) stored for the tenant.
pub async fn count(tx: &mut Tx, tenant: &TenantId) -> Result<(i64, i64)> {
    with_tx!(tx, |conn| {
        sqlx::query_as("SELECT COUNT(*), COUNT(CASE WHEN kind = $2 AND correct IS NOT NULL THEN 1 END) FROM events WHERE tenant_id = $1")
            .bind(tenant)
            .bind(EventKind::Attempt)
            .fetch_one(conn)
            .await
    })
    .about("events")
}
