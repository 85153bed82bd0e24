//! Why a question about a learner was not answered.

use crate::domain::TenantId;
use crate::recommend::InvalidRequest;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("there is no tenant {0}")]
    UnknownTenant(TenantId),
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// More questions are waiting than the machine can answer soon: come back shortly.
    #[error("too many requests are waiting")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A computation panicked; the service goes on.
    #[error("the computation failed")]
    Failed,
}
