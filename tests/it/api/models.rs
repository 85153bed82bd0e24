//! Versions, refreshes and jobs.

use serde_json::json;

use crate::support::app::TestApp;

#[tokio::test]
async fn a_refresh_is_a_job_to_be_asked_about() {
    let app = TestApp::start().await;
    let reply = app.post("/v1/admin/refresh", json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    let place = reply.headers["location"].to_str().unwrap().to_string();
    assert_eq!(reply.json["status"], place.as_str());
    let job = app.get(&place).await.ok();
    assert_eq!(job["kind"], "refresh");
    assert_eq!(app.get("/v1/jobs").await.ok()["jobs"][0]["id"], job["id"]);
}

#[tokio::test]
async fn a_refresh_may_come_without_a_body() {
    let app = TestApp::start().await;
    let request = app.request(reqwest::Method::POST, "/v1/admin/refresh").bearer_auth(&app.key);
    assert_eq!(app.send(request).await.status, 202);
    assert_eq!(app.post("/v1/admin/refresh", json!({ "fully": true })).await.problem(422), "invalid_body");
}

#[tokio::test]
async fn without_a_model_there_is_nothing_to_show_promote_or_go_back_to() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/v1/models").await.ok()["models"], json!([]));
    assert_eq!(app.get("/v1/models/serving").await.problem(404), "not_found");
    assert_eq!(app.post("/v1/models/0123456789abcdef/promote", json!({})).await.problem(404), "not_found");
    let rollback = app.post("/v1/admin/rollback", json!({})).await;
    assert!([404, 409].contains(&rollback.status), "{}", rollback.text);
}

#[tokio::test]
async fn the_policy_is_kept() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/v1/policy").await.ok()["opt_out"], "next_refresh");
    app.put("/v1/policy", json!({ "opt_out": "immediate" })).await.ok();
    assert_eq!(app.get("/v1/policy").await.ok()["opt_out"], "immediate");
}

#[tokio::test]
async fn a_request_sent_again_under_the_same_key_gives_the_first_answer() {
    let app = TestApp::start_with(|config| config.jobs.poll_ms = 3_600_000, std::sync::Arc::new(parcours::domain::SystemClock)).await;
    let send = async |key: &str, body: serde_json::Value| {
        let request = app.request(reqwest::Method::POST, "/v1/admin/refresh").bearer_auth(&app.key).header("idempotency-key", key);
        app.send(request.json(&body)).await
    };
    let first = send("one", json!({ "full": true })).await;
    let job = first.json["job_id"].as_str().unwrap().to_string();
    app.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await.ok();
    // The queue would give a new job now; the key gives the old answer.
    let again = send("one", json!({ "full": true })).await;
    assert_eq!((again.status, &again.text), (202, &first.text));
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(send("one", json!({ "full": false })).await.problem(409), "conflict");
    assert_ne!(send("two", json!({ "full": true })).await.json["job_id"], job.as_str());
    assert_eq!(send("", json!({})).await.problem(400), "invalid_parameter");
    // A revoked key replays nothing.
    let id = app.get("/v1/keys").await.ok()["keys"][0]["id"].as_str().unwrap().to_string();
    app.post(&format!("/v1/keys/{id}/revoke"), json!({})).await;
    assert_eq!(send("one", json!({ "full": true })).await.problem(401), "unauthenticated");
}
