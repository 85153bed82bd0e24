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
