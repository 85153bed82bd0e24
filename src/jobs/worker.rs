//! Claims jobs and sees them through.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::{JobProgress, Runner, Runners, Stopped};
use crate::app::App;
use crate::domain::Micros;
use crate::domain::job::{Job, JobPayload, JobState};
use crate::store::{StoreError, jobs};

/// How often progress is written down and a cancellation noticed.
const HEARTBEAT: Duration = Duration::from_millis(400);
/// Attempts at a job that keeps failing. A privacy job (erase, retrain) is never given up, only tried ever less often.
const ATTEMPTS: i32 = 5;
const FIRST_RETRY_SECONDS: i64 = 5;
const LONGEST_RETRY_SECONDS: i64 = 15 * 60;

pub(super) struct Worker {
    app: App,
    runner: Arc<dyn Runner>,
    /// Names this worker in the leases it holds.
    owner: String,
}

/// What becomes of a job this worker held.
enum Ending<'a> {
    Final { state: JobState, message: &'a str, result: Option<&'a serde_json::Value> },
    Retry { message: &'a str, after_micros: i64 },
    HandBack,
}

/// Runs every job that may run now, one after the other, then returns how many there were: for one-off commands and tests.
pub async fn run_pending(app: &App) -> Result<usize, StoreError> {
    let worker = Worker::new(app.clone(), Runners);
    let (_stop, stopping) = watch::channel(false);
    let mut done = 0;
    while worker.once(&stopping).await? {
        done += 1;
    }
    Ok(done)
}

impl Worker {
    pub(super) fn new(app: App, runner: impl Runner) -> Self {
        Self { app, runner: Arc::new(runner), owner: Uuid::now_v7().to_string() }
    }

    /// Works until told to stop.
    pub(super) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let poll = Duration::from_millis(self.app.config.jobs.poll_ms.max(10));
        let mut troubled = false;
        while !*stopping.borrow_and_update() {
            match self.once(&stopping).await {
                Ok(true) => troubled = false,
                Ok(false) => {
                    troubled = false;
                    pause(poll, &mut stopping).await;
                }
                Err(error) => {
                    // Once per trouble, not four times a second.
                    if !std::mem::replace(&mut troubled, true) {
                        tracing::warn!(error = &error as &dyn std::error::Error, "the job queue cannot be read; trying on");
                    }
                    pause(poll.max(Duration::from_secs(1)), &mut stopping).await;
                }
            }
        }
    }

    /// Claims and runs one job; false when there is none to run.
    pub(super) async fn once(&self, stopping: &watch::Receiver<bool>) -> Result<bool, StoreError> {
        let now = self.app.clock.now();
        // Looking is cheap and takes no lock; claiming writes.
        if !jobs::any_to_run(&mut self.app.store.glance().await?, now).await? {
            return Ok(false);
        }
        let mut tx = self.app.store.write().await?;
        let job = jobs::claim(&mut tx, &self.owner, self.lease_micros(), now).await?;
        tx.commit().await?;
        let Some(job) = job else { return Ok(false) };
        let (id, kind, attempt) = (job.id, job.payload.kind(), job.attempts);
        tracing::info!(job = %id, kind, attempt, "job started");
        match self.see_through(job, stopping.clone()).await {
            Ok(state) => tracing::info!(job = %id, kind, state = state.as_str(), "job left"),
            // The lease runs out, and the job is claimed again, by this worker or another.
            Err(error) => {
                tracing::warn!(job = %id, kind, error = &error as &dyn std::error::Error, "the job's end could not be written down")
            }
        }
        Ok(true)
    }

    /// Runs a claimed job, heartbeats meanwhile, and writes down what came of it.
    async fn see_through(&self, job: Job, stopping: watch::Receiver<bool>) -> Result<JobState, StoreError> {
        let progress = JobProgress::of(job.id, &self.owner, self.lease_micros(), Arc::clone(&self.app.clock));
        if job.cancel_requested {
            return self.end(&job, JobState::Cancelled, "cancelled", None).await;
        }
        // Its own task: a panic in a runner ends the job, not the worker.
        let mut running = AbortOnDrop(tokio::spawn(self.runner.run(self.app.clone(), job.clone(), progress.clone())));
        let outcome = tokio::select! {
            outcome = &mut running.0 => outcome,
            never = self.heartbeat(&job, &progress, stopping) => match never {},
        };
        match outcome {
            Ok(Ok(result)) => self.end(&job, JobState::Succeeded, "done", Some(&result)).await,
            Ok(Err(error)) => match progress.stopped() {
                Some(Stopped::Cancelled) => self.end(&job, JobState::Cancelled, "cancelled", None).await,
                Some(Stopped::Shutdown) => self.hand_back(&job).await,
                Some(Stopped::LeaseLost) => Err(StoreError::LeaseLost),
                None => {
                    // The whole chain goes to the log; whoever asks for the job reads what failed, not the insides.
                    tracing::error!(job = %job.id, kind = job.payload.kind(), attempt = job.attempts, error = %format!("{error:#}"), "job failed");
                    self.fail(&job, &error.to_string()).await
                }
            },
            Err(panic) => {
                tracing::error!(job = %job.id, kind = job.payload.kind(), error = %panic, "job panicked");
                self.fail(&job, "internal error").await
            }
        }
    }

    /// Writes progress down, prolongs the lease and passes on every reason to stop. Ends only with the job itself.
    async fn heartbeat(&self, job: &Job, progress: &JobProgress, mut stopping: watch::Receiver<bool>) -> std::convert::Infallible {
        let mut written = progress.snapshot();
        let mut renewed_at = tokio::time::Instant::now();
        let renew = Duration::from_micros(self.lease_micros().unsigned_abs() / 3);
        let mut alone = false;
        loop {
            if *stopping.borrow() {
                progress.stop(Stopped::Shutdown);
            }
            tokio::select! {
                () = tokio::time::sleep(HEARTBEAT.min(renew)) => {}
                gone = async { if alone { std::future::pending().await } else { stopping.changed().await.is_err() } } => { alone = gone; continue }
            }
            let report = progress.snapshot();
            if report != written || renewed_at.elapsed() >= renew {
                match self.beat(job, &report.message, report.fraction).await {
                    Ok(false) => {}
                    Ok(true) => progress.stop(Stopped::Cancelled),
                    Err(StoreError::LeaseLost) => progress.stop(Stopped::LeaseLost),
                    // Tried again at the next beat; the lease outlasts several.
                    Err(_) => continue,
                }
                (written, renewed_at) = (report, tokio::time::Instant::now());
            } else if matches!(self.cancel_requested(job).await, Ok(true)) {
                progress.stop(Stopped::Cancelled);
            }
        }
    }

    async fn beat(&self, job: &Job, message: &str, fraction: f64) -> Result<bool, StoreError> {
        let mut tx = self.app.store.write().await?;
        let until = Micros(self.app.clock.now().0 + self.lease_micros());
        let cancel = jobs::progress(&mut tx, job.id, &self.owner, fraction, message, until).await?;
        tx.commit().await?;
        Ok(cancel)
    }

    async fn cancel_requested(&self, job: &Job) -> Result<bool, StoreError> {
        let row = jobs::get(&mut self.app.store.glance().await?, &job.tenant, job.id).await?;
        Ok(row.is_some_and(|row| row.cancel_requested))
    }

    async fn end(&self, job: &Job, state: JobState, message: &str, result: Option<&serde_json::Value>) -> Result<JobState, StoreError> {
        self.insist(job, Ending::Final { state, message, result }).await?;
        Ok(state)
    }

    async fn fail(&self, job: &Job, message: &str) -> Result<JobState, StoreError> {
        match retry_after_seconds(&job.payload, job.attempts) {
            None => self.end(job, JobState::Failed, message, None).await,
            Some(seconds) => {
                self.insist(job, Ending::Retry { message, after_micros: seconds * Micros::SECOND }).await?;
                Ok(JobState::Pending)
            }
        }
    }

    async fn hand_back(&self, job: &Job) -> Result<JobState, StoreError> {
        self.insist(job, Ending::HandBack).await?;
        Ok(JobState::Pending)
    }

    /// The end of a long training is worth a few tries at writing it down.
    async fn insist(&self, job: &Job, ending: Ending<'_>) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.write_down(job, &ending).await {
                Err(StoreError::Unavailable(_) | StoreError::NotWritable(_)) if tries < 5 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn write_down(&self, job: &Job, ending: &Ending<'_>) -> Result<(), StoreError> {
        let now = self.app.clock.now();
        let mut tx = self.app.store.write().await?;
        match *ending {
            Ending::Final { state, message, result } => jobs::finish(&mut tx, job.id, &self.owner, state, message, result, now).await?,
            Ending::Retry { message, after_micros } => {
                jobs::retry(&mut tx, job.id, &self.owner, message, Micros(now.0 + after_micros)).await?
            }
            Ending::HandBack => jobs::release(&mut tx, job.id, &self.owner, now).await?,
        }
        tx.commit().await
    }

    fn lease_micros(&self) -> i64 {
        self.app.config.jobs.lease_seconds.max(1) * Micros::SECOND
    }
}

/// A worker that is dropped takes its runner along; the job is left to its lease.
struct AbortOnDrop(tokio::task::JoinHandle<anyhow::Result<serde_json::Value>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// When a job that failed `attempts` times is tried again: 5 s, 10 s, 20 s, … at most 15 minutes; `None`: no more.
fn retry_after_seconds(payload: &JobPayload, attempts: i32) -> Option<i64> {
    let for_ever = matches!(payload, JobPayload::Erase { .. } | JobPayload::Retrain { .. });
    if attempts >= ATTEMPTS && !for_ever {
        return None;
    }
    let doublings = attempts.clamp(1, 16) - 1;
    Some((FIRST_RETRY_SECONDS << doublings).min(LONGEST_RETRY_SECONDS))
}

async fn pause(time: Duration, stopping: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        // The sender is gone: `run_pending`, which never pauses, or a process at its end.
        changed = stopping.changed() => if changed.is_err() { tokio::time::sleep(time).await },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_back_off_and_only_privacy_work_is_never_given_up() {
        let refresh = JobPayload::Refresh { full: false, promote: true };
        let waits: Vec<_> = (1..=5).map(|attempt| retry_after_seconds(&refresh, attempt)).collect();
        assert_eq!(waits, [Some(5), Some(10), Some(20), Some(40), None]);
        let erase = JobPayload::Erase { request: Uuid::nil() };
        assert_eq!(retry_after_seconds(&erase, 1_000_000), Some(LONGEST_RETRY_SECONDS));
    }
}
