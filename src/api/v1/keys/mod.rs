//! API keys of the caller's tenant.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::key::ApiKey;
use crate::domain::{Micros, Scope};

pub mod create;
pub mod list;
pub mod revoke;

/// A key without its secret, which nobody knows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyView {
    pub id: Uuid,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Micros,
    pub revoked_at: Option<Micros>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self { id: key.id, name: key.name, scopes: key.scopes, created_at: key.created_at, revoked_at: key.revoked_at }
    }
}
