use parcours::domain::{Consent, Micros};
use parcours::store::{counts, learners};

use crate::store::inventory::{fill_every_learner_table, rows_of};
use crate::store::{Db, NOW, answer, bucket, learner};

pub async fn touching_makes_and_moves_learners(db: &Db) {
    let many: Vec<_> = (0..2_500).map(|number| (learner(number), bucket(number))).collect();
    let mut tx = db.write().await;
    learners::lock(&mut tx, &db.tenant, &many.iter().map(|(learner, _)| *learner).collect::<Vec<_>>()).await.unwrap();
    learners::touch(&mut tx, &db.tenant, &many, NOW).await.unwrap();
    assert_eq!(learners::count(&mut tx, &db.tenant).await.unwrap(), (2_500, 0));
    // Named twice, touched once; an earlier moment does not move `last_seen_at` back.
    let later = Micros(NOW.0 + 5);
    learners::touch(&mut tx, &db.tenant, &[many[3], many[3]], later).await.unwrap();
    learners::touch(&mut tx, &db.tenant, &many[3..4], NOW).await.unwrap();
    let standing = learners::standing(&mut tx, &db.tenant, learner(3)).await.unwrap().unwrap();
    assert_eq!((standing.revision, standing.first_seen_at, standing.last_seen_at), (3, NOW, later));
    assert_eq!(learners::standing(&mut tx, &db.tenant, learner(9_999)).await.unwrap(), None);
}

pub async fn consent_is_set_for_known_and_unknown_learners(db: &Db) {
    let mut tx = db.write().await;
    learners::touch(&mut tx, &db.tenant, &[(learner(1), bucket(1))], NOW).await.unwrap();
    for number in [1, 2] {
        learners::set_consent(&mut tx, &db.tenant, learner(number), bucket(number), Consent::OptedOut, NOW).await.unwrap();
        let standing = learners::standing(&mut tx, &db.tenant, learner(number)).await.unwrap().unwrap();
        assert_eq!(standing.consent, Consent::OptedOut);
        assert_eq!(standing.revision, if number == 1 { 2 } else { 1 });
    }
    assert_eq!(learners::count(&mut tx, &db.tenant).await.unwrap(), (2, 2));
    learners::touch(&mut tx, &db.tenant, &[(learner(1), bucket(1))], NOW).await.unwrap();
    let standing = learners::standing(&mut tx, &db.tenant, learner(1)).await.unwrap().unwrap();
    assert_eq!(standing.consent, Consent::OptedOut, "an event does not opt anyone in");
}

pub async fn deleting_everywhere_leaves_no_row(db: &Db) {
    for who in [1, 2] {
        fill_every_learner_table(db, who).await;
    }
    let before = rows_of(db, learner(1)).await;
    assert!(before.iter().all(|(_, rows)| *rows > 0), "every learner table is filled: {before:?}");
    let others = rows_of(db, learner(2)).await;

    let mut tx = db.write().await;
    counts::subtract_learner(&mut tx, &db.tenant, learner(1)).await.unwrap();
    let deleted = learners::delete_everywhere(&mut tx, &db.tenant, learner(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(deleted.iter().map(|(table, rows)| (*table, *rows as i64)).collect::<Vec<_>>(), before);
    assert!(rows_of(db, learner(1)).await.iter().all(|(_, rows)| *rows == 0));
    assert_eq!(rows_of(db, learner(2)).await, others, "nobody else loses a row");
    // And they may come back as someone new.
    db.ingest(&[answer(1, "algebra", 9, true)]).await;
    let standing = learners::standing(&mut db.read().await, &db.tenant, learner(1)).await.unwrap().unwrap();
    assert_eq!(standing.revision, 1);
}
