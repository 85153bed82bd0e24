//! Long work and how far it is.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::job::{Job, JobState};

pub mod cancel;
pub mod list;
pub mod show;

/// A job as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    pub id: Uuid,
    /// refresh, retrain, erase or purge.
    pub kind: &'static str,
    pub state: JobState,
    /// 0 to 1.
    pub progress: f64,
    /// A word on what is going on.
    pub message: String,
    pub attempts: i32,
    pub cancel_requested: bool,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    pub finished_at: Option<Micros>,
    /// What came of it; a refresh: version, metrics, promoted or why not.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.payload.kind(),
            state: job.state,
            progress: job.progress,
            message: job.message,
            attempts: job.attempts,
            cancel_requested: job.cancel_requested,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            result: job.result,
        }
    }
}
