//! Keys: scopes, tenants, revocation.

use parcours::domain::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{TestApp, answer};

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let app = TestApp::start().await;
    let calls = [
        (Method::POST, "/v1/events", json!([]), vec![Scope::Ingest]),
        (Method::POST, "/v1/recommendations", json!({ "learner_id": "ada" }), vec![Scope::Recommend]),
        (Method::POST, "/v1/knowledge", json!({ "learner_id": "ada" }), vec![Scope::Recommend]),
        (Method::POST, "/v1/privacy/opt-out", json!({ "learner_id": "ada" }), vec![Scope::Privacy]),
        (Method::POST, "/v1/privacy/erasures", json!({ "learner_id": "nobody" }), vec![Scope::Privacy]),
        (Method::GET, "/v1/quarantine", json!({}), vec![Scope::Ingest, Scope::Admin]),
        (Method::GET, "/v1/models", json!({}), vec![Scope::Train, Scope::Admin]),
        (Method::GET, "/v1/jobs", json!({}), vec![Scope::Train, Scope::Privacy, Scope::Admin]),
        (Method::GET, "/v1/keys", json!({}), vec![Scope::Admin]),
        (Method::GET, "/v1/policy", json!({}), vec![Scope::Admin]),
    ];
    for scope in Scope::ALL {
        let key = app.key_for("default", &[scope]).await;
        for (method, path, body, allowed) in &calls {
            let reply = app.send(app.request(method.clone(), path).bearer_auth(&key).json(body)).await;
            if allowed.contains(&scope) {
                assert!(reply.status < 300, "{scope:?} {path}: {}", reply.text);
            } else {
                assert_eq!(reply.problem(403), "forbidden", "{scope:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_that_moment_on() {
    let app = TestApp::start().await;
    let made = app.post("/v1/keys", json!({ "name": "moodle", "scopes": ["recommend"] })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json["secret"].as_str().expect("a secret").to_string();
    let ask = json!({ "learner_id": "ada" });
    assert_eq!(app.post_as(&secret, "/v1/knowledge", ask.clone()).await.status, 200);
    let id = made.json["id"].as_str().expect("an id");
    assert_eq!(app.post(&format!("/v1/keys/{id}/revoke"), json!({})).await.status, 204);
    assert_eq!(app.post_as(&secret, "/v1/knowledge", ask).await.problem(401), "unauthenticated");
    assert_eq!(app.post(&format!("/v1/keys/{id}/revoke"), json!({})).await.problem(404), "not_found");
    let listed = app.get("/v1/keys").await;
    assert!(!listed.text.contains(&secret));
    assert!(listed.json["keys"].as_array().expect("keys").iter().any(|key| key["id"] == id && key["revoked_at"].is_string()));
}

#[tokio::test]
async fn basic_carries_the_same_key() {
    let app = TestApp::start().await;
    let reply = app.send(app.request(Method::GET, "/v1/models").basic_auth("anyone", Some(&app.key))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let reply = app.send(app.request(Method::GET, "/v1/models").basic_auth(&app.key, Some("wrong"))).await;
    assert_eq!(reply.problem(401), "unauthenticated");
}

#[tokio::test]
async fn tenants_do_not_see_one_another() {
    let app = TestApp::start().await;
    let theirs = app.key_for("other-school", &Scope::ALL).await;
    let now = app.app.clock.now().to_rfc3339();
    app.post("/v1/events", json!([answer("ada", "2+2", true, &now), { "id": "x" }])).await.ok();
    let job = app.post("/v1/admin/refresh", json!({})).await.ok()["job_id"].as_str().expect("a job").to_string();
    let erasure = app.post("/v1/privacy/erasures", json!({ "learner_id": "nobody" })).await.ok()["id"].as_str().expect("id").to_string();
    let key = app.get("/v1/keys").await.ok()["keys"][0]["id"].as_str().expect("id").to_string();

    let get = async |path: &str| app.send(app.request(Method::GET, path).bearer_auth(&theirs)).await;
    assert_eq!(get(&format!("/v1/jobs/{job}")).await.problem(404), "not_found");
    assert_eq!(app.post_as(&theirs, &format!("/v1/jobs/{job}/cancel"), json!({})).await.problem(404), "not_found");
    assert_eq!(get(&format!("/v1/privacy/erasures/{erasure}")).await.problem(404), "not_found");
    assert_eq!(app.post_as(&theirs, &format!("/v1/keys/{key}/revoke"), json!({})).await.problem(404), "not_found");
    assert_eq!(get("/v1/jobs").await.ok()["jobs"], json!([]));
    assert_eq!(get("/v1/privacy/erasures").await.ok()["erasures"], json!([]));
    assert_eq!(get("/v1/quarantine").await.ok()["events"], json!([]));
    assert_eq!(get("/v1/models").await.ok()["models"], json!([]));
    let knowledge = app.post_as(&theirs, "/v1/knowledge", json!({ "learner_id": "ada" })).await.ok();
    assert_eq!(knowledge["attempts"], 0, "{knowledge}");
    let ours = app.learner("ada").knowledge().await;
    assert_eq!(ours["attempts"], 1, "{ours}");
}
