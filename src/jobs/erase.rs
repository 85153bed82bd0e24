//! Carries an erasure on from wherever it stands.

use super::JobProgress;
use crate::app::App;
use crate::domain::job::Job;

pub(super) async fn run(_app: &App, job: &Job, _progress: JobProgress) -> anyhow::Result<serde_json::Value> {
    anyhow::bail!("jobs of kind {} cannot be run by this build", job.payload.kind())
}
