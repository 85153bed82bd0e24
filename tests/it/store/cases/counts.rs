use parcours::domain::{Consent, EventKind};
use parcours::store::consents::{self, ConsentEntry};
use parcours::store::counts::{self, ItemCount};
use parcours::store::learners;

use crate::store::{Db, NOW, answer, bucket, item, learner};

fn count(name: &str, attempts: i64, correct: i64) -> ItemCount {
    ItemCount { item: item(name), attempts, correct }
}

pub async fn counts_add_up_and_subtract_exactly(db: &Db) {
    let mut watched = answer(1, "video", 5, true);
    watched.event.kind = EventKind::View;
    watched.event.correct = None;
    db.ingest(&[answer(1, "algebra", 0, true), answer(1, "algebra", 1, false), answer(1, "geometry", 2, true), watched]).await;
    db.ingest(&[answer(2, "algebra", 0, true), answer(2, "Zeta", 1, false)]).await;
    let mut tx = db.write().await;
    // Ordered as bytes are, on both databases.
    let all = [count("Zeta", 1, 0), count("algebra", 3, 2), count("geometry", 1, 1)];
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), all);
    assert_eq!(counts::recount(&mut tx, &db.tenant).await.unwrap(), all);
    counts::subtract_learner(&mut tx, &db.tenant, learner(1)).await.unwrap();
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), [count("Zeta", 1, 0), count("algebra", 1, 1)]);
    counts::add_learner(&mut tx, &db.tenant, learner(1)).await.unwrap();
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), all);

    let many: Vec<_> = (0..5_000).map(|number| count(&format!("item {}", number % 3_000), 1, number % 2)).collect();
    counts::add(&mut tx, &db.tenant, &many).await.unwrap();
    let sum: i64 = counts::all(&mut tx, &db.tenant).await.unwrap().iter().map(|count| count.attempts).sum();
    assert_eq!(sum, 5_005);
}

pub async fn counts_follow_consent(db: &Db) {
    db.ingest(&(0..4).map(|nth| answer(1, "algebra", nth, nth < 3)).collect::<Vec<_>>()).await;
    db.ingest(&[answer(2, "algebra", 0, true)]).await;
    let at = |nth| answer(1, "algebra", nth, true).event.occurred_at;
    let entry = |choice, chosen_at| ConsentEntry {
        purpose: "personalisation".into(),
        choice,
        text_version: "1".into(),
        source: "api".into(),
        chosen_at,
    };
    let mut tx = db.write().await;
    counts::subtract_learner(&mut tx, &db.tenant, learner(1)).await.unwrap();
    consents::record(&mut tx, &db.tenant, learner(1), &entry(Consent::OptedOut, at(2))).await.unwrap();
    learners::set_consent(&mut tx, &db.tenant, learner(1), bucket(1), Consent::OptedOut, NOW).await.unwrap();
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), [count("algebra", 1, 1)]);
    assert_eq!(counts::recount(&mut tx, &db.tenant).await.unwrap(), [count("algebra", 1, 1)]);
    consents::record(&mut tx, &db.tenant, learner(1), &entry(Consent::Personalised, at(3))).await.unwrap();
    learners::set_consent(&mut tx, &db.tenant, learner(1), bucket(1), Consent::Personalised, NOW).await.unwrap();
    counts::add_learner(&mut tx, &db.tenant, learner(1)).await.unwrap();
    // Event 2 happened while they were out.
    assert_eq!(counts::all(&mut tx, &db.tenant).await.unwrap(), [count("algebra", 4, 3)]);
    assert_eq!(counts::recount(&mut tx, &db.tenant).await.unwrap(), [count("algebra", 4, 3)]);
}
