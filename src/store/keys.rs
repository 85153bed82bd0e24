//! API keys, hashed at rest.

use uuid::Uuid;

use super::{Result, Tx};
use crate::domain::{Micros, TenantId, hash::Digest, key::ApiKey};

pub async fn insert(tx: &mut Tx, key: &ApiKey, secret_hash: &Digest) -> Result<()> { todo!() }
/// The live key with this secret; revoked ones are not found.
pub async fn find(tx: &mut Tx, secret_hash: &Digest) -> Result<Option<ApiKey>> { todo!() }
/// All keys of a tenant (or of all tenants), oldest first.
pub async fn list(tx: &mut Tx, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>> { todo!() }
/// False when there is no such live key.
pub async fn revoke(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool> { todo!() }
