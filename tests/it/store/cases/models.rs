use parcours::domain::hash::{Digest, Hasher};
use parcours::domain::model::{MemberRow, MemberState, VersionRow, VersionState};
use parcours::domain::{Micros, ModelVersion, ShardId};
use parcours::store::{StoreError, models, tenants};

use crate::store::{Db, NOW};

fn weights(number: u64) -> Digest {
    Hasher::new("parcours test weights").number(number).finish()
}

fn version(name: &str, age: i64, shards: u16) -> VersionRow {
    let member = |shard| MemberRow {
        shard: ShardId(shard),
        state: if shard == 2 { MemberState::Empty } else { MemberState::Active },
        weights: (shard != 2).then(|| weights(u64::from(shard))),
        training_root: weights(100 + u64::from(shard)),
        epoch: 4,
        learners: 280,
        answers: 31_000,
    };
    VersionRow {
        version: ModelVersion(name.into()),
        state: VersionState::Candidate,
        shards,
        created_at: Micros(NOW.0 - age),
        promoted_at: None,
        config: serde_json::json!({ "width": 64 }),
        metrics: serde_json::json!({ "auc": 0.77 }),
        members: (0..shards).map(member).collect(),
    }
}

async fn revision(tx: &mut parcours::store::Tx, db: &Db) -> i64 {
    tenants::get(tx, &db.tenant).await.unwrap().unwrap().model_revision
}

pub async fn a_version_round_trips(db: &Db) {
    let (old, young) = (version("old", 2, 4), version("young", 1, 8));
    let mut tx = db.write().await;
    models::insert(&mut tx, &db.tenant, &old).await.unwrap();
    models::insert(&mut tx, &db.tenant, &young).await.unwrap();
    models::insert(&mut tx, &db.tenant, &VersionRow { metrics: serde_json::json!({}), ..old.clone() }).await.unwrap();
    assert_eq!(models::get(&mut tx, &db.tenant, &old.version).await.unwrap(), Some(old.clone()), "inserting again changes nothing");
    assert_eq!(models::list(&mut tx, &db.tenant).await.unwrap(), [young, old]);
    assert_eq!(models::get(&mut tx, &db.tenant, &ModelVersion("none".into())).await.unwrap(), None);
    assert_eq!(models::serving(&mut tx, &db.tenant).await.unwrap(), None);
}

pub async fn one_version_is_served(db: &Db) {
    let mut tx = db.write().await;
    for (name, age) in [("one", 2), ("two", 1)] {
        models::insert(&mut tx, &db.tenant, &version(name, age, 2)).await.unwrap();
    }
    let state = async |tx: &mut parcours::store::Tx, name: &str| {
        models::get(tx, &db.tenant, &ModelVersion(name.into())).await.unwrap().unwrap().state
    };
    for (promoted, other) in [("one", "two"), ("two", "one"), ("one", "two")] {
        let before = revision(&mut tx, db).await;
        models::promote(&mut tx, &db.tenant, &ModelVersion(promoted.into()), NOW).await.unwrap();
        assert!(revision(&mut tx, db).await > before);
        let serving = models::serving(&mut tx, &db.tenant).await.unwrap().unwrap();
        assert_eq!((serving.version.0.as_str(), serving.promoted_at, serving.members.len()), (promoted, Some(NOW), 2));
        assert_ne!(state(&mut tx, other).await, VersionState::Serving);
    }
    models::set_state(&mut tx, &db.tenant, &ModelVersion("two".into()), VersionState::Rejected).await.unwrap();
    assert_eq!(state(&mut tx, "two").await, VersionState::Rejected);
    let missing = models::promote(&mut tx, &db.tenant, &ModelVersion("none".into()), NOW).await;
    assert!(matches!(missing, Err(StoreError::Database(_))), "{missing:?}");
}

pub async fn a_shard_is_silenced_in_every_version(db: &Db) {
    let mut tx = db.write().await;
    for (name, age) in [("one", 2), ("two", 1)] {
        models::insert(&mut tx, &db.tenant, &version(name, age, 4)).await.unwrap();
    }
    let before = revision(&mut tx, db).await;
    assert_eq!(models::quarantine_shard(&mut tx, &db.tenant, ShardId(1)).await.unwrap(), 2);
    assert!(revision(&mut tx, db).await > before);
    assert_eq!(models::quarantine_shard(&mut tx, &db.tenant, ShardId(1)).await.unwrap(), 0);
    assert_eq!(models::quarantine_shard(&mut tx, &db.tenant, ShardId(2)).await.unwrap(), 0, "an empty member stays empty");
    for row in models::list(&mut tx, &db.tenant).await.unwrap() {
        let states: Vec<_> = row.members.iter().map(|member| member.state).collect();
        assert_eq!(states, [MemberState::Active, MemberState::Quarantined, MemberState::Empty, MemberState::Active]);
    }
    assert_eq!(models::quarantined_weights(&mut tx, &db.tenant, ShardId(1)).await.unwrap(), [weights(1)], "once, though in two versions");
}

pub async fn a_member_is_replaced_and_its_weights_destroyed(db: &Db) {
    let mut tx = db.write().await;
    for (name, age) in [("one", 2), ("two", 1)] {
        models::insert(&mut tx, &db.tenant, &version(name, age, 2)).await.unwrap();
    }
    models::quarantine_shard(&mut tx, &db.tenant, ShardId(0)).await.unwrap();
    let two = ModelVersion("two".into());
    let fresh = MemberRow {
        shard: ShardId(0),
        state: MemberState::Active,
        weights: Some(weights(77)),
        training_root: weights(78),
        epoch: 5,
        learners: 279,
        answers: 30_900,
    };
    let before = revision(&mut tx, db).await;
    models::replace_member(&mut tx, &db.tenant, &two, &fresh).await.unwrap();
    assert!(revision(&mut tx, db).await > before);
    assert_eq!(models::destroy_weights(&mut tx, &db.tenant, &weights(0)).await.unwrap(), 1);
    let members = async |tx: &mut parcours::store::Tx, name: &str| {
        models::get(tx, &db.tenant, &ModelVersion(name.into())).await.unwrap().unwrap().members
    };
    let destroyed = &members(&mut tx, "one").await[0];
    assert_eq!((destroyed.state, destroyed.weights), (MemberState::Destroyed, None));
    assert_eq!(members(&mut tx, "two").await[0], fresh);
    let mut live: Vec<_> = [weights(1), weights(77)].map(|digest| (db.tenant.clone(), digest)).into();
    live.sort();
    assert_eq!(models::live_weights(&mut tx).await.unwrap(), live);
    assert_eq!(models::quarantined_weights(&mut tx, &db.tenant, ShardId(0)).await.unwrap(), []);
}
