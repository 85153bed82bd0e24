//! The HTTP API: `middleware` around everything, `auth` and `extract` at the door, one file per endpoint under `v1`,
//! `problem` for every failure.
//!
//! A request passes: request id and metrics -> panic guard -> admission (429) -> deadline (503) -> key and scope (401, 403)
//! -> body (400, 413, 415, 422) -> handler. Handlers authorise, open a unit of work, ask the rooms below, commit, and shape the answer.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

pub mod auth;
mod caliper;
mod docs;
pub mod extract;
pub mod health;
mod idempotency;
mod middleware;
pub mod openapi;
pub mod problem;
mod statements;
pub mod v1;
mod xapi;

pub use problem::{Code, Problem};

/// What handlers answer with.
pub type Answer<T> = Result<axum::Json<T>, Problem>;

/// What every handler may reach.
#[derive(Clone)]
pub struct ApiState {
    pub app: App,
    /// One permit for each request that may be worked on at once.
    in_flight: Arc<Semaphore>,
    replays: idempotency::Replays,
}

impl ApiState {
    pub fn new(app: App) -> Self {
        let in_flight = Arc::new(Semaphore::new(app.config.server.max_in_flight));
        Self { app, in_flight, replays: idempotency::Replays::default() }
    }
}

/// The routes of the API, the health checks and the documentation, ready to be served. `beside` is served next to
/// them (the console), under the same guards.
pub fn router(state: ApiState, beside: Router<ApiState>) -> Router {
    let (routes, _) = openapi::routes().split_for_parts();
    let guarded = routes
        .layer(from_fn_with_state(state.clone(), idempotency::replay))
        .layer(from_fn(middleware::keep_private))
        .merge(beside)
        .fallback(middleware::unknown_route)
        .method_not_allowed_fallback(middleware::unknown_method)
        .layer(from_fn_with_state(state.clone(), middleware::deadline))
        .layer(from_fn_with_state(state.clone(), middleware::admit));
    guarded
        .merge(health::routes())
        .merge(docs::routes())
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn(middleware::observe))
        .with_state(state)
}
