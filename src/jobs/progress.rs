//! How a runner says how far it is, and hears that it should stop.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::domain::Clock;
use crate::learning::train::Progress;
use crate::store::{self, Tx, jobs};

/// Why a runner was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    #[error("cancelled")]
    Cancelled,
    /// The service shuts down; the job goes back to the queue.
    #[error("the service is shutting down")]
    Shutdown,
    /// Another worker has the job now.
    #[error("the job's lease was lost")]
    LeaseLost,
}

/// A runner's line to its job. Cheap to clone and to call, from any thread: reports are kept in memory, and the worker writes
/// the latest down a few times a second.
#[derive(Clone)]
pub struct JobProgress {
    shared: Arc<Shared>,
    /// The part of the whole this handle reports on.
    from: f64,
    to: f64,
}

struct Shared {
    latest: Mutex<Report>,
    stopped: AtomicU8,
    changed: Notify,
    lease: Option<Lease>,
}

struct Lease {
    job: Uuid,
    owner: String,
    micros: i64,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Report {
    pub fraction: f64,
    pub message: String,
}

impl JobProgress {
    /// A line nobody listens to: for work done outside the queue.
    pub fn detached() -> Self {
        Self::with(None)
    }

    pub(super) fn of(job: Uuid, owner: &str, lease_micros: i64, clock: Arc<dyn Clock>) -> Self {
        Self::with(Some(Lease { job, owner: owner.to_owned(), micros: lease_micros, clock }))
    }

    fn with(lease: Option<Lease>) -> Self {
        let shared = Shared { latest: Mutex::default(), stopped: AtomicU8::new(0), changed: Notify::new(), lease };
        Self { shared: Arc::new(shared), from: 0.0, to: 1.0 }
    }

    /// A handle for the part `from..to` of this one's work: its 0..=1 is that part.
    pub fn part(&self, from: f64, to: f64) -> Self {
        let at = |fraction: f64| self.from + (self.to - self.from) * fraction.clamp(0.0, 1.0);
        Self { shared: Arc::clone(&self.shared), from: at(from), to: at(to) }
    }

    /// `fraction` (0..=1) is done; `message` says at what, never about whom. False: stop.
    pub fn report(&self, fraction: f64, message: &str) -> bool {
        let mut latest = self.latest();
        latest.fraction = self.from + (self.to - self.from) * fraction.clamp(0.0, 1.0);
        if latest.message != message {
            latest.message = message.to_owned();
        }
        drop(latest);
        self.stopped().is_none()
    }

    /// Why to stop, if so.
    pub fn stopped(&self) -> Option<Stopped> {
        match self.shared.stopped.load(Ordering::Acquire) {
            1 => Some(Stopped::Cancelled),
            2 => Some(Stopped::Shutdown),
            3 => Some(Stopped::LeaseLost),
            _ => None,
        }
    }

    /// `Err` when the runner should stop: `progress.check()?` between two steps.
    pub fn check(&self) -> Result<(), Stopped> {
        self.stopped().map_or(Ok(()), Err)
    }

    /// Waits until the runner should stop: the other branch of a `select!`.
    pub async fn stop_requested(&self) -> Stopped {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(reason) = self.stopped() {
                return reason;
            }
            changed.await;
        }
    }

    /// Within a unit of work: this worker still holds the job, and does until the unit of work ends. To be called by whatever
    /// must not happen twice, right before its commit. `StoreError::LeaseLost` when another worker took the job over.
    pub async fn confirm(&self, tx: &mut Tx) -> store::Result<()> {
        let Some(lease) = &self.shared.lease else { return Ok(()) };
        let report = self.snapshot();
        let until = crate::domain::Micros(lease.clock.now().0 + lease.micros);
        jobs::progress(tx, lease.job, &lease.owner, report.fraction, &report.message, until).await.map(drop)
    }

    pub(super) fn stop(&self, reason: Stopped) {
        let code = match reason {
            Stopped::Cancelled => 1,
            Stopped::Shutdown => 2,
            Stopped::LeaseLost => 3,
        };
        // The first reason stands.
        let _ = self.shared.stopped.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        self.shared.changed.notify_waiters();
    }

    pub(super) fn snapshot(&self) -> Report {
        self.latest().clone()
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Report> {
        self.shared.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for JobProgress {
    fn report(&self, fraction: f64, message: &str) -> bool {
        JobProgress::report(self, fraction, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reports_within_its_share_of_the_whole() {
        let whole = JobProgress::detached();
        let second_half = whole.part(0.5, 1.0);
        assert!(second_half.part(0.0, 0.5).report(1.0, "training"));
        assert_eq!(whole.snapshot(), Report { fraction: 0.75, message: "training".into() });
    }

    #[tokio::test]
    async fn the_first_reason_to_stop_stands_and_wakes_whoever_waits() {
        let progress = JobProgress::detached();
        let waiting = tokio::spawn({
            let progress = progress.clone();
            async move { progress.stop_requested().await }
        });
        tokio::task::yield_now().await;
        progress.stop(Stopped::Cancelled);
        progress.stop(Stopped::Shutdown);
        assert_eq!(waiting.await.unwrap(), Stopped::Cancelled);
        assert!(!progress.report(0.1, ""));
        assert_eq!(progress.check(), Err(Stopped::Cancelled));
    }
}
