//! The console, as a browser without JavaScript sees it.

use parcours::domain::Scope;
use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::json;

use crate::support::app::{Reply, TestApp, answer};

/// A browser: it keeps the session cookie and does not follow redirects by itself.
struct Browser<'a> {
    app: &'a TestApp,
    client: reqwest::Client,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(app: &'a TestApp) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { app, client, cookie: String::new() }
    }

    async fn signed_in(app: &'a TestApp, key: &str) -> Self {
        let mut browser = Self::new(app);
        let reply = browser.post("/console/sign-in", &[("key", key)]).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        let cookie = reply.headers[SET_COOKIE].to_str().unwrap().to_string();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        browser.cookie = cookie.split(';').next().unwrap().to_string();
        browser
    }

    async fn get(&self, path: &str) -> Reply {
        self.app.send(self.client.get(self.app.url(path)).header(COOKIE, &self.cookie)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self
            .client
            .post(self.app.url(path))
            .header(COOKIE, &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        self.app.send(request).await
    }

    async fn csrf(&self, path: &str) -> String {
        let page = self.get(path).await.text;
        let from = page.find("name=\"csrf\" value=\"").expect("a form") + "name=\"csrf\" value=\"".len();
        page[from..].split('"').next().unwrap().to_string()
    }
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

const PAGES: [&str; 5] = ["/console", "/console/models", "/console/jobs", "/console/rights", "/console/quarantine"];

#[tokio::test]
async fn pages_want_an_admin() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    for page in PAGES {
        let reply = browser.get(page).await;
        assert_eq!((reply.status, reply.headers[LOCATION].to_str().unwrap()), (303, "/console/sign-in"), "{page}");
    }
    let ingest_only = app.key_for("default", &[Scope::Ingest]).await;
    for key in ["", "parcours_wrong", ingest_only.as_str()] {
        assert_eq!(browser.post("/console/sign-in", &[("key", key)]).await.status, 401);
    }
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let app = TestApp::start().await;
    let now = app.app.clock.now().to_rfc3339();
    app.post("/v1/events", json!([answer("ada", "2+2", true, &now), { "id": "<b>x</b>" }])).await.ok();
    app.post("/v1/privacy/erasures", json!({ "learner_id": "ada" })).await.ok();
    app.post("/v1/admin/refresh", json!({})).await.ok();
    let browser = Browser::signed_in(&app, &app.key).await;
    for page in PAGES {
        for (lang, word) in [("en", "Rights"), ("fr", "Droits")] {
            let reply = browser.get(&format!("{page}?lang={lang}")).await;
            assert_eq!(reply.status, 200, "{page} {lang}");
            assert!(reply.text.contains(&format!("<html lang=\"{lang}\">")) && reply.text.contains(word), "{page} {lang}");
            assert!(reply.text.contains("</html>"));
            assert!(!reply.text.contains("<script"), "{page} works without JavaScript");
            assert!(!reply.text.contains("http://") && !reply.text.contains("https://"), "{page} asks nobody else");
            assert!(!reply.text.contains("<b>x</b>"), "{page} escapes what was sent");
        }
    }
}

#[tokio::test]
async fn a_form_without_the_sessions_token_does_nothing() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, &app.key).await;
    for csrf in ["", "0123456789abcdef0123456789abcdef"] {
        assert_eq!(browser.post("/console/models/refresh", &[("csrf", csrf)]).await.status, 403);
    }
    let csrf = browser.csrf("/console/rights").await;
    let elsewhere =
        browser.client.post(app.url("/console/models/refresh")).header(COOKIE, &browser.cookie).header("sec-fetch-site", "cross-site");
    let elsewhere = elsewhere.header("content-type", "application/x-www-form-urlencoded").body(format!("csrf={csrf}"));
    assert_eq!(app.send(elsewhere).await.status, 403);
    assert_eq!(app.get("/v1/jobs").await.ok()["jobs"], json!([]));
}

#[tokio::test]
async fn rights_are_acted_on_from_a_form_and_no_address_or_page_names_the_learner() {
    let app = TestApp::start().await;
    let email = "ada@example.org";
    app.learner(email).answered("2+2", true).await;
    let browser = Browser::signed_in(&app, &app.key).await;
    let csrf = browser.csrf("/console/rights").await;
    let reply = browser.post("/console/rights", &[("csrf", &csrf), ("learner_id", email), ("action", "opt_out")]).await;
    assert_eq!((reply.status, reply.headers[LOCATION].to_str().unwrap()), (303, "/console/rights?done=opted_out"), "{}", reply.text);
    assert_eq!(app.learner(email).knowledge().await["fallback_reason"], "opted_out");
    let unsure = browser.post("/console/rights", &[("csrf", &csrf), ("learner_id", email), ("action", "erase")]).await;
    assert_eq!(unsure.status, 422, "an erasure wants its box ticked");
    let sure = browser.post("/console/rights", &[("csrf", &csrf), ("learner_id", email), ("action", "erase"), ("sure", "1")]).await;
    assert_eq!(sure.headers[LOCATION].to_str().unwrap(), "/console/rights?done=erased", "{}", sure.text);
    assert_eq!(app.learner(email).knowledge().await["fallback_reason"], "erased");
    let page = browser.get("/console/rights?done=erased").await;
    assert!(!page.text.contains(email) && page.text.contains("role=\"status\""));
}

#[tokio::test]
async fn signing_out_or_revoking_the_key_ends_the_session() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, &app.key).await;
    let csrf = browser.csrf("/console/models").await;
    assert_eq!(browser.post("/console/sign-out", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(browser.get("/console").await.status, 303);

    let browser = Browser::signed_in(&app, &app.key).await;
    assert_eq!(browser.get("/console").await.status, 200);
    let id = app.get("/v1/keys").await.ok()["keys"][0]["id"].as_str().unwrap().to_string();
    app.send(app.request(Method::POST, &format!("/v1/keys/{id}/revoke")).bearer_auth(&app.key)).await;
    assert_eq!(browser.get("/console").await.status, 303);
}
