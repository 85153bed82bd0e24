use parcours::domain::{Consent, EventKey, EventKind, Micros};
use parcours::store::consents::{self, ConsentEntry};
use parcours::store::events::{self, NewEvent};
use parcours::store::{StoreError, learners, limits};

use crate::store::{Db, NOW, answer, bucket, learner, skill};

fn of(new: &[NewEvent]) -> Vec<parcours::domain::Event> {
    new.iter().map(|new| new.event.clone()).collect()
}

pub async fn events_come_back_as_they_went_in(db: &Db) {
    let mut all = vec![answer(1, "algebra", 0, true), answer(1, "géométrie 📐 'quoted'", 1, false)];
    for (nth, kind) in EventKind::ALL.into_iter().enumerate() {
        let mut new = answer(1, "video", 2 + nth as i64, true);
        new.event.kind = kind;
        new.event.score = (nth % 2 == 0).then_some(0.1 * nth as f32);
        new.event.correct = None;
        new.event.response_ms = None;
        new.event.attempt_number = None;
        new.event.hints = Some(nth as i32);
        new.event.skill_hints = vec![skill("fractions.add"), skill("a \"quoted\", skill")];
        all.push(new);
    }
    // Arrival in another order than they happened.
    let mut shuffled = all.clone();
    shuffled.reverse();
    db.ingest(&shuffled).await;
    let mut tx = db.read().await;
    assert_eq!(events::all_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), of(&all));
    assert_eq!(events::usable_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), of(&all));
    assert_eq!(events::count(&mut tx, &db.tenant).await.unwrap(), (8, 2));
    assert_eq!(events::all_of(&mut tx, &db.tenant, learner(2)).await.unwrap(), []);
}

pub async fn known_events_are_told_with_their_content(db: &Db) {
    let all: Vec<_> = (0..700).map(|nth| answer(1, "algebra", nth, true)).collect();
    db.ingest(&all).await;
    let mut asked: Vec<_> = all.iter().map(|new| new.event.key).collect();
    asked.extend((0..1_300).map(|nth| answer(2, "algebra", nth, true).event.key));
    let mut tx = db.write().await;
    let known = events::known(&mut tx, &db.tenant, &asked).await.unwrap();
    assert_eq!(known.len(), 700);
    assert!(all.iter().all(|new| known[&new.event.key] == new.content_hash));
    assert!(events::known(&mut tx, &db.tenant, &[]).await.unwrap().is_empty());
}

pub async fn a_batch_of_any_size_is_stored(db: &Db) {
    let mut stored = 0;
    for (who, size) in [(1u64, 1i64), (2, 545), (3, 546), (4, 547), (5, 21_000)] {
        let batch: Vec<_> = (0..size).map(|nth| answer(who, "algebra", nth, nth % 3 == 0)).collect();
        db.ingest(&batch).await;
        stored += size;
        assert_eq!(events::count(&mut db.read().await, &db.tenant).await.unwrap(), (stored, stored));
    }
    let mut tx = db.write().await;
    events::insert(&mut tx, &db.tenant, &[], NOW).await.unwrap();
}

pub async fn usable_events_leave_out_opted_out_learners_and_times(db: &Db) {
    let all: Vec<_> = (0..6).map(|nth| answer(1, "algebra", nth, true)).collect();
    db.ingest(&all).await;
    let entry = |choice, chosen_at| ConsentEntry {
        purpose: "personalisation".into(),
        choice,
        text_version: "1".into(),
        source: "api".into(),
        chosen_at,
    };
    let mut tx = db.write().await;
    // Out from the moment of event 2 until that of event 4: the first instant is out, the last is in again.
    let (out, back) = (all[2].event.occurred_at, all[4].event.occurred_at);
    consents::record(&mut tx, &db.tenant, learner(1), &entry(Consent::OptedOut, out)).await.unwrap();
    learners::set_consent(&mut tx, &db.tenant, learner(1), bucket(1), Consent::OptedOut, out).await.unwrap();
    assert_eq!(events::usable_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), []);
    assert_eq!(events::usable_in(&mut tx, &db.tenant, 0..1024).await.unwrap(), []);
    consents::record(&mut tx, &db.tenant, learner(1), &entry(Consent::Personalised, back)).await.unwrap();
    learners::set_consent(&mut tx, &db.tenant, learner(1), bucket(1), Consent::Personalised, back).await.unwrap();
    let expected = of(&[&all[..2], &all[4..]].concat());
    assert_eq!(events::usable_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), expected);
    assert_eq!(events::usable_in(&mut tx, &db.tenant, 0..1024).await.unwrap(), expected);
    assert_eq!(events::all_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), of(&all));
}

pub async fn a_shard_reads_its_own_learners_in_order(db: &Db) {
    let mut all: Vec<NewEvent> = (0..200).flat_map(|who| (0..3).map(move |nth| answer(who, "algebra", nth, true))).collect();
    // Two events of one moment are ordered by their keys.
    let mut twin = answer(5, "geometry", 0, true);
    twin.event.occurred_at = answer(5, "algebra", 0, true).event.occurred_at;
    all.push(twin);
    db.ingest(&all).await;
    let mut expected: Vec<_> = all.iter().filter(|new| (5..100).contains(&new.bucket.0)).map(|new| new.event.clone()).collect();
    expected.sort_by_key(|event| (event.learner, event.occurred_at, event.key));
    assert_eq!(events::usable_in(&mut db.read().await, &db.tenant, 5..100).await.unwrap(), expected);
}

pub async fn an_event_can_be_rectified(db: &Db) {
    let mut new = answer(1, "algebra", 0, false);
    db.ingest(std::slice::from_ref(&new)).await;
    new.event.correct = Some(true);
    new.event.score = Some(1.0);
    new.event.occurred_at = Micros(NOW.0 - 7);
    new.content_hash = answer(1, "algebra", 99, true).content_hash;
    let mut tx = db.write().await;
    assert!(events::replace(&mut tx, &db.tenant, &new).await.unwrap());
    assert_eq!(events::all_of(&mut tx, &db.tenant, learner(1)).await.unwrap(), of(std::slice::from_ref(&new)));
    assert_eq!(events::known(&mut tx, &db.tenant, &[new.event.key]).await.unwrap()[&new.event.key], new.content_hash);
    let mut unknown = new.clone();
    unknown.event.key = EventKey([9; 16]);
    assert!(!events::replace(&mut tx, &db.tenant, &unknown).await.unwrap());
}

pub async fn the_same_event_id_twice_asks_to_try_again(db: &Db) {
    let new = answer(1, "algebra", 0, true);
    db.ingest(std::slice::from_ref(&new)).await;
    let mut tx = db.write().await;
    let outcome = events::insert(&mut tx, &db.tenant, &[new], NOW).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

pub async fn limits_say_the_same_as_the_sql(db: &Db) {
    let all: Vec<_> = (0..4).flat_map(|who| (0..6).map(move |nth| answer(who, "algebra", nth, true))).collect();
    db.ingest(&all).await;
    let mut tx = db.write().await;
    let at = |nth: usize| all[nth].event.occurred_at;
    let choices =
        [(1, Consent::OptedOut, at(2)), (1, Consent::Personalised, at(4)), (2, Consent::OptedOut, at(1)), (3, Consent::OptedOut, at(5))];
    for (who, choice, chosen_at) in choices {
        let entry = ConsentEntry { purpose: "personalisation".into(), choice, text_version: "1".into(), source: "api".into(), chosen_at };
        consents::record(&mut tx, &db.tenant, learner(who), &entry).await.unwrap();
        // Learner 3's interval is open, but their standing says personalised: each of the two limits for itself.
        let standing = if who == 3 { Consent::Personalised } else { choice };
        learners::set_consent(&mut tx, &db.tenant, learner(who), bucket(who), standing, chosen_at).await.unwrap();
    }
    // Many who are unknown among them.
    let asked: Vec<_> = (0..3_000).map(learner).collect();
    let limits = limits::of(&mut tx, &db.tenant, &asked).await.unwrap();
    for who in 0..4 {
        let allowed: Vec<_> = all
            .iter()
            .filter(|new| {
                new.event.learner == learner(who) && limits.get(&learner(who)).is_none_or(|limits| limits.allow(new.event.occurred_at))
            })
            .map(|new| new.event.clone())
            .collect();
        assert_eq!(allowed, events::usable_of(&mut tx, &db.tenant, learner(who)).await.unwrap(), "learner {who}");
        assert_eq!(allowed.len(), [6, 4, 0, 5][who as usize]);
    }
    assert_eq!(limits.len(), 3);
}
