//! Tenants and what they have decided.

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::inventory::TABLES;
use super::{About, Json, Result, Tx};
use crate::domain::{Bucket, Consent, LearnerStanding, Micros, Pseudonym, TenantId};
use crate::with_tx;

/// When an opt-out or objection leaves the served model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptOutPolicy {
    /// The shard is retrained without the learner at the next refresh.
    #[default]
    NextRefresh,
    /// The shard's member is silenced at once and a retrain is queued.
    Immediate,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantPolicy {
    pub opt_out: OptOutPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub policy: TenantPolicy,
    /// Bumped by every catalogue change.
    pub catalog_revision: i64,
    /// Bumped whenever what is served changes: promotion, rollback, quarantine, swap.
    pub model_revision: i64,
}

/// All that a request about one learner must know before it reads anything cached: one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    pub tenant: Tenant,
    pub standing: Option<LearnerStanding>,
}

#[derive(sqlx::FromRow)]
struct TenantRow {
    tenant_id: TenantId,
    policy: Json<TenantPolicy>,
    catalog_revision: i64,
    model_revision: i64,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self { id: row.tenant_id, policy: row.policy.0, catalog_revision: row.catalog_revision, model_revision: row.model_revision }
    }
}

#[derive(sqlx::FromRow)]
struct ContextRow {
    #[sqlx(flatten)]
    tenant: TenantRow,
    bucket: Option<Bucket>,
    consent: Option<Consent>,
    revision: Option<i64>,
    first_seen_at: Option<Micros>,
    last_seen_at: Option<Micros>,
}

/// Creates the tenant if it is not there.
pub async fn ensure(tx: &mut Tx, tenant: &TenantId, now: Micros) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query("INSERT INTO tenants (tenant_id, policy, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant_id) DO NOTHING")
            .bind(tenant)
            .bind(Json(TenantPolicy::default()))
            .bind(now)
            .execute(conn)
            .await
            .map(drop)
    })
    .about("tenants")
}
pub async fn get(tx: &mut Tx, tenant: &TenantId) -> Result<Option<Tenant>> {
    let row: Option<TenantRow> = with_tx!(tx, |conn| {
        sqlx::query_as("SELECT tenant_id, policy, catalog_revision, model_revision FROM tenants WHERE tenant_id = $1")
            .bind(tenant)
            .fetch_optional(conn)
            .await
    })
    .about("tenants")?;
    Ok(row.map(Tenant::from))
}
pub async fn list(tx: &mut Tx) -> Result<Vec<Tenant>> {
    let rows: Vec<TenantRow> = with_tx!(tx, |conn| {
        sqlx::query_as("SELECT tenant_id, policy, catalog_revision, model_revision FROM tenants ORDER BY tenant_id").fetch_all(conn).await
    })
    .about("tenants")?;
    Ok(rows.into_iter().map(Tenant::from).collect())
}
/// False when there is no such tenant.
pub async fn set_policy(tx: &mut Tx, tenant: &TenantId, policy: &TenantPolicy) -> Result<bool> {
    let changed = with_tx!(tx, |conn| {
        sqlx::query("UPDATE tenants SET policy = $2 WHERE tenant_id = $1")
            .bind(tenant)
            .bind(Json(policy))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("tenants")?;
    Ok(changed > 0)
}
/// Tenant and learner in one query; `None` when the tenant is unknown. `learner` may be unknown: `standing` is `None`.
pub async fn request_context(tx: &mut Tx, tenant: &TenantId, learner: Option<Pseudonym>) -> Result<Option<RequestContext>> {
    let row: Option<ContextRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT t.tenant_id, t.policy, t.catalog_revision, t.model_revision,
                    l.bucket, l.consent, l.revision, l.first_seen_at, l.last_seen_at
             FROM tenants t LEFT JOIN learners l ON l.tenant_id = t.tenant_id AND l.learner = $2
             WHERE t.tenant_id = $1",
        )
        .bind(tenant)
        .bind(learner)
        .fetch_optional(conn)
        .await
    })
    .about("learners")?;
    Ok(row.map(|row| {
        let standing = match (learner, row.bucket, row.consent, row.revision, row.first_seen_at, row.last_seen_at) {
            (Some(learner), Some(bucket), Some(consent), Some(revision), Some(first_seen_at), Some(last_seen_at)) => {
                Some(LearnerStanding { learner, bucket, consent, revision, first_seen_at, last_seen_at })
            }
            _ => None,
        };
        RequestContext { tenant: row.tenant.into(), standing }
    }))
}
/// Removes the tenant and every row of theirs. Artefacts and the rights ledger are not the database's business.
pub async fn remove(tx: &mut Tx, tenant: &TenantId) -> Result<()> {
    // Members go with their versions; every other table refers to the tenant alone, whose own row goes last.
    let tables = TABLES.iter().map(|(table, _)| *table).filter(|table| *table != "tenants").chain(["tenants"]);
    for table in tables {
        with_tx!(&mut *tx, |conn| {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant_id = $1"))).bind(tenant).execute(conn).await.map(drop)
        })
        .about(table)?;
    }
    Ok(())
}
/// Bumps `model_revision`; called by every function that changes what is served.
pub async fn bump_model_revision(tx: &mut Tx, tenant: &TenantId) -> Result<i64> {
    with_tx!(tx, |conn| {
        sqlx::query_scalar("UPDATE tenants SET model_revision = model_revision + 1 WHERE tenant_id = $1 RETURNING model_revision")
            .bind(tenant)
            .fetch_one(conn)
            .await
    })
    .about("tenants")
}
pub async fn bump_catalog_revision(tx: &mut Tx, tenant: &TenantId) -> Result<i64> {
    with_tx!(tx, |conn| {
        sqlx::query_scalar("UPDATE tenants SET catalog_revision = catalog_revision + 1 WHERE tenant_id = $1 RETURNING catalog_revision")
            .bind(tenant)
            .fetch_one(conn)
            .await
    })
    .about("tenants")
}
