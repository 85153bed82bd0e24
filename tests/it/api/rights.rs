//! Opting out and in, and erasure, over HTTP.

use serde_json::json;

use crate::support::app::TestApp;

#[tokio::test]
async fn opting_out_keeps_the_shape_and_reads_nothing_of_the_learner() {
    let app = TestApp::start().await;
    let ada = app.learner("ada");
    ada.answered("2+2", true).await;
    let before = ada.knowledge().await;
    let made = app.post("/v1/privacy/opt-out", json!({ "learner_id": "ada" })).await.ok();
    assert_eq!((&made["consent"], &made["changed"]), (&json!("opted_out"), &json!(true)));
    let after = ada.knowledge().await;
    assert_eq!((&after["personalised"], &after["fallback_reason"], &after["attempts"]), (&json!(false), &json!("opted_out"), &json!(0)));
    let keys = |answer: &serde_json::Value| answer.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&before), keys(&after));
    let again = app.post("/v1/privacy/opt-out", json!({ "learner_id": "ada" })).await.ok();
    assert_eq!(again["changed"], false);
    app.post("/v1/privacy/opt-in", json!({ "learner_id": "ada" })).await.ok();
    assert_eq!(ada.knowledge().await, before);
}

#[tokio::test]
async fn an_erased_learner_is_unreadable_when_the_call_answers() {
    let app = TestApp::start().await;
    let ada = app.learner("ada");
    ada.answered("2+2", true).await;
    let reply = app.post("/v1/privacy/erasures", json!({ "learner_id": "ada" })).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert!(reply.json["unreadable_at"].is_string() && reply.json["clean_at"].is_string(), "{}", reply.text);
    assert_eq!(ada.knowledge().await["fallback_reason"], "erased");
    let place = reply.headers["location"].to_str().unwrap();
    assert_eq!(app.get(place).await.ok()["id"], reply.json["id"]);
    let now = app.app.clock.now().to_rfc3339();
    let late = app.post("/v1/events", json!([crate::support::app::answer("ada", "2+3", true, &now)])).await.ok();
    assert_eq!(late["accepted"], 0, "{late}");
    assert_eq!(app.post("/v1/privacy/opt-out", json!({ "learner_id": "ada" })).await.problem(409), "conflict");
}
