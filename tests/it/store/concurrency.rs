//! Two replicas on one Postgres: what must follow one another, does.

use std::sync::Arc;
use std::time::Duration;

use parcours::domain::job::JobPayload;
use parcours::domain::model::{MemberRow, MemberState, VersionRow, VersionState};
use parcours::domain::{ModelVersion, ShardId};
use parcours::store::{Store, counts, events, jobs, learners, models, recommendations, shards};

use super::inventory::rows_of;
use super::{Db, NOW, answer, bucket, learner};

/// Two stores on one database, as two replicas have.
async fn replicas() -> Option<(Arc<Db>, Store)> {
    let db = Db::postgres().await?;
    let Store::Postgres { pool } = &db.store else { unreachable!() };
    let options = pool.connect_options();
    let second =
        Store::Postgres { pool: sqlx::postgres::PgPoolOptions::new().max_connections(4).connect_with((*options).clone()).await.unwrap() };
    Some((Arc::new(db), second))
}

async fn erase(store: &Store, db: &Db, who: u64) {
    let mut tx = store.write().await.unwrap();
    learners::lock(&mut tx, &db.tenant, &[learner(who)]).await.unwrap();
    counts::subtract_learner(&mut tx, &db.tenant, learner(who)).await.unwrap();
    learners::delete_everywhere(&mut tx, &db.tenant, learner(who)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn ingest_waits_for_an_erasure_of_the_same_learner() {
    let Some((db, other)) = replicas().await else { return };
    db.ingest(&[answer(1, "algebra", 0, true)]).await;
    let mut erasing = other.write().await.unwrap();
    learners::lock(&mut erasing, &db.tenant, &[learner(1)]).await.unwrap();
    counts::subtract_learner(&mut erasing, &db.tenant, learner(1)).await.unwrap();
    learners::delete_everywhere(&mut erasing, &db.tenant, learner(1)).await.unwrap();

    let ingest = tokio::spawn({
        let db = Arc::clone(&db);
        async move { db.ingest(&[answer(1, "algebra", 1, true)]).await }
    });
    // Another learner's events pass meanwhile (in another slot of the lock).
    tokio::time::timeout(Duration::from_secs(5), db.ingest(&[answer(2, "geometry", 0, true)]))
        .await
        .expect("another learner is not held up");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!ingest.is_finished(), "the learner is locked");
    erasing.commit().await.unwrap();
    ingest.await.unwrap();
    let mut tx = db.read().await;
    assert_eq!(events::all_of(&mut tx, &db.tenant, learner(1)).await.unwrap().len(), 1, "what came after the erasure stands alone");
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), counts::recount(&mut tx, &db.tenant).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_stay_exact_while_two_replicas_ingest_and_erase() {
    let Some((db, other)) = replicas().await else { return };
    let mut work = tokio::task::JoinSet::new();
    for lane in 0..4u64 {
        let (db, other) = (Arc::clone(&db), other.clone());
        work.spawn(async move {
            for round in 0..15i64 {
                // Batches name the same learners and items in different orders.
                let mut batch: Vec<_> =
                    (0..6).map(|who| answer(who, ["a", "b", "c"][(who % 3) as usize], lane as i64 * 1_000 + round, true)).collect();
                batch.rotate_left(lane as usize);
                db.ingest(&batch).await;
                if round % 5 == lane as i64 % 5 {
                    erase(&other, &db, lane).await;
                }
            }
        });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    let mut tx = db.read().await;
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), counts::recount(&mut tx, &db.tenant).await.unwrap());
}

#[tokio::test]
async fn a_recommendation_written_during_an_erasure_leaves_no_row_behind() {
    let Some((db, other)) = replicas().await else { return };
    let mut tx = db.write().await;
    learners::touch(&mut tx, &db.tenant, &[(learner(1), bucket(1)), (learner(2), bucket(2))], NOW).await.unwrap();
    tx.commit().await.unwrap();

    // Written first: the erasure waits for it, and takes it along.
    let mut writing = db.write().await;
    recommendations::insert(&mut writing, &[super::cases::recommendations::row(&db.tenant, 1)]).await.unwrap();
    let erasing = tokio::spawn({
        let (db, other) = (Arc::clone(&db), other.clone());
        async move { erase(&other, &db, 1).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!erasing.is_finished());
    writing.commit().await.unwrap();
    erasing.await.unwrap();
    assert!(rows_of(&db, learner(1)).await.iter().all(|(_, rows)| *rows == 0));

    // Erased first: the write waits, and finds nobody to write for.
    let mut erasing = other.write().await.unwrap();
    learners::delete_everywhere(&mut erasing, &db.tenant, learner(2)).await.unwrap();
    let writing = tokio::spawn({
        let db = Arc::clone(&db);
        async move {
            let mut tx = db.write().await;
            recommendations::insert(&mut tx, &[super::cases::recommendations::row(&db.tenant, 2)]).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!writing.is_finished());
    erasing.commit().await.unwrap();
    writing.await.unwrap();
    assert!(rows_of(&db, learner(2)).await.iter().all(|(_, rows)| *rows == 0));
}

#[tokio::test]
async fn a_promotion_is_never_overtaken_by_an_erasure() {
    let Some((db, other)) = replicas().await else { return };
    let member = MemberRow {
        shard: ShardId(0),
        state: MemberState::Active,
        weights: Some(answer(1, "w", 0, true).content_hash),
        training_root: answer(1, "r", 0, true).content_hash,
        epoch: 0,
        learners: 1,
        answers: 1,
    };
    let version = VersionRow {
        version: ModelVersion("v1".into()),
        state: VersionState::Candidate,
        shards: 1,
        created_at: NOW,
        promoted_at: None,
        config: serde_json::json!({}),
        metrics: serde_json::json!({}),
        members: vec![member],
    };
    // The promotion compares the epoch, and takes its time before it commits.
    let mut promoting = db.write().await;
    assert_eq!(shards::epoch(&mut promoting, &db.tenant, ShardId(0)).await.unwrap(), 0);
    let erasing = tokio::spawn({
        let (db, other) = (Arc::clone(&db), other.clone());
        async move {
            let mut tx = other.write().await.unwrap();
            let epoch = shards::bump(&mut tx, &db.tenant, ShardId(0)).await.unwrap();
            let silenced = models::quarantine_shard(&mut tx, &db.tenant, ShardId(0)).await.unwrap();
            tx.commit().await.unwrap();
            (epoch, silenced)
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!erasing.is_finished(), "the shard's epoch is held");
    models::insert(&mut promoting, &db.tenant, &version).await.unwrap();
    models::promote(&mut promoting, &db.tenant, &version.version, NOW).await.unwrap();
    promoting.commit().await.unwrap();
    assert_eq!(erasing.await.unwrap(), (1, 1), "the member promoted a moment ago is silenced, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_never_claim_one_job_nor_two_of_a_tenant() {
    let Some((db, other)) = replicas().await else { return };
    let mut tx = db.write().await;
    for number in 0..12 {
        jobs::enqueue(&mut tx, &db.tenant, &JobPayload::Retrain { shards: vec![number] }, None, NOW, NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let store = if worker % 2 == 0 { db.store.clone() } else { other.clone() };
        workers.spawn(async move {
            let owner = format!("worker {worker}");
            let mut claimed = 0;
            for _ in 0..200 {
                let mut tx = store.write().await.unwrap();
                let job = jobs::claim(&mut tx, &owner, 60_000_000, NOW).await.unwrap();
                tx.commit().await.unwrap();
                let Some(job) = job else {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    continue;
                };
                assert_eq!(job.attempts, 1, "claimed once");
                claimed += 1;
                let mut tx = store.write().await.unwrap();
                assert_eq!(jobs::depth(&mut tx).await.unwrap().1, 1, "nobody else runs a job of this tenant");
                jobs::finish(&mut tx, job.id, &owner, parcours::domain::job::JobState::Succeeded, "", None, NOW).await.unwrap();
                tx.commit().await.unwrap();
            }
            claimed
        });
    }
    let claimed: i32 = workers.join_all().await.into_iter().sum();
    assert_eq!(claimed, 12);
}
