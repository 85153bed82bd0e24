//! Is it alive, is it ready, how is it doing? Without a key: nothing here speaks of anybody.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::ApiState;
use crate::store::jobs;

pub fn routes() -> Router<ApiState> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).route("/metrics", get(show_metrics))
}

/// What must hold before requests are sent here.
#[derive(Debug, Serialize)]
pub struct Readiness {
    pub ready: bool,
    pub checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// What is wrong, and what would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Check {
    fn of(name: &'static str, result: Result<(), String>) -> Self {
        Self { name, ok: result.is_ok(), problem: result.err() }
    }
}

/// Asks the database and the disk.
pub async fn check(state: &ApiState) -> Readiness {
    let app = &state.app;
    let limit = Duration::from_secs(2);
    let database = match tokio::time::timeout(limit, app.store.ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the database does not answer".to_string()),
    };
    // The schema was brought up to date when the store was opened; a database swapped underneath shows here.
    let schema = match &database {
        Err(_) => Err("unknown while the database does not answer".to_string()),
        Ok(()) => match app.store.read().await {
            Ok(mut tx) => jobs::depth(&mut tx)
                .await
                .map(drop)
                .map_err(|_| "the schema is not this version's; restart the service to migrate".to_string()),
            Err(error) => Err(error.to_string()),
        },
    };
    let artefacts = std::fs::create_dir_all(&app.config.storage.artefacts)
        .map_err(|error| format!("the artefact folder cannot be used: {}", error.kind()));
    let checks = vec![Check::of("database", database), Check::of("schema", schema), Check::of("artefacts", artefacts)];
    Readiness { ready: checks.iter().all(|check| check.ok), checks }
}

async fn ready(State(state): State<ApiState>) -> Response {
    let readiness = check(&state).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn show_metrics(State(state): State<ApiState>) -> Response {
    let Some(handle) = crate::telemetry::metrics() else { return StatusCode::NOT_FOUND.into_response() };
    if let Ok(mut tx) = state.app.store.read().await
        && let Ok((pending, running)) = jobs::depth(&mut tx).await
    {
        metrics::gauge!("parcours_jobs", "state" => "pending").set(pending as f64);
        metrics::gauge!("parcours_jobs", "state" => "running").set(running as f64);
    }
    let limit = state.app.config.server.max_in_flight;
    metrics::gauge!("parcours_requests_in_flight").set(limit.saturating_sub(state.in_flight.available_permits()) as f64);
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}
