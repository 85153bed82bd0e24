//! Trains what changed, judges it, and promotes what is not worse.

use std::sync::Arc;

use super::JobProgress;
use crate::app::App;
use crate::domain::job::{Job, JobPayload};
use crate::learning::registry::{Registry, RegistryError};

pub(super) async fn run(app: &App, job: &Job, progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    let JobPayload::Refresh { full, promote } = job.payload else { anyhow::bail!("not a refresh") };
    let refreshed = registry(app).refresh(&job.tenant, full, promote, "system", Arc::new(progress.clone())).await;
    let refreshed = refreshed.map_err(|error| stopped_or(error, &progress))?;
    Ok(serde_json::to_value(refreshed)?)
}

pub(super) fn registry(app: &App) -> Registry {
    Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config)
}

/// A training stopped because the worker was told to: the worker wants to hear its own reason.
pub(super) fn stopped_or(error: RegistryError, progress: &JobProgress) -> anyhow::Error {
    match (&error, progress.stopped()) {
        (RegistryError::Cancelled, Some(reason)) => reason.into(),
        _ => error.into(),
    }
}
