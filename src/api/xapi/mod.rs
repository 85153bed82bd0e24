//! `/xapi`: where an LMS sends statements, by the standard. What they mean is `ingest::xapi`'s business.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiState, Code, Problem};

mod about;
mod statements;

/// Spoken here; answers name the one that was asked for.
const VERSIONS: [&str; 2] = ["1.0.3", "2.0.0"];
const VERSION_HEADER: &str = "x-experience-api-version";

/// The list of routes.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(about::about))
        .routes(routes!(statements::create, statements::put, statements::show))
        .route("/xapi/{*resource}", any(not_kept))
        .layer(from_fn(say_version))
}

async fn not_kept() -> Problem {
    Problem::new(Code::NotImplemented, "states, profiles and documents are not kept here; send statements to /xapi/statements")
}

/// Every answer says which version of the standard it speaks.
async fn say_version(request: Request, next: Next) -> Response {
    let spoken = asked(request.headers()).unwrap_or(VERSIONS[0]);
    let mut response = next.run(request).await;
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(spoken));
    response
}

/// The version asked for, if it is spoken here: any patch of 1.0 or 2.0.
fn asked(headers: &HeaderMap) -> Option<&'static str> {
    let version = headers.get(VERSION_HEADER)?.to_str().ok()?;
    VERSIONS.into_iter().find(|spoken| version == &spoken[..3] || version.starts_with(&spoken[..4]))
}

fn require_version(headers: &HeaderMap) -> Result<(), Problem> {
    match asked(headers) {
        Some(_) => Ok(()),
        None => Err(Problem::new(Code::InvalidParameter, "send X-Experience-API-Version: 1.0.x or 2.0.x")),
    }
}
