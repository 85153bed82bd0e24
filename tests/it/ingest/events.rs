//! Good and bad events, from a request's body to the database.

use parcours::domain::{Consent, Micros};
use parcours::ingest::{BatchError, IngestError};
use parcours::store::{self, consents::ConsentEntry, rights::Tombstone};

use super::{House, NOW, answer, at, words};

async fn events_sent_twice_are_stored_once(house: House) {
    let body = format!("[{},{}]", answer("1", "ada", &at(0), ""), answer("2", "bob", &at(1), r#","skills":["s"],"response_ms":900"#));
    assert_eq!(words(&house.send(body.clone()).await), ["accepted", "accepted"]);
    assert_eq!(words(&house.send(body).await), ["duplicate", "duplicate"]);
    assert_eq!(house.stored().await, (2, 2));
    assert_eq!(house.counted().await, 2);
}

async fn an_id_with_other_content_is_a_conflict_for_that_event_alone(house: House) {
    house.send(answer("1", "ada", &at(0), "")).await;
    let body = format!("{}\n{}\n{}", answer("1", "ada", &at(1), ""), answer("1", "ada", &at(1), ""), answer("2", "ada", &at(2), ""));
    let report = house.send(body).await;
    assert_eq!(words(&report), ["conflict", "conflict", "accepted"]);
    assert_eq!((report.accepted, report.conflicts), (1, 2));
    assert_eq!(house.send(answer("1", "bob", &at(0), "")).await.conflicts, 1);
}

async fn ids_repeated_in_one_batch_are_told_apart(house: House) {
    let body = [answer("1", "ada", &at(0), ""), answer("1", "ada", &at(0), ""), answer("1", "ada", &at(5), "")].join("\n");
    assert_eq!(words(&house.send(body).await), ["accepted", "duplicate", "conflict"]);
    assert_eq!(house.stored().await, (1, 1));
}

async fn bad_events_are_quarantined_and_the_others_go_through(house: House) {
    let body = format!(
        "[{},{},{},{},{},{},{}]",
        answer("1", "ada", &at(0), r#","score":-1"#),
        answer("2", "ada", &at(0), r#","score":1e300"#),
        answer("3", "ada", "2036-01-01T00:00:00Z", ""),
        answer("4", "ada", &at(0), r#","hints":"two""#),
        answer("5", "ada", &at(0), r#","respnse_ms":4"#),
        answer("6", "ada", &at(0), ""),
        r#"{"id":"7","learner_id":"ada","item_id":"i1","kind":"attempt","occurred_at":"2026-03-01T08:00:00Z"}"#,
    );
    let report = house.send(body).await;
    let expected = ["negative_score", "score_above_max", "time_in_future", "wrong_type", "unknown_field", "accepted", "missing_result"];
    assert_eq!(words(&report), expected);
    assert_eq!((report.accepted, report.quarantined), (1, 6));
    let kept = house.quarantined().await;
    assert_eq!(kept.len(), 6);
    assert!(kept.iter().all(|event| event.learner == Some(house.pseudonym("ada", 0)) && event.payload.get("learner_id").is_none()));
    let unknown = kept.iter().find(|event| event.reason == "unknown_field").unwrap();
    assert!(unknown.detail.contains("`respnse_ms`"));
    assert_eq!(unknown.payload["item_id"], "i1");
}

async fn a_body_that_is_no_json_is_refused_with_its_place(house: House) {
    let error = house.try_send("[{\"id\":\"1\",\n\"learner_id\" \"ada\"}]").await.unwrap_err();
    let IngestError::Batch(BatchError::Malformed(malformed)) = error else { panic!("{error}") };
    assert_eq!((malformed.line, malformed.column), (2, 14));
    assert!(!malformed.why.contains("ada"));
    assert_eq!(house.stored().await, (0, 0));
}

async fn a_batch_that_is_too_long_is_refused_whole(mut house: House) {
    house.config.max_batch = 2;
    let body = (0..3).map(|n| answer(&n.to_string(), "ada", &at(n), "")).collect::<Vec<_>>().join("\n");
    assert!(matches!(house.try_send(body).await, Err(IngestError::Batch(BatchError::TooManyEvents { events: 3, limit: 2 }))));
    assert_eq!(house.stored().await, (0, 0));
}

async fn every_kind_is_stored_and_attempts_alone_are_counted(house: House) {
    let event = |id: u32, kind: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","learner_id":"ada","item_id":"not in the catalogue","kind":"{kind}","occurred_at":"2026-03-01T08:00:00Z"{more}}}"#
        )
    };
    let body = [
        event(1, "start", ""),
        event(2, "progress", r#","progress":0.4"#),
        event(3, "complete", r#","progress":1"#),
        event(4, "view", ""),
        event(5, "rate", r#","rating":4"#),
        event(6, "attempt", r#","score":3,"max_score":4,"hints":2,"attempt_number":1,"skills":["b","a","b"]"#),
    ];
    assert_eq!(house.send(body.join("\n")).await.accepted, 6);
    assert_eq!(house.stored().await, (6, 1));
    assert_eq!(house.counted().await, 1);
    let mut tx = house.store.read().await.unwrap();
    let events = store::events::all_of(&mut tx, &house.tenant, house.pseudonym("ada", 0)).await.unwrap();
    let attempt = events.iter().find(|event| event.is_answer()).unwrap();
    assert_eq!((attempt.score, attempt.correct, attempt.hints), (Some(0.75), Some(true), Some(2)));
    assert_eq!(attempt.skill_hints.iter().map(|skill| skill.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let mut scores: Vec<Option<f32>> = events.iter().map(|event| event.score).collect();
    scores.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(scores, [None, None, Some(0.4), Some(0.75), Some(0.75), Some(1.0)]);
}

async fn answers_inside_an_opt_out_are_kept_but_never_counted(house: House) {
    let ada = house.pseudonym("ada", 0);
    let bucket = house.secrets.bucket(ada);
    let choose = async |choice: Consent, minute: i64| {
        let mut tx = house.store.write().await.unwrap();
        let chosen_at = Micros(NOW.0 - (50 - minute) * 60 * Micros::SECOND);
        let entry = ConsentEntry { purpose: "personalisation".into(), choice, text_version: "1".into(), source: "test".into(), chosen_at };
        store::consents::record(&mut tx, &house.tenant, ada, &entry).await.unwrap();
        store::learners::set_consent(&mut tx, &house.tenant, ada, bucket, choice, chosen_at).await.unwrap();
        tx.commit().await.unwrap();
    };
    choose(Consent::OptedOut, 10).await;
    assert_eq!(house.send([answer("1", "ada", &at(5), ""), answer("2", "bob", &at(15), "")].join("\n")).await.accepted, 2);
    assert_eq!((house.stored().await.0, house.counted().await), (2, 1));

    // Back again: what comes late but is dated inside the opt-out stays unused.
    choose(Consent::Personalised, 20).await;
    let mut tx = house.store.write().await.unwrap();
    store::counts::add_learner(&mut tx, &house.tenant, ada).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(house.counted().await, 2);
    assert_eq!(house.send([answer("3", "ada", &at(15), ""), answer("4", "ada", &at(25), "")].join("\n")).await.accepted, 2);
    assert_eq!((house.stored().await.0, house.counted().await), (4, 3));
}

async fn nothing_of_an_erased_learner_is_kept(house: House) {
    let ada = house.pseudonym("ada", 0);
    let tombstone =
        |reopened_at| Tombstone { mac: house.secrets.tombstone(&house.tenant, ada), erased_at: NOW, expires_at: None, reopened_at };
    let mut tx = house.store.write().await.unwrap();
    store::rights::set_tombstone(&mut tx, &house.tenant, &tombstone(None)).await.unwrap();
    tx.commit().await.unwrap();
    let body = [answer("1", "ada", &at(5), ""), answer("2", "ada", &at(6), r#","typo":1"#), answer("3", "bob", &at(5), "")].join("\n");
    assert_eq!(words(&house.send(body).await), ["learner_erased", "learner_erased", "accepted"]);
    assert_eq!(house.stored().await, (1, 1));
    assert!(house.quarantined().await.is_empty());
    let mut tx = house.store.read().await.unwrap();
    assert_eq!(store::learners::count(&mut tx, &house.tenant).await.unwrap().0, 1);
    drop(tx);

    // Fresh consent at 08:10: another pseudonym, and nothing dated before.
    let mut tx = house.store.write().await.unwrap();
    store::rights::set_tombstone(&mut tx, &house.tenant, &tombstone(Some(Micros(NOW.0 - 40 * 60 * Micros::SECOND)))).await.unwrap();
    tx.commit().await.unwrap();
    let body = [
        answer("1", "ada", &at(5), ""),
        answer("4", "ada", &at(15), ""),
        answer("5", "ada", "before", ""),
        answer("6", "ada", &at(16), r#","typo":1"#),
    ];
    assert_eq!(words(&house.send(body.join("\n")).await), ["learner_erased", "accepted", "learner_erased", "unknown_field"]);
    let kept = house.quarantined().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].learner, Some(house.pseudonym("ada", 1)));
    let mut tx = house.store.read().await.unwrap();
    assert!(store::events::all_of(&mut tx, &house.tenant, ada).await.unwrap().is_empty());
    assert_eq!(store::events::all_of(&mut tx, &house.tenant, house.pseudonym("ada", 1)).await.unwrap().len(), 1);
}

on_both!(
    events_sent_twice_are_stored_once,
    an_id_with_other_content_is_a_conflict_for_that_event_alone,
    ids_repeated_in_one_batch_are_told_apart,
    bad_events_are_quarantined_and_the_others_go_through,
    a_body_that_is_no_json_is_refused_with_its_place,
    a_batch_that_is_too_long_is_refused_whole,
    every_kind_is_stored_and_attempts_alone_are_counted,
    answers_inside_an_opt_out_are_kept_but_never_counted,
    nothing_of_an_erased_learner_is_kept
);
