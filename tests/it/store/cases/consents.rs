use parcours::domain::{Consent, Micros};
use parcours::store::consents::{self, ConsentEntry};
use parcours::store::{events, learners};

use crate::store::{Db, NOW, answer, bucket, learner};

fn entry(choice: Consent, after: i64) -> ConsentEntry {
    ConsentEntry {
        purpose: "personalisation".into(),
        choice,
        text_version: "2".into(),
        source: "api".into(),
        chosen_at: Micros(NOW.0 + after),
    }
}

pub async fn the_ledger_keeps_every_choice_in_order(db: &Db) {
    let all = [entry(Consent::OptedOut, 0), entry(Consent::Personalised, 0), entry(Consent::OptedOut, 5)];
    let mut tx = db.write().await;
    for entry in &all {
        consents::record(&mut tx, &db.tenant, learner(1), entry).await.unwrap();
    }
    assert_eq!(consents::history(&mut tx, &db.tenant, learner(1)).await.unwrap(), all);
    assert_eq!(consents::history(&mut tx, &db.tenant, learner(2)).await.unwrap(), []);
}

pub async fn opt_outs_open_and_close(db: &Db) {
    let minute = 60 * Micros::SECOND;
    db.ingest(&(0..6).map(|nth| answer(1, "algebra", nth, true)).collect::<Vec<_>>()).await;
    let mut tx = db.write().await;
    // Out twice in a row, back, and out again in that very instant, then back for good.
    for entry in [
        entry(Consent::OptedOut, minute),
        entry(Consent::OptedOut, 2 * minute),
        entry(Consent::Personalised, 3 * minute),
        entry(Consent::OptedOut, 3 * minute),
        entry(Consent::Personalised, 3 * minute),
        entry(Consent::OptedOut, 3 * minute),
        entry(Consent::Personalised, 4 * minute),
    ] {
        consents::record(&mut tx, &db.tenant, learner(1), &entry).await.unwrap();
    }
    learners::set_consent(&mut tx, &db.tenant, learner(1), bucket(1), Consent::Personalised, NOW).await.unwrap();
    let used = events::usable_of(&mut tx, &db.tenant, learner(1)).await.unwrap();
    let minutes: Vec<_> = used.iter().map(|event| (event.occurred_at.0 - NOW.0) / minute).collect();
    assert_eq!(minutes, [0, 4, 5]);
}
