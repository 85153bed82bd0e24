//! Model versions and their members; which one is served.

use std::collections::HashMap;

use super::{About, Json, Result, StoreError, Tx, shards, tenants};
use crate::domain::hash::Digest;
use crate::domain::model::{MemberRow, MemberState, VersionRow, VersionState};
use crate::domain::{Micros, ModelVersion, ShardId, TenantId};
use crate::with_tx;

#[derive(sqlx::FromRow)]
struct Version {
    version: ModelVersion,
    state: VersionState,
    shards: i64,
    created_at: Micros,
    promoted_at: Option<Micros>,
    config: Json<serde_json::Value>,
    metrics: Json<serde_json::Value>,
}

#[derive(sqlx::FromRow)]
struct Member {
    version: ModelVersion,
    shard: ShardId,
    state: MemberState,
    weights: Option<Digest>,
    training_root: Digest,
    epoch: i64,
    learners: i64,
    answers: i64,
}

/// Inserts a version with its members; state as given. The same version again is a no-op.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, row: &VersionRow) -> Result<()> {
    let inserted = with_tx!(&mut *tx, |conn| {
        sqlx::query(
            "INSERT INTO model_versions (tenant_id, version, state, shards, created_at, promoted_at, config, metrics)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, version) DO NOTHING",
        )
        .bind(tenant)
        .bind(&row.version)
        .bind(row.state)
        .bind(i64::from(row.shards))
        .bind(row.created_at)
        .bind(row.promoted_at)
        .bind(Json(&row.config))
        .bind(Json(&row.metrics))
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })
    .about("model_versions")?;
    if inserted > 0 {
        for member in &row.members {
            put_member(tx, tenant, &row.version, member).await?;
        }
    }
    Ok(())
}
pub async fn get(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion) -> Result<Option<VersionRow>> {
    let row = with_tx!(&mut *tx, |conn| {
        sqlx::query_as("SELECT version, state, shards, created_at, promoted_at, config, metrics FROM model_versions WHERE tenant_id = $1 AND version = $2")
            .bind(tenant)
            .bind(version)
            .fetch_all(conn)
            .await
    })
    .about("model_versions")?;
    Ok(with_members(tx, tenant, row).await?.pop())
}
/// Newest first.
pub async fn list(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<VersionRow>> {
    let rows = with_tx!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT version, state, shards, created_at, promoted_at, config, metrics FROM model_versions
             WHERE tenant_id = $1 ORDER BY created_at DESC, version",
        )
        .bind(tenant)
        .fetch_all(conn)
        .await
    })
    .about("model_versions")?;
    with_members(tx, tenant, rows).await
}
pub async fn serving(tx: &mut Tx, tenant: &TenantId) -> Result<Option<VersionRow>> {
    let row = with_tx!(&mut *tx, |conn| {
        sqlx::query_as("SELECT version, state, shards, created_at, promoted_at, config, metrics FROM model_versions WHERE tenant_id = $1 AND state = 'serving'")
            .bind(tenant)
            .fetch_all(conn)
            .await
    })
    .about("model_versions")?;
    Ok(with_members(tx, tenant, row).await?.pop())
}
/// Makes `version` the served one and retires the one before; bumps the tenant's model revision.
pub async fn promote(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, now: Micros) -> Result<()> {
    // Also the lock under which versions change: the tenant's row is held until the unit of work ends.
    tenants::bump_model_revision(tx, tenant).await?;
    with_tx!(&mut *tx, |conn| {
        sqlx::query("UPDATE model_versions SET state = 'retired' WHERE tenant_id = $1 AND state = 'serving' AND version <> $2")
            .bind(tenant)
            .bind(version)
            .execute(conn)
            .await
            .map(drop)
    })
    .about("model_versions")?;
    let promoted = with_tx!(tx, |conn| {
        sqlx::query("UPDATE model_versions SET state = 'serving', promoted_at = $3 WHERE tenant_id = $1 AND version = $2")
            .bind(tenant)
            .bind(version)
            .bind(now)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("model_versions")?;
    found(promoted)
}
pub async fn set_state(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, state: VersionState) -> Result<()> {
    // Whether it was, or now is, the served one: what is served may have changed.
    tenants::bump_model_revision(tx, tenant).await?;
    let changed = with_tx!(tx, |conn| {
        sqlx::query("UPDATE model_versions SET state = $3 WHERE tenant_id = $1 AND version = $2")
            .bind(tenant)
            .bind(version)
            .bind(state)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("model_versions")?;
    found(changed)
}
/// Silences the shard's member in every version that still has it active; bumps the model revision. Versions touched.
pub async fn quarantine_shard(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<u64> {
    // A promotion that compared the shard's epoch commits first, and its members are then seen, and silenced, here.
    shards::hold(tx, tenant, shard).await?;
    tenants::bump_model_revision(tx, tenant).await?;
    with_tx!(tx, |conn| {
        sqlx::query("UPDATE model_members SET state = 'quarantined' WHERE tenant_id = $1 AND shard = $2 AND state = 'active'")
            .bind(tenant)
            .bind(shard)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("model_members")
}
/// Replaces one member of one version (a retrain's result) and bumps the model revision.
pub async fn replace_member(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, member: &MemberRow) -> Result<()> {
    tenants::bump_model_revision(tx, tenant).await?;
    put_member(tx, tenant, version, member).await
}
/// Marks members `destroyed` wherever they have these weights, and forgets the hash; rows touched.
pub async fn destroy_weights(tx: &mut Tx, tenant: &TenantId, weights: &Digest) -> Result<u64> {
    tenants::bump_model_revision(tx, tenant).await?;
    with_tx!(tx, |conn| {
        sqlx::query("UPDATE model_members SET state = 'destroyed', weights = NULL WHERE tenant_id = $1 AND weights = $2")
            .bind(tenant)
            .bind(weights)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("model_members")
}
/// Weights of every quarantined member of the shard, over all versions: what must be destroyed.
pub async fn quarantined_weights(tx: &mut Tx, tenant: &TenantId, shard: ShardId) -> Result<Vec<Digest>> {
    with_tx!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT DISTINCT weights FROM model_members
             WHERE tenant_id = $1 AND shard = $2 AND state = 'quarantined' AND weights IS NOT NULL ORDER BY weights",
        )
        .bind(tenant)
        .bind(shard)
        .fetch_all(conn)
        .await
    })
    .about("model_members")
}
/// All weights any version of any tenant still names: what a sweep must keep.
pub async fn live_weights(tx: &mut Tx) -> Result<Vec<(TenantId, Digest)>> {
    with_tx!(tx, |conn| {
        sqlx::query_as("SELECT DISTINCT tenant_id, weights FROM model_members WHERE weights IS NOT NULL ORDER BY tenant_id, weights")
            .fetch_all(conn)
            .await
    })
    .about("model_members")
}

async fn put_member(tx: &mut Tx, tenant: &TenantId, version: &ModelVersion, member: &MemberRow) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query(
            "INSERT INTO model_members (tenant_id, version, shard, state, weights, training_root, epoch, learners, answers)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (tenant_id, version, shard) DO UPDATE SET state = excluded.state, weights = excluded.weights,
                training_root = excluded.training_root, epoch = excluded.epoch, learners = excluded.learners, answers = excluded.answers",
        )
        .bind(tenant)
        .bind(version)
        .bind(member.shard)
        .bind(member.state)
        .bind(member.weights)
        .bind(member.training_root)
        .bind(member.epoch)
        .bind(member.learners)
        .bind(member.answers)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("model_members")
}

/// Adds their members to `versions`: one query for one version or all.
async fn with_members(tx: &mut Tx, tenant: &TenantId, versions: Vec<Version>) -> Result<Vec<VersionRow>> {
    let only = match versions.as_slice() {
        [] => return Ok(Vec::new()),
        [one] => Some(one.version.clone()),
        _ => None,
    };
    let rows: Vec<Member> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT version, shard, state, weights, training_root, epoch, learners, answers FROM model_members
             WHERE tenant_id = $1 AND ($2 IS NULL OR version = $2) ORDER BY version, shard",
        )
        .bind(tenant)
        .bind(only)
        .fetch_all(conn)
        .await
    })
    .about("model_members")?;
    let mut members: HashMap<ModelVersion, Vec<MemberRow>> = HashMap::new();
    for row in rows {
        let Member { version, shard, state, weights, training_root, epoch, learners, answers } = row;
        members.entry(version).or_default().push(MemberRow { shard, state, weights, training_root, epoch, learners, answers });
    }
    versions
        .into_iter()
        .map(|row| {
            let shards = u16::try_from(row.shards).map_err(|_| StoreError::corrupt("model_versions", "shards", "too large"))?;
            Ok(VersionRow {
                members: members.remove(&row.version).unwrap_or_default(),
                version: row.version,
                state: row.state,
                shards,
                created_at: row.created_at,
                promoted_at: row.promoted_at,
                config: row.config.0,
                metrics: row.metrics.0,
            })
        })
        .collect()
}

/// A version that was to be changed must be there.
fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(sqlx::Error::RowNotFound.into()) } else { Ok(()) }
}
