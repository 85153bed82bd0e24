//! `parcours demo`: from nothing to a recommendation in about a minute.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use flate2::read::GzDecoder;
use serde_json::json;

use super::{Globals, bar};
use crate::api::auth;
use crate::app::App;
use crate::config::Config;
use crate::domain::{Catalog, LearnerId, Scope, TenantId};
use crate::learning::registry::{Refreshed, Registry};
use crate::recommend::{RecommendationRequest, Recommendations};
use crate::server::{Server, stop_signal};
use crate::simulate::sample;
use crate::store::{catalog, keys};

/// Load a sample course with its learners, train a model, and serve it on this machine.
///
/// The demo has a database of its own, which is gone when it ends; nothing else is touched. With --folder it is kept, and a second
/// demo in the same folder goes on from there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen here.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    address: SocketAddr,
    /// Keep database, secrets and model in this folder.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// End after the first recommendation instead of serving.
    #[arg(long)]
    once: bool,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let began = Instant::now();
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let app = App::open(settings(&globals.config, &folder, args.address)).await?;
    // The address comes first: better to hear now that it is taken than after the training.
    let server = Server::bind(app.clone()).await?;
    let tenant = TenantId::default();

    let steps = bar::Bar::new();
    let loaded = sample::load_sample(&app.store, &app.secrets, &app.config.ingest, app.clock.now(), &tenant, |done, of| {
        steps.set(done as f64 / of.max(1) as f64, "loading the sample course and its events");
    })
    .await?;
    let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let refreshed = registry.refresh(&tenant, false, true, "cli", Arc::new(steps.clone())).await.context("training")?;
    steps.finish();

    let key = new_key(&app, &tenant).await?;
    let someone = first_learner()?;
    let subject = app.subject(&tenant, &LearnerId::parse(someone.clone())?).await?;
    let first = app.recommend(&subject, RecommendationRequest { count: 3, ..Default::default() }).await?;
    let seconds = began.elapsed().as_secs_f64();

    let catalog = catalog::load(&mut app.store.read().await?, &tenant).await?;
    let base = format!("http://{}", server.address());
    let shown = json!({
        "address": base,
        "key": key,
        "docs": format!("{base}/docs"),
        "console": format!("{base}/console"),
        "learner_id": someone,
        "events": loaded.events,
        "learners": loaded.learners,
        "items": catalog.items.len(),
        "evaluation": refreshed,
        "first_recommendation": first,
        "seconds_to_first_recommendation": seconds,
    });
    globals.print(&shown, || {
        let mut text = format!("{} events of {} learners on {} items.\n", loaded.events, loaded.learners, catalog.items.len());
        text += &evaluation(&refreshed);
        text += &recommendation(&first, &catalog, &someone, seconds);
        // Nobody answers once it is over.
        if !args.once {
            text += &calls(&base, &key, &someone, &first, &catalog);
        }
        text
    })?;
    if args.once {
        app.close().await;
        return Ok(());
    }
    server.run_until(stop_signal()).await
}

/// The settings given, with everything that is stored in `folder`.
fn settings(given: &Config, folder: &std::path::Path, address: SocketAddr) -> Config {
    let mut config = given.clone();
    config.database.url = format!("sqlite:{}", folder.join("parcours.db").display());
    config.storage.artefacts = folder.join("models");
    config.storage.secrets = folder.join("secrets");
    config.storage.ledger = folder.join("rights-ledger.jsonl");
    config.server.address = address;
    config
}

/// A key with every scope.
async fn new_key(app: &App, tenant: &TenantId) -> anyhow::Result<String> {
    let minted = auth::mint(tenant, "demo", Scope::ALL.to_vec(), app.clock.now());
    let mut tx = app.store.write().await?;
    keys::insert(&mut tx, &minted.key, &minted.secret_hash).await?;
    tx.commit().await?;
    Ok(minted.secret)
}

/// The learner of the sample's first event.
fn first_learner() -> anyhow::Result<String> {
    let mut line = String::new();
    BufReader::new(GzDecoder::new(sample::EVENTS)).read_line(&mut line).context("the sample events")?;
    let event: serde_json::Value = serde_json::from_str(&line).context("the sample events")?;
    event["learner_id"].as_str().map(str::to_string).context("the sample's first event names no learner")
}

/// The held-out evaluation beside the baseline.
fn evaluation(refreshed: &Refreshed) -> String {
    let mut text = super::train::summary(&refreshed.candidate);
    text.push_str(if refreshed.promoted { "\nIt is served.\n" } else { "\n" });
    text
}

fn recommendation(answer: &Recommendations, catalog: &Catalog, learner: &str, seconds: f64) -> String {
    let mut text = format!("\nFirst recommendation, {seconds:.1} s after the start, for {learner}:\n");
    for item in &answer.items {
        let titles = catalog.items.get(&item.item_id).map(|item| &item.titles);
        let title = titles.and_then(|titles| titles.en.as_deref().or(titles.fr.as_deref())).unwrap_or(item.item_id.as_str());
        let why = item.reasons.first().and_then(|reason| reason.text.en.as_deref()).unwrap_or_default();
        text += &format!("  {:<44} p(correct) {:.2}  {why}\n", title, item.p_correct);
    }
    text
}

/// A `curl` for each main call.
fn calls(base: &str, key: &str, learner: &str, answer: &Recommendations, catalog: &Catalog) -> String {
    let item = answer.items.first().map_or("item", |item| item.item_id.as_str());
    let goal = catalog.skills.keys().next_back().map_or("skill", |skill| skill.as_str());
    let post = |path: &str, body: serde_json::Value| {
        format!("curl -s {base}{path} -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' -d '{body}'\n")
    };
    let event = json!([{ "id": uuid::Uuid::now_v7(), "learner_id": learner, "item_id": item, "kind": "attempt",
        "occurred_at": crate::domain::Clock::now(&crate::domain::SystemClock), "correct": true }]);
    [
        format!("\nKEY={key}\n"),
        post("/v1/recommendations", json!({ "learner_id": learner, "count": 3 })),
        post("/v1/events", event),
        post("/v1/knowledge", json!({ "learner_id": learner })),
        post("/v1/predictions", json!({ "learner_id": learner, "items": [item] })),
        post("/v1/paths", json!({ "learner_id": learner, "goal_id": goal })),
        post("/v1/privacy/opt-out", json!({ "learner_id": learner })),
        post("/v1/privacy/erasures", json!({ "learner_id": learner })),
        format!("\nAPI page  {base}/docs\nConsole   {base}/console   (sign in with the key)\nStop with Ctrl-C.\n"),
    ]
    .concat()
}
