//! Recommendations over a real store and through the real service: freshness on every replica, opting out, what is written down.

use std::process::Command;
use std::sync::Arc;

use parcours::app::App;
use parcours::domain::{LearnerId, SystemClock, TenantId};
use parcours::privacy::Secrets;
use parcours::privacy::identity::{self, Identity};
use parcours::recommend::{KnowledgeRequest, Recommendations};
use parcours::store::{Store, recommendations};
use serde_json::{Value, json};

use crate::support::app::{TestApp, answer};

/// Twelve items on three skills, in order.
async fn course(app: &TestApp) {
    let items: Vec<Value> = (0..12)
        .map(|n| json!({ "id": format!("item-{n:02}"), "skills": [format!("skill-{}", n / 4)], "course": "algebra", "position": n }))
        .collect();
    let edges = json!([{ "skill": "skill-1", "requires": "skill-0" }, { "skill": "skill-2", "requires": "skill-1" }]);
    app.put("/v1/catalog", json!({ "items": items, "prerequisites": edges })).await.ok();
}

/// Another service on the same database.
async fn replica(app: &TestApp) -> App {
    let store = Store::connect(&app.app.config.database).await.unwrap();
    App::new((*app.app.config).clone(), store, Secrets::from_seed(7), Arc::new(SystemClock))
}

async fn attempts(app: &App, learner: &str) -> u32 {
    let subject = app.subject(&TenantId::default(), &LearnerId::parse(learner).unwrap()).await.unwrap();
    app.knowledge(&subject, KnowledgeRequest::default()).await.unwrap().attempts
}

#[tokio::test]
async fn an_answer_counts_in_the_next_response_of_every_replica() {
    let app = TestApp::start().await;
    course(&app).await;
    let other = replica(&app).await;
    let ada = app.learner("ada");
    for given in 1..=3 {
        ada.answered("item-00", given % 2 == 0).await;
        assert_eq!((attempts(&other, "ada").await, attempts(&app.app, "ada").await), (given, given));
    }
    other.close().await;
}

#[tokio::test]
async fn a_late_event_rewrites_the_profile_as_if_it_had_come_in_time() {
    let app = TestApp::start().await;
    course(&app).await;
    let now = app.app.clock.now();
    let ago = |days: i64| now.plus_days(-days).to_rfc3339();
    let send = async |event: Value| assert_eq!(app.post("/v1/events", json!([event])).await.ok()["accepted"], 1);
    let asked = async |app: &App| {
        let subject = app.subject(&TenantId::default(), &LearnerId::parse("ada").unwrap()).await.unwrap();
        app.knowledge(&subject, KnowledgeRequest::default()).await.unwrap()
    };
    // Many others, so that the counts, which the two services read at different times, do not hang on ada's own answers.
    let others: Vec<Value> = (0..40)
        .flat_map(|other| (0..12).map(move |item| (other, item)))
        .map(|(other, item)| answer(&format!("other-{other}"), &format!("item-{item:02}"), (other + item) % 3 > 0, &ago(30)))
        .collect();
    assert_eq!(app.post("/v1/events", json!(others)).await.ok()["accepted"], 480);
    send(answer("ada", "item-00", true, &ago(3))).await;
    send(answer("ada", "item-05", false, &ago(2))).await;
    asked(&app.app).await;
    // Dated before what is known already; then after it again.
    send(answer("ada", "item-01", false, &ago(9))).await;
    asked(&app.app).await;
    send(answer("ada", "item-06", true, &ago(1))).await;
    let kept = asked(&app.app).await;
    let fresh = replica(&app).await;
    let rebuilt = asked(&fresh).await;
    fresh.close().await;
    assert_eq!(kept.attempts, 4);
    for (kept, rebuilt) in kept.skills.iter().zip(&rebuilt.skills) {
        assert_eq!((&kept.skill_id, kept.attempts, kept.correct), (&rebuilt.skill_id, rebuilt.attempts, rebuilt.correct));
        assert!((kept.mastery - rebuilt.mastery).abs() < 0.01, "{kept:?} {rebuilt:?}");
    }
}

#[tokio::test]
async fn after_opting_out_the_answer_does_not_depend_on_the_history() {
    let app = TestApp::start().await;
    course(&app).await;
    for item in ["item-00", "item-01", "item-02", "item-00"] {
        app.learner("ada").answered(item, true).await;
    }
    app.learner("bob").answered("item-11", false).await;
    for learner in ["ada", "bob", "eve, who never came"] {
        app.post("/v1/privacy/opt-out", json!({ "learner_id": learner })).await.ok();
    }
    for scenario in ["practise", "learn", "review", "next", "assess", "mixed"] {
        let mut answers = Vec::new();
        for learner in ["ada", "bob", "eve, who never came"] {
            let mut answer = app.post("/v1/recommendations", json!({ "learner_id": learner, "scenario": scenario })).await.ok();
            assert_eq!((&answer["personalised"], &answer["fallback_reason"]), (&json!(false), &json!("opted_out")));
            assert_eq!(answer["items"].as_array().unwrap().len(), 10, "{answer}");
            answer["recommendation_id"] = Value::Null;
            answers.push(answer);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{scenario}");
    }
    assert!(app.app.profiles.is_empty(), "no profile of theirs is kept");
}

#[tokio::test]
async fn a_recommendation_is_written_down_with_its_factors() {
    let app = TestApp::start().await;
    course(&app).await;
    app.learner("ada").answered("item-00", true).await;
    let answer = app.post("/v1/recommendations", json!({ "learner_id": "ada", "count": 3, "explain": false })).await.ok();
    let shown: Recommendations = serde_json::from_value(answer).unwrap();
    assert!(shown.items.iter().all(|item| item.reasons.is_empty()), "reasons were not asked for");
    app.app.recorder.flush().await;
    let mut tx = app.app.store.read().await.unwrap();
    let row = recommendations::get(&mut tx, &TenantId::default(), shown.recommendation_id).await.unwrap().expect("a row");
    assert_eq!((row.personalised, row.items.as_array().map(Vec::len)), (true, Some(3)));
    assert!(row.items[0]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{}", row.items);
    assert_eq!(row.items[0]["item_id"], shown.items[0].item_id.as_str());
    // A stranger leaves no row: there is no learner it would belong to.
    let stranger = LearnerId::parse("a stranger").unwrap();
    let answer: Recommendations =
        serde_json::from_value(app.post("/v1/recommendations", json!({ "learner_id": "a stranger" })).await.ok()).unwrap();
    app.app.recorder.flush().await;
    let mut tx = app.app.store.read().await.unwrap();
    assert!(recommendations::get(&mut tx, &TenantId::default(), answer.recommendation_id).await.unwrap().is_none());
    let known = identity::resolve(&mut tx, &app.app.secrets, &TenantId::default(), &[stranger]).await.unwrap();
    assert!(matches!(known[0], Identity::Live { .. }));
}

#[tokio::test]
async fn what_is_withdrawn_between_planning_and_asking_is_gone() {
    let app = TestApp::start().await;
    course(&app).await;
    let plan = async || app.post("/v1/paths", json!({ "learner_id": "ada", "goal_id": "skill-0" })).await.ok();
    let first = plan().await;
    let withdrawn = first["steps"][0]["item_id"].clone();
    app.put("/v1/catalog", json!({ "items": [{ "id": withdrawn, "state": "expired" }] })).await.ok();
    let second = plan().await;
    let steps = second["steps"].as_array().unwrap();
    assert!(!steps.is_empty() && steps.iter().all(|step| step["item_id"] != withdrawn), "{second}");
    let only_that = app.post("/v1/recommendations", json!({ "learner_id": "ada", "candidates": [withdrawn] })).await.ok();
    assert_eq!((&only_that["items"], &only_that["fallback_reason"]), (&json!([]), &json!("no_eligible_items")));
}

#[test]
fn bench_serve_prints_the_one_object_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_parcours"))
        .current_dir(folder.path())
        .env("PARCOURS_MODEL__SHARDS", "2")
        .args(["bench", "serve", "--learners", "60", "--items", "40", "--skills", "5", "--answers", "20", "--seconds", "1", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    for figure in ["recommendations_per_second", "floor_per_second", "p50_ms", "p99_ms"] {
        assert!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
    assert_eq!((&report["learners"], &report["items"], &report["members"]), (&json!(60), &json!(40), &json!(2)), "{report}");
    if cfg!(target_os = "linux") {
        assert!(report["cpu_ms_per_recommendation"].as_f64().is_some_and(|value| value > 0.0), "{report}");
        assert!(report["rss_mib"].as_f64().is_some_and(|value| value > 1.0), "{report}");
    }
}
