use parcours::domain::job::{Job, JobPayload, JobState};
use parcours::domain::{Micros, TenantId};
use parcours::store::{StoreError, Tx, jobs, tenants};
use uuid::Uuid;

use crate::store::{Db, NOW};

const LEASE: i64 = 60 * Micros::SECOND;
const REFRESH: JobPayload = JobPayload::Refresh { full: false, promote: true };

fn after(seconds: i64) -> Micros {
    Micros(NOW.0 + seconds * Micros::SECOND)
}

async fn enqueue(tx: &mut Tx, tenant: &TenantId, at: Micros) -> Uuid {
    jobs::enqueue(tx, tenant, &JobPayload::Retrain { shards: vec![3] }, None, at, at).await.unwrap()
}

async fn claim(tx: &mut Tx, owner: &str, now: Micros) -> Option<Job> {
    let expected = jobs::any_to_run(tx, now).await.unwrap();
    let job = jobs::claim(tx, owner, LEASE, now).await.unwrap();
    assert_eq!(job.is_some(), expected, "looking and claiming agree");
    job
}

pub async fn jobs_are_claimed_oldest_first_and_one_a_tenant(db: &Db) {
    let other = TenantId::parse("another").unwrap();
    let mut tx = db.write().await;
    tenants::ensure(&mut tx, &other, NOW).await.unwrap();
    let second = enqueue(&mut tx, &db.tenant, after(1)).await;
    let first = enqueue(&mut tx, &db.tenant, NOW).await;
    let theirs = enqueue(&mut tx, &other, after(2)).await;
    assert_eq!(claim(&mut tx, "w1", Micros(NOW.0 - 1)).await, None, "not before its time");
    let job = claim(&mut tx, "w1", after(3)).await.unwrap();
    assert_eq!((job.id, job.state, job.attempts, job.started_at), (first, JobState::Running, 1, Some(after(3))));
    assert_eq!(job.payload, JobPayload::Retrain { shards: vec![3] });
    assert_eq!(claim(&mut tx, "w2", after(3)).await.unwrap().id, theirs, "the tenant is busy, the other one's job goes first");
    assert_eq!(claim(&mut tx, "w2", after(3)).await, None);
    assert_eq!(jobs::depth(&mut tx).await.unwrap(), (1, 2));
    let result = serde_json::json!({ "version": "v" });
    jobs::finish(&mut tx, first, "w1", JobState::Succeeded, "done", Some(&result), after(4)).await.unwrap();
    let job = jobs::get(&mut tx, &db.tenant, first).await.unwrap().unwrap();
    assert_eq!((job.state, job.progress, job.finished_at, job.result), (JobState::Succeeded, 1.0, Some(after(4)), Some(result)));
    assert_eq!(claim(&mut tx, "w1", after(4)).await.unwrap().id, second);
    assert_eq!(jobs::list(&mut tx, &db.tenant, 10).await.unwrap().iter().map(|job| job.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(jobs::get(&mut tx, &other, first).await.unwrap(), None, "another tenant's job is unknown");
}

pub async fn waiting_work_is_queued_once(db: &Db) {
    let mut tx = db.write().await;
    let once = jobs::enqueue(&mut tx, &db.tenant, &REFRESH, Some("refresh"), after(60), NOW).await.unwrap();
    let again = jobs::enqueue(&mut tx, &db.tenant, &REFRESH, Some("refresh"), after(30), NOW).await.unwrap();
    assert_eq!(once, again);
    assert_ne!(jobs::enqueue(&mut tx, &db.tenant, &REFRESH, Some("full"), after(90), NOW).await.unwrap(), once);
    // The earlier wish counts. Once it runs, the same work may be queued again.
    assert_eq!(claim(&mut tx, "w1", after(30)).await.unwrap().id, once);
    let next = jobs::enqueue(&mut tx, &db.tenant, &REFRESH, Some("refresh"), NOW, NOW).await.unwrap();
    assert_ne!(next, once);
    // And a failed run goes back beside the one that waits.
    jobs::retry(&mut tx, once, "w1", "no luck", NOW).await.unwrap();
    assert_eq!(jobs::depth(&mut tx).await.unwrap(), (3, 0));
}

pub async fn scheduled_work_is_queued_once_for_ever(db: &Db) {
    let mut tx = db.write().await;
    let schedule = async |tx: &mut Tx, due| jobs::enqueue_scheduled(tx, &db.tenant, &REFRESH, "refresh", due, NOW).await.unwrap();
    schedule(&mut tx, NOW).await;
    let job = claim(&mut tx, "w1", NOW).await.unwrap();
    jobs::finish(&mut tx, job.id, "w1", JobState::Succeeded, "done", None, NOW).await.unwrap();
    schedule(&mut tx, NOW).await;
    assert_eq!(claim(&mut tx, "w1", NOW).await, None, "a second replica's clock struck the same hour");
    schedule(&mut tx, after(1)).await;
    schedule(&mut tx, after(2)).await;
    assert_eq!(jobs::depth(&mut tx).await.unwrap(), (1, 0), "not beside one that waits");
}

pub async fn a_silent_worker_loses_its_job(db: &Db) {
    let mut tx = db.write().await;
    let id = enqueue(&mut tx, &db.tenant, NOW).await;
    claim(&mut tx, "w1", NOW).await.unwrap();
    assert!(!jobs::progress(&mut tx, id, "w1", 0.25, "training", after(90)).await.unwrap());
    assert_eq!(claim(&mut tx, "w2", after(89)).await, None, "the lease was prolonged");
    let job = claim(&mut tx, "w2", after(91)).await.unwrap();
    assert_eq!((job.id, job.attempts, job.progress), (id, 2, 0.25));
    assert!(matches!(jobs::progress(&mut tx, id, "w1", 0.5, "", after(200)).await, Err(StoreError::LeaseLost)));
    assert!(matches!(jobs::finish(&mut tx, id, "w1", JobState::Succeeded, "", None, after(92)).await, Err(StoreError::LeaseLost)));
    assert!(matches!(jobs::retry(&mut tx, id, "w1", "", after(92)).await, Err(StoreError::LeaseLost)));
    jobs::release(&mut tx, id, "w2", after(92)).await.unwrap();
    let job = jobs::get(&mut tx, &db.tenant, id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Pending, 1), "handing back is no attempt");
}

pub async fn jobs_are_cancelled(db: &Db) {
    let mut tx = db.write().await;
    let waiting = enqueue(&mut tx, &db.tenant, NOW).await;
    assert!(jobs::request_cancel(&mut tx, &db.tenant, waiting, after(1)).await.unwrap());
    let job = jobs::get(&mut tx, &db.tenant, waiting).await.unwrap().unwrap();
    assert_eq!((job.state, job.finished_at), (JobState::Cancelled, Some(after(1))));
    assert!(!jobs::request_cancel(&mut tx, &db.tenant, waiting, after(2)).await.unwrap(), "it is over");
    assert!(!jobs::request_cancel(&mut tx, &db.tenant, Uuid::now_v7(), after(2)).await.unwrap());

    let running = enqueue(&mut tx, &db.tenant, NOW).await;
    claim(&mut tx, "w1", NOW).await.unwrap();
    assert!(!jobs::request_cancel(&mut tx, &TenantId::parse("another").unwrap(), running, after(1)).await.unwrap(), "not another tenant's");
    assert!(jobs::request_cancel(&mut tx, &db.tenant, running, after(1)).await.unwrap());
    assert!(jobs::progress(&mut tx, running, "w1", 0.5, "training", after(90)).await.unwrap(), "told at the next report");
}

pub async fn a_failed_job_waits_for_its_turn(db: &Db) {
    let mut tx = db.write().await;
    let id = enqueue(&mut tx, &db.tenant, NOW).await;
    claim(&mut tx, "w1", NOW).await.unwrap();
    jobs::retry(&mut tx, id, "w1", "the disk was full", after(10)).await.unwrap();
    assert_eq!(claim(&mut tx, "w1", after(9)).await, None);
    assert_eq!(jobs::get(&mut tx, &db.tenant, id).await.unwrap().unwrap().message, "the disk was full");
    assert_eq!(claim(&mut tx, "w1", after(10)).await.unwrap().attempts, 2);
    jobs::finish(&mut tx, id, "w1", JobState::Failed, "gave up", None, after(11)).await.unwrap();
    let job = jobs::get(&mut tx, &db.tenant, id).await.unwrap().unwrap();
    assert_eq!((job.state, job.progress), (JobState::Failed, 0.0));
}
