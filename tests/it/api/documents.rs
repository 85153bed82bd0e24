//! The API's description, and the page that shows it.

use reqwest::Method;

use crate::support::app::TestApp;

#[test]
fn the_description_changes_only_on_purpose() {
    let document = serde_json::to_value(parcours::api::openapi::document()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn the_api_page_asks_nobody_else_for_anything() {
    let app = TestApp::start().await;
    let reply = app.send(app.request(Method::GET, "/docs")).await;
    assert!(reply.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    for outside in ["http://", "https://", "//cdn", "@import"] {
        assert!(!reply.text.contains(outside), "the page names {outside}");
    }
}

#[tokio::test]
async fn every_documented_route_wants_a_key() {
    let app = TestApp::start().await;
    let document = serde_json::to_value(parcours::api::openapi::document()).expect("JSON");
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            // Some say of themselves that they need none.
            if operation["security"] == serde_json::json!([{}]) {
                assert_eq!((method.as_str(), path.as_str()), ("get", "/xapi/about"));
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{id}", "018f3a6e-0000-7000-8000-000000000000").replace("{version}", "0123456789abcdef");
            let reply = app.send(app.request(method.clone(), &path).header("content-type", "application/json").body("{}")).await;
            assert_eq!(reply.problem(401), "unauthenticated", "{method} {path}");
            assert!(reply.headers.contains_key("www-authenticate"));
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen} operations");
}
