//! Whole logs into the database.

use parcours::ingest::formats::{Format, ReadOptions, read};
use parcours::ingest::load;
use parcours::store;

use super::House;

async fn loading_a_log_twice_changes_nothing(house: House) {
    let file = house.folder.path().join("log.csv");
    std::fs::write(&file, "0,ada\n1,1,2\n7,8,7\n1,1,0\n1,bob\n2,1\n7,8\n0,1\n").unwrap();
    let log = read(Format::Akt, &file, &ReadOptions::default()).unwrap();
    let mut done = Vec::new();
    let first = load(&house.store, &house.secrets, &house.config, house.now, &house.tenant, &log, |n| done.push(n)).await.unwrap();
    assert_eq!((first.learners, first.accepted, first.catalog.items.added, first.catalog.skills.added), (2, 4, 2, 2));
    assert_eq!(done, [4]);
    let again = load(&house.store, &house.secrets, &house.config, house.now, &house.tenant, &log, |_| ()).await.unwrap();
    assert_eq!((again.accepted, again.duplicates, again.catalog.revision), (0, 4, first.catalog.revision));
    assert_eq!(house.stored().await, (4, 4));
    assert_eq!(house.counted().await, 4);

    // What is stored is what the log says without a database.
    let mut tx = house.store.read().await.unwrap();
    let mut stored = Vec::new();
    for learner in ["ada", "bob"] {
        stored.extend(store::events::usable_of(&mut tx, &house.tenant, house.pseudonym(learner, 0)).await.unwrap());
    }
    stored.sort_by_key(|event| (event.learner, event.occurred_at, event.key));
    assert_eq!(stored, log.events(&house.secrets, &house.tenant));
}

on_both!(loading_a_log_twice_changes_nothing);
