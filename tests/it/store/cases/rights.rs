use parcours::domain::hash::{Digest, Hasher};
use parcours::domain::rights::{ErasureRequest, ErasureStep};
use parcours::domain::{Micros, ShardId};
use parcours::store::StoreError;
use parcours::store::rights::{self, Tombstone};
use uuid::Uuid;

use crate::store::{Db, NOW, learner};

fn request(db: &Db, who: u64, age: i64) -> ErasureRequest {
    ErasureRequest {
        id: Uuid::now_v7(),
        tenant: db.tenant.clone(),
        subject: Some(learner(who)),
        shard: ShardId((who % 8) as u16),
        step: ErasureStep::Recorded,
        received_at: Micros(NOW.0 - age),
        due_at: NOW.plus_days(30),
        unreadable_at: None,
        clean_at: None,
        completed_at: None,
        deleted: serde_json::json!({}),
        error: None,
        receipt: None,
    }
}

pub async fn a_request_round_trips_and_is_forgotten_when_completed(db: &Db) {
    let (mut old, young) = (request(db, 1, 2), request(db, 9, 1));
    let mut tx = db.write().await;
    for request in [&young, &old] {
        rights::insert(&mut tx, request).await.unwrap();
    }
    assert_eq!(rights::get(&mut tx, &db.tenant, old.id).await.unwrap(), Some(old.clone()));
    assert_eq!(rights::open_for(&mut tx, &db.tenant, learner(1)).await.unwrap(), Some(old.clone()));
    assert_eq!(rights::open_for(&mut tx, &db.tenant, learner(2)).await.unwrap(), None);
    assert_eq!(rights::unfinished(&mut tx).await.unwrap(), [old.clone(), young.clone()]);
    assert_eq!(rights::unfinished_in(&mut tx, &db.tenant, ShardId(1)).await.unwrap(), [old.clone(), young.clone()]);
    assert_eq!(rights::unfinished_in(&mut tx, &db.tenant, ShardId(2)).await.unwrap(), []);
    assert_eq!(rights::list(&mut tx, &db.tenant, 1).await.unwrap(), std::slice::from_ref(&young));

    old.subject = None;
    old.step = ErasureStep::Completed;
    old.unreadable_at = Some(NOW);
    old.clean_at = Some(Micros(NOW.0 + 1));
    old.completed_at = Some(Micros(NOW.0 + 2));
    old.deleted = serde_json::json!({ "events": 12 });
    old.error = Some("once".into());
    old.receipt = Some(serde_json::json!({ "signature": "…" }));
    rights::update(&mut tx, &old).await.unwrap();
    assert_eq!(rights::get(&mut tx, &db.tenant, old.id).await.unwrap(), Some(old.clone()));
    assert_eq!(rights::open_for(&mut tx, &db.tenant, learner(1)).await.unwrap(), None);
    assert_eq!(rights::unfinished(&mut tx).await.unwrap(), [young]);
    assert!(matches!(rights::update(&mut tx, &request(db, 3, 0)).await, Err(StoreError::Database(_))), "an unknown request");
}

pub async fn tombstones_are_found_among_many(db: &Db) {
    let mac = |number: u64| -> Digest { Hasher::new("parcours test tombstone").number(number).finish() };
    let mut tx = db.write().await;
    assert!(!rights::any_tombstone(&mut tx, &db.tenant).await.unwrap());
    let mut tombstone = Tombstone { mac: mac(5), erased_at: NOW, expires_at: Some(NOW.plus_days(90)), reopened_at: None };
    rights::set_tombstone(&mut tx, &db.tenant, &tombstone).await.unwrap();
    tombstone.reopened_at = Some(NOW);
    rights::set_tombstone(&mut tx, &db.tenant, &tombstone).await.unwrap();
    assert!(rights::any_tombstone(&mut tx, &db.tenant).await.unwrap());
    let asked: Vec<_> = (0..9_000).map(mac).collect();
    assert_eq!(rights::tombstones(&mut tx, &db.tenant, &asked).await.unwrap(), [tombstone]);
    assert_eq!(rights::tombstones(&mut tx, &db.tenant, &[]).await.unwrap(), []);
}
