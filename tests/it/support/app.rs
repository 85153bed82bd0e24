//! A real service on a free port of this machine, with a database, secrets and artefacts of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use parcours::api::auth;
use parcours::app::App;
use parcours::config::Config;
use parcours::domain::{Clock, Scope, SystemClock, TenantId};
use parcours::privacy::Secrets;
use parcours::server::Server;
use parcours::store::{Store, keys, tenants};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub struct TestApp {
    pub app: App,
    pub address: SocketAddr,
    /// A key of the tenant "default" with every scope.
    pub key: String,
    pub folder: tempfile::TempDir,
    pub client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// `Null` when the text is not JSON.
    pub json: Value,
}

impl Reply {
    /// The stable code of a problem document.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        assert_eq!(self.json["status"], status);
        assert!(self.json["request_id"].is_string(), "{}", self.text);
        self.json["code"].as_str().expect("a code")
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.json
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}, Arc::new(SystemClock)).await
    }

    /// With other settings and another clock.
    pub async fn start_with(change: impl FnOnce(&mut Config), clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::default();
        let inside = |name: &str| folder.path().join(name);
        config.database.url = format!("sqlite:{}", inside("parcours.db").display());
        config.storage.artefacts = inside("models");
        config.storage.secrets = inside("secrets");
        config.storage.ledger = inside("ledger.jsonl");
        config.server.address = ([127, 0, 0, 1], 0).into();
        config.jobs.refresh_cron = String::new();
        config.jobs.poll_ms = 20;
        change(&mut config);
        config.check().expect("a configuration that works");
        let store = Store::connect(&config.database).await.expect("a database");
        let app = App::new(config, store, Secrets::from_seed(7), clock);
        let server = Server::bind(app.clone()).await.expect("a free port");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut this = Self { app, address, key: String::new(), folder, client, stop: Some(stop), running: Some(running) };
        this.key = this.key_for("default", &Scope::ALL).await;
        // It answers once it has replayed the ledger, for which it needs the database's write lock: a test that takes the lock
        // before would keep it from starting.
        assert_eq!(this.send(this.request(Method::GET, "/livez")).await.status, 200);
        this
    }

    /// Makes a key of a tenant, and the tenant if it is new.
    pub async fn key_for(&self, tenant: &str, scopes: &[Scope]) -> String {
        let tenant = TenantId::parse(tenant).expect("a slug");
        let now = self.app.clock.now();
        let minted = auth::mint(&tenant, "test", scopes.to_vec(), now);
        let mut tx = self.app.store.write().await.expect("a unit of work");
        tenants::ensure(&mut tx, &tenant, now).await.expect("a tenant");
        keys::insert(&mut tx, &minted.key, &minted.secret_hash).await.expect("a key");
        tx.commit().await.expect("a commit");
        minted.secret
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without a key.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a text");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, text, json }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path).bearer_auth(&self.key)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.post_as(&self.key, path, body).await
    }

    pub async fn post_as(&self, key: &str, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).bearer_auth(key).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).bearer_auth(&self.key).json(&body)).await
    }

    /// A body exactly as given.
    pub async fn post_raw(&self, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.request(Method::POST, path).bearer_auth(&self.key).header("content-type", media_type).body(body);
        self.send(request).await
    }

    pub fn learner<'a>(&'a self, id: &'a str) -> Learner<'a> {
        Learner { app: self, id }
    }

    /// Stops the service as SIGTERM would.
    pub async fn stop(mut self) -> tempfile::TempDir {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.expect("the server's task").expect("a graceful end");
        }
        self.folder
    }
}

/// A learner who does things: `app.learner("ada").answered("2+2", true).await`.
pub struct Learner<'a> {
    app: &'a TestApp,
    id: &'a str,
}

impl Learner<'_> {
    /// Answers an item now.
    pub async fn answered(&self, item: &str, correct: bool) -> &Self {
        let event = answer(self.id, item, correct, &self.app.app.clock.now().to_rfc3339());
        let report = self.app.post("/v1/events", json!([event])).await.ok();
        assert_eq!(report["accepted"], 1, "{report}");
        self
    }

    pub async fn recommendations(&self, count: u32) -> Value {
        self.app.post("/v1/recommendations", json!({ "learner_id": self.id, "count": count })).await.ok()
    }

    pub async fn knowledge(&self) -> Value {
        self.app.post("/v1/knowledge", json!({ "learner_id": self.id })).await.ok()
    }
}

/// A native attempt with an id of its own.
pub fn answer(learner: &str, item: &str, correct: bool, occurred_at: &str) -> Value {
    json!({
        "id": uuid::Uuid::now_v7(),
        "learner_id": learner,
        "item_id": item,
        "kind": "attempt",
        "occurred_at": occurred_at,
        "correct": correct,
    })
}
