//! What reaches the disk, and what happens when the disk or the database says no.

use std::time::{Duration, Instant};

use parcours::ingest::IngestError;
use parcours::store::{Store, StoreError};

use super::{House, answer, at, words};

/// Every byte of every file in the folder.
fn bytes_on_disk(folder: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_learner_id_that_is_an_email_address_never_reaches_the_disk() {
    let house = House::new().await;
    let canary = "ada.lovelace.canary";
    let mail = format!("{canary}@example.org");
    let body = [
        answer(&format!("event of {mail}"), &mail, &at(0), ""),
        answer(&format!("{mail}/2"), &mail, &at(1), &format!(r#","name":"{mail}""#)),
        answer(&format!("{mail}/3"), &mail, &at(1), &format!(r#","{mail}":1"#)),
        answer(&format!("{mail}/4"), &mail, &format!("said {mail}"), ""),
        answer(&format!("{mail}/5"), &mail, &at(1), &format!(r#","score":"{mail}""#)),
        format!("{{\"learner_id\":\"{mail}\",\n"),
        format!(r#"{{"learner_id":"{mail}","id":{{"who":"{mail}"}}}}"#),
        format!("\"{mail}\""),
    ];
    let report = house.send(body.join("\n")).await;
    let expected =
        ["accepted", "unknown_field", "unknown_field", "bad_time", "wrong_type", "malformed_json", "wrong_type", "not_an_object"];
    assert_eq!(words(&report), expected);
    assert_eq!(house.quarantined().await.len(), 7);
    house.store.close().await;
    let bytes = bytes_on_disk(house.folder.path());
    assert!(bytes.len() > 4_096 && contains(&bytes, "i1"), "the scan reads the database");
    assert!(!contains(&bytes, canary));
    assert!(!contains(&bytes, &hex(canary)));
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_locked_database_is_told_in_time_and_nothing_is_half_written() {
    let house = House::new().await;
    let blocker = house.store.write().await.unwrap();
    let started = Instant::now();
    let error = house.try_send(answer("1", "ada", &at(0), "")).await.unwrap_err();
    assert!(matches!(error, IngestError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(blocker);
    assert_eq!(house.stored().await, (0, 0));
    assert_eq!(house.send(answer("1", "ada", &at(0), "")).await.accepted, 1);
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_acknowledged_stays() {
    let house = House::new().await;
    house.send(answer("1", "ada", &at(0), "")).await;
    let Store::Sqlite { writer, .. } = &house.store else { unreachable!() };
    // SQLite answers "database or disk is full" when it may not grow.
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(writer).await.unwrap();
    sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).fetch_one(writer).await.unwrap();
    let many = (2..3_000).map(|n| answer(&n.to_string(), &format!("learner {n}"), &at(1), "")).collect::<Vec<_>>().join("\n");
    let error = house.try_send(many.clone()).await.unwrap_err();
    assert!(matches!(error, IngestError::Store(StoreError::NotWritable(_))), "{error:?}");
    assert_eq!(house.stored().await, (1, 1));
    assert_eq!(house.counted().await, 1);

    sqlx::query_scalar::<_, i64>("PRAGMA max_page_count = 1000000").fetch_one(writer).await.unwrap();
    assert_eq!(house.send(many).await.accepted, 2_998);
    assert_eq!(house.counted().await, 2_999);
}
