//! API keys, hashed at rest.

use uuid::Uuid;

use super::{About, Id, Json, Result, Tx};
use crate::domain::{Micros, Scope, TenantId, hash::Digest, key::ApiKey};
use crate::with_tx;

#[derive(sqlx::FromRow)]
struct KeyRow {
    key_id: Id,
    tenant_id: TenantId,
    name: String,
    scopes: Json<Vec<Scope>>,
    created_at: Micros,
    revoked_at: Option<Micros>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.key_id.0,
            tenant: row.tenant_id,
            name: row.name,
            scopes: row.scopes.0,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        }
    }
}

pub async fn insert(tx: &mut Tx, key: &ApiKey, secret_hash: &Digest) -> Result<()> {
    with_tx!(tx, |conn| {
        sqlx::query("INSERT INTO api_keys (key_id, tenant_id, name, secret_hash, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(Id(key.id))
            .bind(&key.tenant)
            .bind(&key.name)
            .bind(secret_hash)
            .bind(Json(&key.scopes))
            .bind(key.created_at)
            .bind(key.revoked_at)
            .execute(conn)
            .await
            .map(drop)
    })
    .about("api_keys")
}
/// The live key with this secret; revoked ones are not found.
pub async fn find(tx: &mut Tx, secret_hash: &Digest) -> Result<Option<ApiKey>> {
    let row: Option<KeyRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT key_id, tenant_id, name, scopes, created_at, revoked_at FROM api_keys WHERE secret_hash = $1 AND revoked_at IS NULL",
        )
        .bind(secret_hash)
        .fetch_optional(conn)
        .await
    })
    .about("api_keys")?;
    Ok(row.map(ApiKey::from))
}
/// All keys of a tenant (or of all tenants), oldest first.
pub async fn list(tx: &mut Tx, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>> {
    let rows: Vec<KeyRow> = with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT key_id, tenant_id, name, scopes, created_at, revoked_at FROM api_keys
             WHERE $1 IS NULL OR tenant_id = $1 ORDER BY created_at, key_id",
        )
        .bind(tenant)
        .fetch_all(conn)
        .await
    })
    .about("api_keys")?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}
/// False when there is no such live key.
pub async fn revoke(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool> {
    let changed = with_tx!(tx, |conn| {
        sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL")
            .bind(Id(id))
            .bind(now)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })
    .about("api_keys")?;
    Ok(changed > 0)
}
