//! The durable worker: what becomes of a job that succeeds, fails, panics, is cancelled, is interrupted, or loses its worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use parcours::app::App;
use parcours::config::Config;
use parcours::domain::job::{Job, JobPayload, JobState};
use parcours::domain::{Clock, FixedClock, Micros, SystemClock, TenantId};
use parcours::jobs::{self, JobProgress, Runner};
use parcours::privacy::Secrets;
use parcours::store::{Store, StoreError, jobs as queue, tenants};
use tempfile::TempDir;
use uuid::Uuid;

const REFRESH: JobPayload = JobPayload::Refresh { full: false, promote: true };

/// A service with a runner of the test's own.
struct Bench {
    app: App,
    tenant: TenantId,
    _folder: TempDir,
}

impl Bench {
    async fn new(clock: impl Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.database.url = format!("sqlite:{}/test.db", folder.path().display());
        config.jobs.poll_ms = 20;
        config.jobs.lease_seconds = 1;
        let store = Store::connect(&config.database).await.unwrap();
        let tenant = TenantId::default();
        let mut tx = store.write().await.unwrap();
        tenants::ensure(&mut tx, &tenant, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        Self { app: App::new(config, store, Secrets::from_seed(1), Arc::new(clock)), tenant, _folder: folder }
    }

    async fn enqueue(&self, payload: JobPayload) -> Uuid {
        let now = self.app.clock.now();
        let mut tx = self.app.store.write().await.unwrap();
        let id = queue::enqueue(&mut tx, &self.tenant, &payload, None, now, now).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn job(&self, id: Uuid) -> Job {
        queue::get(&mut self.app.store.read().await.unwrap(), &self.tenant, id).await.unwrap().unwrap()
    }

    async fn until(&self, id: Uuid, what: &str, is: impl Fn(&Job) -> bool) -> Job {
        for _ in 0..500 {
            let job = self.job(id).await;
            if is(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} did not happen: {:?}", self.job(id).await);
    }
}

/// A runner from a closure.
struct Run<F>(F);

impl<F, T> Runner for Run<F>
where
    F: Fn(App, Job, JobProgress) -> T + Send + Sync + 'static,
    T: Future<Output = anyhow::Result<serde_json::Value>> + Send + 'static,
{
    fn run(&self, app: App, job: Job, progress: JobProgress) -> BoxFuture<'static, anyhow::Result<serde_json::Value>> {
        Box::pin((self.0)(app, job, progress))
    }
}

/// Trains for a while on a blocking thread, as a training does: told to stop only through what `report` answers.
async fn train(progress: JobProgress, steps: u32) -> anyhow::Result<serde_json::Value> {
    tokio::task::spawn_blocking(move || {
        for step in 0..steps {
            std::thread::sleep(Duration::from_millis(20));
            if !progress.report(f64::from(step) / f64::from(steps), "training shard 3") {
                anyhow::bail!("stopped");
            }
        }
        Ok(serde_json::json!({ "steps": steps }))
    })
    .await?
}

#[tokio::test]
async fn a_job_reports_progress_and_leaves_its_result() {
    let bench = Bench::new(SystemClock).await;
    let background = jobs::start_with(bench.app.clone(), Run(|_, _, progress| train(progress, 60)));
    let id = bench.enqueue(REFRESH).await;
    let running = bench.until(id, "progress", |job| job.progress > 0.0).await;
    assert_eq!((running.state, running.message.as_str()), (JobState::Running, "training shard 3"));
    let job = bench.until(id, "the end", |job| job.state.is_final()).await;
    assert_eq!((job.state, job.progress, job.attempts), (JobState::Succeeded, 1.0, 1));
    assert_eq!(job.result, Some(serde_json::json!({ "steps": 60 })));
    background.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_long_job_keeps_its_lease_against_another_worker() {
    let bench = Bench::new(SystemClock).await;
    let started = Arc::new(AtomicUsize::new(0));
    let runner = || {
        let started = Arc::clone(&started);
        Run(move |_, _, progress| {
            started.fetch_add(1, Ordering::SeqCst);
            train(progress, 150)
        })
    };
    // Three seconds of work under a lease of one, and a second worker that would take over.
    let workers = [jobs::start_with(bench.app.clone(), runner()), jobs::start_with(bench.app.clone(), runner())];
    let id = bench.enqueue(REFRESH).await;
    let job = bench.until(id, "the end", |job| job.state.is_final()).await;
    assert_eq!((job.state, job.attempts, started.load(Ordering::SeqCst)), (JobState::Succeeded, 1, 1));
    for worker in workers {
        worker.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_failure_and_a_panic_are_tried_again_later() {
    let bench = Bench::new(SystemClock).await;
    let background = jobs::start_with(
        bench.app.clone(),
        Run(|_, job: Job, _| async move {
            assert!(job.payload != JobPayload::Purge { dry_run: true }, "the runner's own fault");
            anyhow::bail!("the artefact folder is full")
        }),
    );
    let failing = bench.enqueue(REFRESH).await;
    let job = bench.until(failing, "a failure", |job| job.state == JobState::Pending && job.attempts == 1).await;
    assert_eq!(job.message, "the artefact folder is full");
    let panicking = bench.enqueue(JobPayload::Purge { dry_run: true }).await;
    let job = bench.until(panicking, "a panic", |job| job.state == JobState::Pending && job.attempts == 1).await;
    assert_eq!(job.message, "internal error", "insides stay in the log");
    background.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_that_keeps_failing_is_given_up() {
    let clock = Arc::new(FixedClock::at(Micros(1_780_000_000_000_000)));
    let bench = Bench::new(SharedClock(Arc::clone(&clock))).await;
    let background = jobs::start_with(bench.app.clone(), Run(|_, _, _| async { anyhow::bail!("no") }));
    let id = bench.enqueue(REFRESH).await;
    for attempt in 1..=5 {
        bench.until(id, "an attempt", |job| job.attempts == attempt && job.state != JobState::Running).await;
        clock.advance(3_600 * Micros::SECOND);
    }
    assert_eq!(bench.job(id).await.state, JobState::Failed);
    background.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled() {
    let bench = Bench::new(SystemClock).await;
    let background = jobs::start_with(bench.app.clone(), Run(|_, _, progress| train(progress, 10_000)));
    let id = bench.enqueue(REFRESH).await;
    bench.until(id, "the start", |job| job.state == JobState::Running).await;
    let mut tx = bench.app.store.write().await.unwrap();
    assert!(queue::request_cancel(&mut tx, &bench.tenant, id, bench.app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let job = bench.until(id, "the end", |job| job.state.is_final()).await;
    assert_eq!(job.state, JobState::Cancelled);
    background.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_shutdown_hands_the_job_back_to_the_queue() {
    let bench = Bench::new(SystemClock).await;
    let background = jobs::start_with(bench.app.clone(), Run(|_, _, progress| train(progress, 10_000)));
    let id = bench.enqueue(REFRESH).await;
    bench.until(id, "progress", |job| job.progress > 0.0).await;
    background.shutdown(Duration::from_secs(5)).await;
    let job = bench.job(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Pending, 0));
    let next = jobs::start_with(bench.app.clone(), Run(|_, _, progress| train(progress, 2)));
    bench.until(id, "the end", |job| job.state == JobState::Succeeded).await;
    next.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_whose_worker_died_is_run_again() {
    let bench = Bench::new(SystemClock).await;
    let id = bench.enqueue(JobPayload::Erase { request: Uuid::now_v7() }).await;
    let mut tx = bench.app.store.write().await.unwrap();
    queue::claim(&mut tx, "a worker that died", 200_000, bench.app.clock.now()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let background = jobs::start_with(bench.app.clone(), Run(|_, _, progress| train(progress, 2)));
    let job = bench.until(id, "the end", |job| job.state.is_final()).await;
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 2));
    background.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_cannot_commit() {
    let bench = Bench::new(SystemClock).await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let background = jobs::start_with(
        bench.app.clone(),
        Run(move |app: App, _, progress: JobProgress| {
            let tell = tell.lock().unwrap().take();
            async move {
                let mut tx = app.store.write().await?;
                progress.confirm(&mut tx).await?;
                tx.commit().await?;
                progress.stop_requested().await;
                let mut tx = app.store.write().await?;
                let late = progress.confirm(&mut tx).await;
                if let Some(tell) = tell {
                    let _ = tell.send(late);
                }
                anyhow::bail!("stopped")
            }
        }),
    );
    let id = bench.enqueue(REFRESH).await;
    bench.until(id, "the start", |job| job.state == JobState::Running).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Another replica, whose clock says that the lease is over, takes the job.
    let mut tx = bench.app.store.write().await.unwrap();
    let later = Micros(bench.app.clock.now().0 + 3_600 * Micros::SECOND);
    assert_eq!(queue::claim(&mut tx, "another replica", 60_000_000, later).await.unwrap().unwrap().id, id);
    tx.commit().await.unwrap();
    assert!(matches!(told.await.unwrap(), Err(StoreError::LeaseLost)));
    background.shutdown(Duration::from_secs(5)).await;
    assert_eq!(bench.job(id).await.state, JobState::Running, "it is the other's now");
}

#[tokio::test]
async fn the_schedule_queues_one_refresh_and_one_purge_a_tenant() {
    let at = |text: &str| Micros::from(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    let clock = Arc::new(FixedClock::at(at("2026-03-01T02:59:59.950Z")));
    let bench = Bench::new(SharedClock(Arc::clone(&clock))).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let runner = || {
        let ran = Arc::clone(&ran);
        Run(move |_, job: Job, _| {
            assert!([REFRESH, JobPayload::Purge { dry_run: false }].contains(&job.payload));
            ran.fetch_add(1, Ordering::SeqCst);
            async { Ok(serde_json::json!({})) }
        })
    };
    // Two replicas, one schedule.
    let replicas = [jobs::start_with(bench.app.clone(), runner()), jobs::start_with(bench.app.clone(), runner())];
    tokio::time::sleep(Duration::from_millis(150)).await;
    let list = async || queue::list(&mut bench.app.store.read().await.unwrap(), &bench.tenant, 10).await.unwrap();
    assert!(list().await.is_empty(), "not before its time");
    clock.advance(Micros::SECOND);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if ran.load(Ordering::SeqCst) > 1 {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((ran.load(Ordering::SeqCst), list().await.len()), (2, 2));
    assert_eq!(list().await.iter().filter(|job| job.payload == REFRESH).count(), 1);
    for replica in replicas {
        replica.shutdown(Duration::from_secs(5)).await;
    }
}

/// A clock the test goes on holding.
struct SharedClock(Arc<FixedClock>);

impl Clock for SharedClock {
    fn now(&self) -> Micros {
        self.0.now()
    }
}
