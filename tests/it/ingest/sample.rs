//! The sample that comes with the program.

use parcours::simulate::{Cohort, files, sample};

use super::House;

#[test]
fn making_the_sample_again_gives_the_same_bytes() {
    let made = files::simulate(&Cohort::new(sample::LEARNERS, sample::SEED), |_| ()).unwrap();
    assert!(made.catalog == sample::CATALOG, "data/catalog.json is not what `parcours simulate` makes");
    assert!(made.events == sample::EVENTS, "data/events.ndjson.gz is not what `parcours simulate` makes");
    let truth = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(files::TRUTH);
    assert!(made.truth == std::fs::read(truth).unwrap(), "data/truth.json.gz is not what `parcours simulate` makes");
    assert!(made.catalog.len() + made.events.len() + made.truth.len() < 2_000_000);
}

#[tokio::test]
async fn the_sample_loads_without_a_word_of_complaint_and_once() {
    let house = House::new().await;
    let load =
        async || sample::load_sample(&house.store, &house.secrets, &house.config, house.now, &house.tenant, |_, _| ()).await.unwrap();
    let first = load().await;
    assert_eq!((first.accepted, first.quarantined, first.conflicts, first.duplicates), (sample::EVENTS_TOTAL, 0, 0, 0));
    assert_eq!((first.catalog.items.added, first.catalog.warnings.len()), (186, 0));
    assert_eq!(house.stored().await, (51_020, 43_034));
    let again = load().await;
    assert_eq!((again.accepted, again.duplicates, again.catalog.revision), (0, 51_020, first.catalog.revision));
}
