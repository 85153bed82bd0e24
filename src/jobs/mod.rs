//! Background work: trainings, erasures, purges. A job's payload lives in `domain`, its queue in `store::jobs`, its runner here.
//!
//! [`start`] spawns one [`worker`] and one [`schedule`]. The worker claims the oldest job that may run, under a lease; the runner
//! (one file a kind of job) reports through [`JobProgress`]; a heartbeat prolongs the lease and learns of a cancellation.
//! A job whose worker died is claimed again when its lease has run out, so every runner can be run again from the top.
//!
//! The queue is our own, a table and one claiming statement, rather than a crate: the queue crates there are speak to one
//! database, or through a driver of another version than ours. And with the table beside the data a runner can check, in the
//! very transaction that promotes a model, that it still holds its lease ([`JobProgress::confirm`]).

mod erase;
mod progress;
mod purge;
mod refresh;
mod retrain;
mod schedule;
mod worker;

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use progress::{JobProgress, Stopped};
pub use worker::run_pending;

use crate::app::App;
use crate::domain::job::{Job, JobPayload};

/// Carries jobs out.
pub trait Runner: Send + Sync + 'static {
    /// Does the whole job; its value becomes the job's result. Run again after a crash or a failure, it must find what is left to do.
    fn run(&self, app: App, job: Job, progress: JobProgress) -> BoxFuture<'static, anyhow::Result<serde_json::Value>>;
}

/// The runners of this service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Runners;

impl Runner for Runners {
    fn run(&self, app: App, job: Job, progress: JobProgress) -> BoxFuture<'static, anyhow::Result<serde_json::Value>> {
        Box::pin(async move {
            match &job.payload {
                JobPayload::Refresh { .. } => refresh::run(&app, &job, progress).await,
                JobPayload::Retrain { .. } => retrain::run(&app, &job, progress).await,
                JobPayload::Erase { .. } => erase::run(&app, &job, progress).await,
                JobPayload::Purge { .. } => purge::run(&app, &job, progress).await,
            }
        })
    }
}

/// The background work of one process.
pub struct Background {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts the worker and the schedule.
pub fn start(app: App) -> Background {
    start_with(app, Runners)
}

/// As [`start`], with other runners.
pub fn start_with(app: App, runner: impl Runner) -> Background {
    let (stop, stopping) = watch::channel(false);
    let worker = worker::Worker::new(app.clone(), runner);
    let tasks = vec![tokio::spawn(worker.run(stopping.clone())), tokio::spawn(schedule::run(app, stopping))];
    Background { stop, tasks }
}

impl Background {
    /// Asks the running job to stop, hands it back to the queue, and waits at most `patience` for that.
    /// What takes longer is left to its lease: another worker, or this one after its restart, goes on with it.
    pub async fn shutdown(self, patience: Duration) {
        self.stop.send_replace(true);
        let aborts: Vec<_> = self.tasks.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(patience, futures::future::join_all(self.tasks)).await.is_err() {
            aborts.iter().for_each(|task| task.abort());
        }
    }
}
