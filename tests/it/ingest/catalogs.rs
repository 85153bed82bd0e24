//! Catalogues, stored.

use parcours::domain::ItemId;
use parcours::ingest::catalog::{CatalogError, CatalogFormat, CatalogReport, put};
use parcours::store;

use super::{House, answer, at};

async fn put_json(house: &House, body: &str) -> CatalogReport {
    put(&house.store, &house.tenant, body.as_bytes(), CatalogFormat::Json).await.unwrap()
}

async fn a_catalogue_grows_by_parts_and_keeps_its_revision_when_nothing_changes(house: House) {
    let body = r#"{"items":[{"id":"i1","titles":{"fr":"Un","en":"One"},"skills":["s"],"duration_minutes":2.5}],"skills":[{"id":"s"}]}"#;
    let first = put_json(&house, body).await;
    let again = put_json(&house, body).await;
    assert_eq!((first.items.added, again.items.unchanged, again.revision), (1, 1, first.revision));

    let table = "item_id,skills,language\ni1,s|t,fr\ni2,t,\n";
    let third = put(&house.store, &house.tenant, table.as_bytes(), CatalogFormat::Csv).await.unwrap();
    assert_eq!((third.items.updated, third.items.added, third.skills.added), (1, 1, 1));
    assert!(third.revision > first.revision);
    let mut tx = house.store.read().await.unwrap();
    let catalog = store::catalog::load(&mut tx, &house.tenant).await.unwrap();
    let item = &catalog.items[&ItemId::parse("i1").unwrap()];
    assert_eq!((item.titles.en.as_deref(), item.skills.len(), item.duration_minutes), (Some("One"), 2, Some(2.5)));
    assert_eq!((catalog.revision, item.language.as_deref()), (third.revision, Some("fr")));
}

async fn a_value_that_cannot_be_used_stops_the_whole_update(house: House) {
    let body = r#"{"items":[{"id":"a"},{"id":"b","duration_minutes":"long"}]}"#;
    let error = put(&house.store, &house.tenant, body.as_bytes(), CatalogFormat::Json).await.unwrap_err();
    assert!(matches!(&error, CatalogError::Invalid { path, .. } if path == "items[1].duration_minutes"), "{error}");
    let mut tx = house.store.read().await.unwrap();
    assert!(store::catalog::load(&mut tx, &house.tenant).await.unwrap().items.is_empty());
}

async fn removing_an_item_keeps_its_events(house: House) {
    put_json(&house, r#"{"items":[{"id":"i1","skills":["s"]}]}"#).await;
    house.send(answer("1", "ada", &at(0), "")).await;
    assert_eq!(put_json(&house, r#"{"remove_items":["i1"]}"#).await.items.removed, 1);
    assert_eq!(house.stored().await, (1, 1));
}

on_both!(
    a_catalogue_grows_by_parts_and_keeps_its_revision_when_nothing_changes,
    a_value_that_cannot_be_used_stops_the_whole_update,
    removing_an_item_keeps_its_events
);
