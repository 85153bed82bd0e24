//! What was recommended, why, and what came of it.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{About, Backend, Flag, Id, Json, Result, Tx, bulk};
use crate::domain::{ItemId, Micros, Pseudonym, TenantId};
use crate::with_tx;

#[derive(Debug, Clone, PartialEq)]
pub struct RecommendationRow {
    pub id: Uuid,
    pub tenant: TenantId,
    pub learner: Pseudonym,
    pub made_at: Micros,
    /// Version of the model; `None` below quorum or before the first training.
    pub model_version: Option<String>,
    pub personalised: bool,
    pub fallback_reason: Option<String>,
    /// Items with scores and reasons, as JSON.
    pub items: serde_json::Value,
}

#[derive(sqlx::FromRow)]
struct Row {
    recommendation_id: Id,
    tenant_id: TenantId,
    learner: Pseudonym,
    made_at: Micros,
    model_version: Option<String>,
    personalised: Flag,
    fallback_reason: Option<String>,
    items: Json<serde_json::Value>,
}

impl From<Row> for RecommendationRow {
    fn from(row: Row) -> Self {
        Self {
            id: row.recommendation_id.0,
            tenant: row.tenant_id,
            learner: row.learner,
            made_at: row.made_at,
            model_version: row.model_version,
            personalised: row.personalised.0,
            fallback_reason: row.fallback_reason,
            items: row.items.0,
        }
    }
}

/// Postgres: keeps an erasure of learner `l` waiting until this unit of work ends; see `learners::delete_everywhere`.
fn keep_learner(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => "FOR KEY SHARE OF l",
    }
}

/// Writes those whose learner still exists: a learner erased meanwhile leaves no row behind.
pub async fn insert(tx: &mut Tx, rows: &[RecommendationRow]) -> Result<()> {
    for piece in bulk::pieces(rows, 8) {
        let sql = format!(
            "WITH new (recommendation_id, tenant_id, learner, made_at, model_version, personalised, fallback_reason, items) AS (VALUES {})
             INSERT INTO recommendations (recommendation_id, tenant_id, learner, made_at, model_version, personalised, fallback_reason, items)
             SELECT new.* FROM new JOIN learners l ON l.tenant_id = new.tenant_id AND l.learner = new.learner {}",
            bulk::tuples(tx.backend(), piece.len(), 8),
            keep_learner(tx.backend())
        );
        with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in piece {
                query = query
                    .bind(Id(row.id))
                    .bind(&row.tenant)
                    .bind(row.learner)
                    .bind(row.made_at)
                    .bind(&row.model_version)
                    .bind(Flag(row.personalised))
                    .bind(&row.fallback_reason)
                    .bind(Json(&row.items));
            }
            query.execute(conn).await.map(drop)
        })
        .about("recommendations")?;
    }
    Ok(())
}
pub async fn of_learner(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<RecommendationRow>> {
    let rows: Vec<Row> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT recommendation_id, tenant_id, learner, made_at, model_version, personalised, fallback_reason, items FROM recommendations
             WHERE tenant_id = $1 AND learner = $2 ORDER BY made_at, recommendation_id",
        )
        .bind(tenant)
        .bind(learner)
        .fetch_all(conn)
        .await
    })
    .about("recommendations")?;
    Ok(rows.into_iter().map(RecommendationRow::from).collect())
}
pub async fn get(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<RecommendationRow>> {
    let row: Option<Row> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT recommendation_id, tenant_id, learner, made_at, model_version, personalised, fallback_reason, items FROM recommendations
             WHERE tenant_id = $1 AND recommendation_id = $2",
        )
        .bind(tenant)
        .bind(Id(id))
        .fetch_optional(conn)
        .await
    })
    .about("recommendations")?;
    Ok(row.map(RecommendationRow::from))
}
/// Records feedback on a recommended item; false when the recommendation is unknown.
pub async fn add_feedback(tx: &mut Tx, tenant: &TenantId, recommendation: Uuid, item: &ItemId, kind: &str, now: Micros) -> Result<bool> {
    let sql = format!(
        "INSERT INTO feedback (feedback_id, tenant_id, recommendation_id, learner, item_id, kind, given_at)
         SELECT $1, r.tenant_id, r.recommendation_id, r.learner, $4, $5, $6
         FROM recommendations r JOIN learners l ON l.tenant_id = r.tenant_id AND l.learner = r.learner
         WHERE r.tenant_id = $2 AND r.recommendation_id = $3 {}",
        keep_learner(tx.backend())
    );
    let written = with_tx!(tx, |conn| {
        sqlx::query(AssertSqlSafe(sql))
            .bind(Id(Uuid::now_v7()))
            .bind(tenant)
            .bind(Id(recommendation))
            .bind(item)
            .bind(kind)
            .bind(now)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("feedback")?;
    Ok(written > 0)
}
