//! Replaces silenced members from filtered data; never stopped by the quality gate.

use std::sync::Arc;

use serde_json::json;

use super::JobProgress;
use super::refresh::{registry, stopped_or};
use crate::app::App;
use crate::domain::ShardId;
use crate::domain::job::{Job, JobPayload};
use crate::learning::registry::Retrained;

pub(super) async fn run(app: &App, job: &Job, progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    let JobPayload::Retrain { shards } = &job.payload else { anyhow::bail!("not a retrain") };
    let shards: Vec<_> = shards.iter().copied().map(ShardId).collect();
    let retrained = registry(app).retrain(&job.tenant, &shards, Arc::new(progress.clone())).await;
    Ok(describe(&retrained.map_err(|error| stopped_or(error, &progress))?))
}

pub(super) fn describe(retrained: &Retrained) -> serde_json::Value {
    let members: Vec<_> = retrained
        .members
        .iter()
        .map(|member| json!({"shard": member.shard, "weights": member.weights, "answers": member.answers, "steps": member.steps}))
        .collect();
    json!({"version": retrained.version, "members": members, "files_destroyed": retrained.destroyed.len()})
}
