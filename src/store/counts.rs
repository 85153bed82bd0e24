//! Integer counts per item over usable answers: live priors and popularity, subtracted exactly by erasure and opt-out.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::events::usable;
use super::{About, Result, Tx, bulk};
use crate::domain::{EventKind, ItemId, Pseudonym, TenantId};
use crate::with_tx;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ItemCount {
    #[sqlx(rename = "item_id")]
    pub item: ItemId,
    pub attempts: i64,
    pub correct: i64,
}

/// Adds answers that were just inserted: (item, attempts, correct), already summed per item.
pub async fn add(tx: &mut Tx, tenant: &TenantId, deltas: &[ItemCount]) -> Result<()> {
    // One row an item, in the order of the items, so that two units of work never wait crosswise.
    let mut sums: BTreeMap<&ItemId, (i64, i64)> = BTreeMap::new();
    for delta in deltas {
        let sum = sums.entry(&delta.item).or_default();
        sum.0 += delta.attempts;
        sum.1 += delta.correct;
    }
    let sums: Vec<_> = sums.into_iter().collect();
    let backend = tx.backend();
    for piece in bulk::pieces(&sums, 3) {
        let sql = format!(
            "WITH new (item_id, attempts, correct) AS (VALUES {})
             INSERT INTO item_counts (tenant_id, item_id, attempts, correct)
             SELECT {}, new.item_id, new.attempts, new.correct FROM new WHERE true
             ON CONFLICT (tenant_id, item_id) DO UPDATE SET
                attempts = item_counts.attempts + excluded.attempts, correct = item_counts.correct + excluded.correct",
            bulk::tuples(backend, piece.len(), 3),
            bulk::mark(backend, 3 * piece.len()),
        );
        with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (item, (attempts, correct)) in piece {
                query = query.bind(*item).bind(*attempts).bind(*correct);
            }
            query.bind(tenant).execute(conn).await.map(drop)
        })
        .about("item_counts")?;
    }
    Ok(())
}
/// Subtracts all usable answers of a learner, as they are counted now. Call it before the learner's standing changes or rows go.
pub async fn subtract_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<()> {
    add_usable(tx, tenant, learner, -1).await?;
    // An item nobody answered any more leaves no trace that someone once did.
    with_tx!(tx, |conn| sqlx::query("DELETE FROM item_counts WHERE tenant_id = $1 AND attempts = 0")
        .bind(tenant)
        .execute(conn)
        .await
        .map(drop))
    .about("item_counts")
}
/// Adds all usable answers of a learner. Call it after the learner's standing changed.
pub async fn add_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<()> {
    add_usable(tx, tenant, learner, 1).await
}
/// All counts above zero, by item.
pub async fn all(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<ItemCount>> {
    with_tx!(tx, |conn| {
        sqlx::query_as("SELECT item_id, attempts, correct FROM item_counts WHERE tenant_id = $1 AND attempts > 0 ORDER BY item_id")
            .bind(tenant)
            .fetch_all(conn)
            .await
    })
    .about("item_counts")
}
/// Recounts from the events; for tests and repair.
pub async fn recount(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<ItemCount>> {
    with_tx!(tx, |conn| {
        sqlx::query_as(concat!(
            "SELECT e.item_id, COUNT(*) AS attempts, CAST(SUM(e.correct) AS BIGINT) AS correct
             FROM events e JOIN learners l ON l.tenant_id = e.tenant_id AND l.learner = e.learner
             WHERE e.tenant_id = $1 AND e.kind = $2 AND e.correct IS NOT NULL AND ",
            usable!(),
            "
             GROUP BY e.item_id ORDER BY e.item_id"
        ))
        .bind(tenant)
        .bind(EventKind::Attempt)
        .fetch_all(conn)
        .await
    })
    .about("events")
}

/// Adds a learner's usable answers `sign` times (1 or -1), in one statement, in the order of the items.
async fn add_usable(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym, sign: i64) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query(concat!(
            "INSERT INTO item_counts (tenant_id, item_id, attempts, correct)
             SELECT e.tenant_id, e.item_id, $4 * COUNT(*), CAST($4 * SUM(e.correct) AS BIGINT)
             FROM events e JOIN learners l ON l.tenant_id = e.tenant_id AND l.learner = e.learner
             WHERE e.tenant_id = $1 AND e.learner = $2 AND e.kind = $3 AND e.correct IS NOT NULL AND ",
            usable!(),
            "
             GROUP BY e.tenant_id, e.item_id ORDER BY e.item_id
             ON CONFLICT (tenant_id, item_id) DO UPDATE SET
                attempts = item_counts.attempts + excluded.attempts, correct = item_counts.correct + excluded.correct"
        ))
        .bind(tenant)
        .bind(learner)
        .bind(EventKind::Attempt)
        .bind(sign)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("item_counts")
}
