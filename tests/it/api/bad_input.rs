//! Everything that may come in wrong: a clear error with a stable code, nothing lost, the service still up.

use std::sync::Arc;

use parcours::domain::{FixedClock, Micros, SystemClock};
use serde_json::{Value, json};

use crate::support::app::{Reply, TestApp, answer};

const NOW: &str = "2026-11-01T12:00:00Z";

async fn at_noon() -> TestApp {
    let noon = Micros::from(NOW.parse::<chrono::DateTime<chrono::Utc>>().expect("a time"));
    TestApp::start_with(|_| {}, Arc::new(FixedClock::at(noon))).await
}

/// Sends one good event beside the bad one: the good one is stored, the bad one is quarantined for `reason`.
async fn sinks_alone(app: &TestApp, bad: Value, reason: &str) {
    let good = answer("ada", "2+2", true, NOW);
    let report = app.post("/v1/events", json!([good, bad])).await.ok();
    assert_eq!(report["events"][0]["verdict"], "accepted", "{report}");
    assert_eq!(report["events"][1]["verdict"], "quarantined", "{report}");
    assert_eq!(report["events"][1]["reason"], reason, "{report}");
    let kept = app.get("/v1/quarantine").await.ok();
    assert_eq!(kept["reasons"][reason], 1, "{kept}");
}

fn changed(field: &str, value: Value) -> Value {
    let mut event = answer("ada", "2+2", true, NOW);
    event[field] = value;
    event
}

async fn still_up(app: &TestApp) {
    let now = app.app.clock.now().to_rfc3339();
    let report = app.post("/v1/events", json!([answer("grace", "2+2", true, &now)])).await.ok();
    assert_eq!(report["accepted"], 1, "{report}");
}

#[tokio::test]
async fn malformed_json_names_line_and_column() {
    let app = at_noon().await;
    let reply = app.post_raw("/v1/events", "application/json", "[\n {\"id\": \"a\",, }\n]").await;
    assert_eq!(reply.problem(400), "malformed_json");
    assert_eq!(reply.json["line"], 2, "{}", reply.text);
    let reply = app.post_raw("/v1/recommendations", "application/json", "{\"learner_id\": ").await;
    assert_eq!(reply.problem(400), "malformed_json");
    assert_eq!(reply.json["line"], 1, "{}", reply.text);
    still_up(&app).await;
}

#[tokio::test]
async fn a_broken_line_of_ndjson_sinks_alone() {
    let app = at_noon().await;
    let good = answer("ada", "2+2", true, NOW);
    let body = format!("{good}\nnot json\n{}\n", answer("ada", "2+3", false, NOW));
    let report = app.post_raw("/v1/events", "application/x-ndjson", body).await.ok();
    assert_eq!((&report["accepted"], &report["quarantined"]), (&json!(2), &json!(1)), "{report}");
    assert_eq!(report["events"][1]["reason"], "malformed_json", "{report}");
}

#[tokio::test]
async fn wrong_types_are_told_apart_from_syntax() {
    let app = at_noon().await;
    for body in [json!({ "learner_id": 7 }), json!({ "learner_id": "ada", "count": "ten" }), json!(["ada"]), json!({}), json!(null)] {
        let reply = app.post("/v1/recommendations", body.clone()).await;
        assert_eq!(reply.problem(422), "invalid_body", "{body}");
    }
}

#[tokio::test]
async fn wrong_types_in_an_event_sink_it_alone() {
    let app = at_noon().await;
    sinks_alone(&app, changed("correct", json!("yes")), "wrong_type").await;
}

#[tokio::test]
async fn a_negative_score_sinks_alone() {
    let app = at_noon().await;
    sinks_alone(&app, changed("score", json!(-1.0)), "negative_score").await;
}

#[tokio::test]
async fn an_absurd_score_sinks_alone() {
    let app = at_noon().await;
    sinks_alone(&app, changed("score", json!(1e9)), "score_above_max").await;
}

#[tokio::test]
async fn a_time_in_the_future_sinks_alone() {
    let app = at_noon().await;
    sinks_alone(&app, changed("occurred_at", json!("2031-01-01T00:00:00Z")), "time_in_future").await;
}

#[tokio::test]
async fn an_unknown_field_sinks_its_event_alone() {
    let app = at_noon().await;
    sinks_alone(&app, changed("corect", json!(true)), "unknown_field").await;
}

#[tokio::test]
async fn an_unknown_field_in_a_request_is_refused_by_name() {
    let app = at_noon().await;
    let reply = app.post("/v1/recommendations", json!({ "learner_id": "ada", "cuont": 3 })).await;
    assert_eq!(reply.problem(422), "invalid_body");
    assert!(reply.json["detail"].as_str().unwrap().contains("cuont"), "{}", reply.text);
    let reply = app.put("/v1/policy", json!({ "opt_out": "immediate", "opt_in": "now" })).await;
    assert_eq!(reply.problem(422), "invalid_body");
}

#[tokio::test]
async fn absurd_counts_and_empty_learners_name_their_field() {
    let app = at_noon().await;
    for (path, body, field) in [
        ("/v1/recommendations", json!({ "learner_id": "ada", "count": 0 }), "count"),
        ("/v1/recommendations", json!({ "learner_id": "ada", "count": 1_000_000 }), "count"),
        ("/v1/recommendations", json!({ "learner_id": " " }), "learner_id"),
        ("/v1/recommendations", json!({ "learner_id": "x".repeat(5000) }), "learner_id"),
        ("/v1/paths", json!({ "learner_id": "ada" }), "goal_id"),
        ("/v1/predictions", json!({ "learner_id": "ada", "items": [] }), "items"),
        ("/v1/keys", json!({ "name": "", "scopes": ["admin"] }), "name"),
        ("/v1/keys", json!({ "name": "x", "scopes": [] }), "scopes"),
    ] {
        let reply = app.post(path, body.clone()).await;
        assert_eq!(reply.problem(422), "invalid_body", "{body}");
        assert_eq!(reply.json["field"], field, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_and_the_service_goes_on() {
    let app = at_noon().await;
    let body = vec![b' '; 100 << 20];
    let reply: Reply = app.post_raw("/v1/events", "application/json", body).await;
    assert_eq!(reply.problem(413), "too_large");
    assert_eq!(reply.json["limit_bytes"], 32 << 20);
    // The same without a length announced: it is noticed on the way.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let reply = app.post_raw("/v1/events", "application/json", reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!(reply.problem(413), "too_large");
    let reply = app.post_raw("/v1/recommendations", "application/json", vec![b' '; 1 << 20]).await;
    assert_eq!(reply.problem(413), "too_large");
    still_up(&app).await;
}

#[tokio::test]
async fn too_many_events_in_one_request_are_refused_as_a_whole() {
    let app = TestApp::start_with(|config| config.ingest.max_batch = 2, Arc::new(SystemClock)).await;
    let events: Vec<Value> = (0..3).map(|at| answer("ada", &format!("item {at}"), true, NOW)).collect();
    assert_eq!(app.post("/v1/events", json!(events)).await.problem(413), "too_large");
}

#[tokio::test]
async fn the_wrong_kind_of_body_is_415() {
    let app = at_noon().await;
    assert_eq!(app.post_raw("/v1/events", "text/csv", "a,b").await.problem(415), "unsupported_media_type");
    assert_eq!(app.post_raw("/v1/recommendations", "text/plain", "{}").await.problem(415), "unsupported_media_type");
}

#[tokio::test]
async fn the_same_id_twice_in_one_batch_counts_once() {
    let app = at_noon().await;
    let event = answer("ada", "2+2", true, NOW);
    let mut other = event.clone();
    other["correct"] = json!(false);
    let report = app.post("/v1/events", json!([event, event, other])).await.ok();
    let verdicts: Vec<_> = (0..3).map(|at| report["events"][at]["verdict"].as_str().unwrap_or_default().to_string()).collect();
    assert_eq!(verdicts, ["accepted", "duplicate", "conflict"], "{report}");
    assert_eq!(app.learner("ada").knowledge().await["attempts"], 1);
}

#[tokio::test]
async fn the_same_id_later_is_a_duplicate_or_a_conflict() {
    let app = at_noon().await;
    let event = answer("ada", "2+2", true, NOW);
    let mut other = event.clone();
    other["item_id"] = json!("3+3");
    assert_eq!(app.post("/v1/events", json!([event])).await.ok()["accepted"], 1);
    assert_eq!(app.post("/v1/events", json!([event])).await.ok()["duplicates"], 1);
    assert_eq!(app.post("/v1/events", json!([other])).await.ok()["conflicts"], 1);
    assert_eq!(app.learner("ada").knowledge().await["attempts"], 1);
}

#[tokio::test]
async fn an_email_address_as_learner_id_is_taken_and_never_kept() {
    let app = at_noon().await;
    let email = "ada.lovelace@example.org";
    app.learner(email).answered("2+2", true).await;
    app.learner(email).recommendations(3).await;
    app.post("/v1/events", json!([changed("learner_id", json!(email)), { "learner_id": email, "id": "x", "note": email }])).await.ok();
    app.post("/v1/privacy/opt-out", json!({ "learner_id": email })).await.ok();
    let folder = app.stop().await;
    let mut files = 0;
    let mut open = vec![folder.path().to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(email.len()).any(|window| window == email.as_bytes()), "{} holds it", path.display());
            files += 1;
        }
    }
    assert!(files >= 2, "{files} files were read");
}

#[tokio::test]
async fn a_locked_database_is_503_and_nothing_is_lost() {
    let app = TestApp::start_with(|config| config.database.busy_timeout_ms = 2_000, Arc::new(SystemClock)).await;
    let lock = app.app.store.write().await.expect("the write lock");
    let event = answer("ada", "2+2", true, &app.app.clock.now().to_rfc3339());
    let reply = app.post("/v1/events", json!([event])).await;
    assert_eq!(reply.problem(503), "database_busy");
    assert!(reply.headers.contains_key("retry-after"));
    // Reading goes on meanwhile.
    assert_eq!(app.learner("ada").knowledge().await["attempts"], 0);
    drop(lock);
    assert_eq!(app.post("/v1/events", json!([event])).await.ok()["accepted"], 1);
}

#[tokio::test]
async fn a_full_disk_is_503_and_the_service_reads_on() {
    let app = TestApp::start().await;
    let parcours::store::Store::Sqlite { writer, .. } = &app.app.store else { unreachable!("a SQLite database") };
    // SQLite reports a database that may not grow exactly as it reports a full disk.
    let limit = async |pages: i64| {
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(writer).await.expect("a limit");
    };
    limit(1).await;
    let now = app.app.clock.now().to_rfc3339();
    let events: Vec<Value> = (0..2_000).map(|at| answer("ada", &format!("item {at}"), true, &now)).collect();
    let reply = app.post("/v1/events", json!(events)).await;
    assert_eq!(reply.problem(503), "storage_not_writable");
    assert_eq!(app.learner("ada").knowledge().await["attempts"], 0);
    limit(1_000_000).await;
    assert_eq!(app.post("/v1/events", json!(events)).await.ok()["accepted"], 2_000);
}

#[tokio::test]
async fn more_requests_than_may_be_worked_on_are_told_to_come_back() {
    let app = TestApp::start_with(
        |config| {
            config.server.max_in_flight = 1;
            config.database.busy_timeout_ms = 3_000;
        },
        Arc::new(SystemClock),
    )
    .await;
    let lock = app.app.store.write().await.expect("the write lock");
    let event = answer("ada", "2+2", true, &app.app.clock.now().to_rfc3339());
    let events = json!([event]);
    // Whichever request comes first is worked on; the sender asks again until that is the one that waits for the lock.
    let sender = async {
        loop {
            let reply = app.post("/v1/events", events.clone()).await;
            if reply.status != 429 {
                break reply;
            }
        }
    };
    let asker = async {
        let refused = loop {
            let reply = app.get("/v1/models").await;
            if reply.status != 200 {
                break reply;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        drop(lock);
        refused
    };
    let (accepted, refused) = tokio::join!(sender, asker);
    assert_eq!(refused.problem(429), "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(accepted.ok()["accepted"], 1);
    still_up(&app).await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_and_rolled_back() {
    let app = TestApp::start_with(|config| config.server.request_timeout_ms = 3_000, Arc::new(SystemClock)).await;
    let lock = app.app.store.write().await.expect("the write lock");
    let event = answer("ada", "2+2", true, &app.app.clock.now().to_rfc3339());
    assert_eq!(app.post("/v1/events", json!([event])).await.problem(503), "timeout");
    drop(lock);
    assert_eq!(app.post("/v1/events", json!([event])).await.ok()["accepted"], 1);
}

#[tokio::test]
async fn bad_parameters_of_an_address_are_problems() {
    let app = at_noon().await;
    assert_eq!(app.get("/v1/jobs?limit=0").await.problem(400), "invalid_parameter");
    assert_eq!(app.get("/v1/jobs?limit=many").await.problem(400), "invalid_parameter");
    assert_eq!(app.get("/v1/jobs?limt=3").await.problem(400), "invalid_parameter");
    assert_eq!(app.get("/v1/jobs/not-an-id").await.problem(404), "not_found");
}

#[test]
fn a_typo_in_the_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parcours.toml");
    std::fs::write(&file, "[server]\nadress = \"127.0.0.1:1\"\n").unwrap();
    let error = parcours::config::Config::load(Some(&file)).unwrap_err().to_string();
    assert!(error.contains("adress"), "{error}");
}
