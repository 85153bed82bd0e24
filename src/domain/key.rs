//! API keys: what a bearer may do.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Micros, TenantId};

/// A permission a key carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Ingest,
    Recommend,
    Train,
    Privacy,
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 5] = [Self::Ingest, Self::Recommend, Self::Train, Self::Privacy, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Recommend => "recommend",
            Self::Train => "train",
            Self::Privacy => "privacy",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A stored key: its secret is kept hashed only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: Uuid,
    pub tenant: TenantId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Micros,
    pub revoked_at: Option<Micros>,
}
