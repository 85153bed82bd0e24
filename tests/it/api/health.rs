//! Alive, ready, measured.

use reqwest::Method;

use crate::support::app::TestApp;

#[tokio::test]
async fn health_needs_no_key() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/metrics", "/docs", "/v1/openapi.json"] {
        let reply = app.send(app.request(Method::GET, path)).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    }
    let ready = app.send(app.request(Method::GET, "/readyz")).await;
    assert_eq!(ready.json["ready"], true);
}

#[tokio::test]
async fn readiness_says_what_is_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.send(app.request(Method::GET, "/readyz")).await.status, 200);
    app.app.store.close().await;
    let reply = app.send(app.request(Method::GET, "/readyz")).await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert_eq!(reply.json["checks"][0]["name"], "database");
    assert_eq!(reply.json["checks"][0]["ok"], false);
    assert_eq!(app.send(app.request(Method::GET, "/livez")).await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_address() {
    let app = TestApp::start().await;
    let id = uuid::Uuid::now_v7();
    assert_eq!(app.get(&format!("/v1/jobs/{id}")).await.problem(404), "not_found");
    let metrics = app.send(app.request(Method::GET, "/metrics")).await.text;
    assert!(metrics.contains("parcours_requests_total"), "{metrics}");
    assert!(metrics.contains("/v1/jobs/{id}"), "{metrics}");
    assert!(!metrics.contains(&id.to_string()));
}

#[tokio::test]
async fn a_request_id_is_given_back_unless_it_could_name_someone() {
    let app = TestApp::start().await;
    let id = uuid::Uuid::now_v7().to_string();
    let reply = app.send(app.request(Method::GET, "/livez").header("x-request-id", &id)).await;
    assert_eq!(reply.headers["x-request-id"], id.as_str());
    let reply = app.send(app.request(Method::GET, "/livez").header("x-request-id", "ada@example.org")).await;
    assert_ne!(reply.headers["x-request-id"], "ada@example.org");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/v1/nothing").await.problem(404), "not_found");
    assert_eq!(app.get("/v1/events").await.problem(405), "method_not_allowed");
}
