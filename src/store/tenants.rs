//! Tenants and what they have decided.

use serde::{Deserialize, Serialize};

use super::{Result, Tx};
use crate::domain::{Consent, LearnerStanding, Micros, Pseudonym, TenantId};

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

/// Creates the tenant if it is not there.
pub async fn ensure(tx: &mut Tx, tenant: &TenantId, now: Micros) -> Result<()> { todo!() }
pub async fn get(tx: &mut Tx, tenant: &TenantId) -> Result<Option<Tenant>> { todo!() }
pub async fn list(tx: &mut Tx) -> Result<Vec<Tenant>> { todo!() }
/// False when there is no such tenant.
pub async fn set_policy(tx: &mut Tx, tenant: &TenantId, policy: &TenantPolicy) -> Result<bool> { todo!() }
/// Tenant and learner in one query; `None` when the tenant is unknown. `learner` may be unknown: `standing` is `None`.
pub async fn request_context(tx: &mut Tx, tenant: &TenantId, learner: Option<Pseudonym>) -> Result<Option<RequestContext>> { todo!() }
/// Bumps `model_revision`; called by every function that changes what is served.
pub async fn bump_model_revision(tx: &mut Tx, tenant: &TenantId) -> Result<i64> { todo!() }
pub async fn bump_catalog_revision(tx: &mut Tx, tenant: &TenantId) -> Result<i64> { todo!() }
