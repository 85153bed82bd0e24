//! Many events in one statement: the one place where the two databases want quite different texts.

use sqlx::AssertSqlSafe;

use super::{NewEvent, hints_column};
use crate::domain::{Micros, TenantId};
use crate::store::tx::Unit;
use crate::store::{Backend, Result, StoreError, bulk};

pub(super) async fn sqlite(unit: &mut Unit<sqlx::Sqlite>, tenant: &TenantId, events: &[NewEvent], received_at: Micros) -> Result<()> {
    for piece in bulk::pieces(events, 13) {
        let sql = format!(
            "WITH new (event_key, learner, bucket, item_id, kind, occurred_at, score, correct, response_ms, attempt_number, hints,
                skill_hints, content_hash) AS (VALUES {})
             INSERT INTO events (tenant_id, received_at, event_key, learner, bucket, item_id, kind, occurred_at, score, correct,
                response_ms, attempt_number, hints, skill_hints, content_hash)
             SELECT ?, ?, new.* FROM new",
            bulk::tuples(Backend::Sqlite, piece.len(), 13)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for NewEvent { event, bucket, content_hash } in piece {
            query = query
                .bind(event.key)
                .bind(event.learner)
                .bind(bucket)
                .bind(&event.item)
                .bind(event.kind)
                .bind(event.occurred_at)
                .bind(event.score.map(f64::from))
                .bind(event.correct.map(i64::from))
                .bind(event.response_ms)
                .bind(event.attempt_number)
                .bind(event.hints)
                .bind(hints_column(event))
                .bind(content_hash);
        }
        query.bind(tenant).bind(received_at).execute(&mut **unit).await.map_err(collision)?;
    }
    Ok(())
}

/// One array a column: a dozen bound values whatever the batch.
pub(super) async fn postgres(unit: &mut Unit<sqlx::Postgres>, tenant: &TenantId, events: &[NewEvent], received_at: Micros) -> Result<()> {
    fn column<T>(events: &[NewEvent], read: impl Fn(&NewEvent) -> T) -> Vec<T> {
        events.iter().map(read).collect()
    }
    for piece in events.chunks(10_000) {
        let mut skill_hints = Vec::with_capacity(piece.len());
        for new in piece {
            let text = hints_column(&new.event).map(|hints| serde_json::to_string(hints.0)).transpose();
            skill_hints.push(text.map_err(|error| StoreError::Setup(format!("skill hints as JSON: {error}")))?);
        }
        sqlx::query(
            "INSERT INTO events (tenant_id, received_at, event_key, learner, bucket, item_id, kind, occurred_at, score, correct,
                response_ms, attempt_number, hints, skill_hints, content_hash)
             SELECT $1, $2, new.* FROM UNNEST($3::bytea[], $4::bytea[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::float8[],
                $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bytea[]) AS new",
        )
        .bind(tenant)
        .bind(received_at)
        .bind(column(piece, |new| new.event.key.0))
        .bind(column(piece, |new| new.event.learner.0))
        .bind(column(piece, |new| i64::from(new.bucket.0)))
        .bind(column(piece, |new| new.event.item.as_str().to_owned()))
        .bind(column(piece, |new| i64::from(new.event.kind.code())))
        .bind(column(piece, |new| new.event.occurred_at.0))
        .bind(column(piece, |new| new.event.score.map(f64::from)))
        .bind(column(piece, |new| new.event.correct.map(i64::from)))
        .bind(column(piece, |new| new.event.response_ms))
        .bind(column(piece, |new| new.event.attempt_number.map(i64::from)))
        .bind(column(piece, |new| new.event.hints.map(i64::from)))
        .bind(skill_hints)
        .bind(column(piece, |new| new.content_hash.0))
        .execute(&mut **unit)
        .await
        .map_err(collision)?;
    }
    Ok(())
}

/// Another unit of work stored the same event id a moment ago, for another learner: sent again, the event gets its verdict.
fn collision(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => StoreError::Unavailable(error),
        _ => error.into(),
    }
}
