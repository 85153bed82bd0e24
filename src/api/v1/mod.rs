//! Version 1 of the API: a folder a resource, a file an endpoint.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;

mod admin;
mod catalog;
mod events;
mod feedback;
mod jobs;
mod keys;
mod knowledge;
mod models;
mod paths;
mod policy;
mod predictions;
mod privacy;
mod quarantine;
mod recommendations;

/// The list of routes.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(admin::refresh::refresh))
        .routes(routes!(admin::rollback::rollback))
        .routes(routes!(catalog::show::show, catalog::update::update))
        .routes(routes!(events::create::create))
        .routes(routes!(feedback::create::create))
        .routes(routes!(jobs::list::list))
        .routes(routes!(jobs::show::show))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(keys::list::list, keys::create::create))
        .routes(routes!(keys::revoke::revoke))
        .routes(routes!(knowledge::ask::ask))
        .routes(routes!(models::list::list))
        .routes(routes!(models::show::show))
        .routes(routes!(models::promote::promote))
        .routes(routes!(paths::create::create))
        .routes(routes!(policy::show::show, policy::update::update))
        .routes(routes!(predictions::create::create))
        .routes(routes!(privacy::erase::erase, privacy::list::list))
        .routes(routes!(privacy::show::show))
        .routes(routes!(privacy::opt_out::opt_out))
        .routes(routes!(privacy::opt_in::opt_in))
        .routes(routes!(quarantine::list::list))
        .routes(routes!(recommendations::create::create))
}

/// How many of a list, newest first.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// 1 to 1000.
    #[serde(default = "default_limit")]
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: u32,
}

fn default_limit() -> u32 {
    100
}

impl Page {
    fn limit(&self) -> Result<u32, super::Problem> {
        if (1..=1000).contains(&self.limit) {
            return Ok(self.limit);
        }
        Err(super::Problem::new(super::Code::InvalidParameter, "limit must be 1 to 1000"))
    }
}

/// A line for the audit log: what this key did to which object.
pub(super) fn audit(
    by: &super::auth::Caller,
    at: crate::domain::Micros,
    action: &str,
    object: impl ToString,
) -> crate::store::audit::AuditEntry {
    crate::store::audit::AuditEntry { at, actor: by.key_id.to_string(), action: action.into(), object: object.to_string() }
}

/// Whom a question is about: lives for this request alone.
pub(super) fn learner(id: String) -> Result<crate::domain::LearnerId, super::Problem> {
    crate::domain::LearnerId::parse(id).map_err(|error| super::Problem::invalid_id("learner_id", &error))
}
