//! `parcours bench ingest`: how many events a second the real route stores, durably.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use uuid::Uuid;

use super::Globals;
use crate::api::auth;
use crate::app::App;
use crate::domain::{Micros, Scope, TenantId};
use crate::ingest::write::IngestReport;
use crate::server::Server;
use crate::store::{Backend, keys, tenants};

/// Events a second through `POST /v1/events`, each batch acknowledged when it is safe on disk.
///
/// Starts the service on a free port. SQLite: a database of its own, beside the configured one and removed afterwards, so the same
/// disk is measured. Postgres (`--database-url postgres://…`): that database, under a tenant of its own that is removed afterwards.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many events to send.
    #[arg(long, default_value_t = 200_000)]
    events: usize,
    /// Events in one request.
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Requests under way at once.
    #[arg(long, default_value_t = 4)]
    clients: usize,
    #[arg(long, default_value_t = 2_000)]
    learners: usize,
    #[arg(long, default_value_t = 1_000)]
    items: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub async fn run(args: Args, mut globals: Globals) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.events > 0 && args.batch > 0 && args.clients > 0 && args.learners > 0 && args.items > 0,
        "every number must be positive"
    );
    anyhow::ensure!(
        args.batch <= globals.config.ingest.max_batch,
        "a batch has at most {} events (ingest.max_batch)",
        globals.config.ingest.max_batch
    );
    let scratch = scratch_folder(&globals)?;
    if globals.config.database.url.starts_with("sqlite:") {
        globals.config.database.url = format!("sqlite:{}", scratch.path().join("bench.db").display());
    }
    globals.config.storage.secrets = scratch.path().join("secrets");
    globals.config.storage.artefacts = scratch.path().join("models");
    globals.config.storage.ledger = scratch.path().join("rights-ledger.jsonl");
    globals.config.server.address = ([127, 0, 0, 1], 0).into();
    globals.config.jobs.refresh_cron.clear();

    let app = globals.open().await?;
    let backend = app.store.backend();
    let (tenant, secret) = tenant_with_key(&app).await?;
    let server = Server::bind(app.clone()).await?;
    let url = format!("http://{}/v1/events", server.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async move { drop(stopped.await) }));

    eprintln!("making {} events in batches of {}", args.events, args.batch);
    let bodies = Arc::new(bodies(&args, app.clock.now()));
    let outcome = send(&args, &url, &secret, bodies).await;
    if backend == Backend::Postgres {
        let mut tx = app.store.write().await?;
        tenants::remove(&mut tx, &tenant).await?;
        tx.commit().await?;
    }
    drop(stop);
    serving.await??;
    let (seconds, mut waits) = outcome?;
    waits.sort_unstable();
    let wait_ms = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let rate = args.events as f64 / seconds;
    let result = json!({
        "events_per_second": rate.round(),
        "backend": backend.as_str(),
        "batch": args.batch,
        "events": args.events,
        "clients": args.clients,
        "seconds": seconds,
        "batch_p50_ms": wait_ms(0.5),
        "batch_p99_ms": wait_ms(0.99),
    });
    globals.print(&result, || {
        format!(
            "{rate:.0} events a second ({} events in {seconds:.2} s, batches of {}, {} at once, {}); a batch took {:.1} ms (median), {:.1} ms (p99)",
            args.events,
            args.batch,
            args.clients,
            backend.as_str(),
            wait_ms(0.5),
            wait_ms(0.99)
        )
    })
}

/// On the disk of the configured database.
fn scratch_folder(globals: &Globals) -> anyhow::Result<tempfile::TempDir> {
    let file =
        globals.config.database.url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//").split('?').next().unwrap_or_default());
    let folder = file.map(std::path::Path::new).and_then(std::path::Path::parent).filter(|folder| folder.is_dir());
    let builder = tempfile::Builder::new();
    match folder {
        Some(folder) => builder.tempdir_in(folder).with_context(|| format!("cannot make a folder in {}", folder.display())),
        None => builder.tempdir().context("cannot make a temporary folder"),
    }
}

async fn tenant_with_key(app: &App) -> anyhow::Result<(TenantId, String)> {
    let tenant = TenantId::parse(format!("bench-{}", Uuid::now_v7().simple()))?;
    let now = app.clock.now();
    let minted = auth::mint(&tenant, "bench", vec![Scope::Ingest], now);
    let mut tx = app.store.write().await?;
    tenants::ensure(&mut tx, &tenant, now).await?;
    keys::insert(&mut tx, &minted.key, &minted.secret_hash).await?;
    tx.commit().await?;
    Ok((tenant, minted.secret))
}

/// Request bodies (NDJSON): answers of random learners to random items over the last weeks, each learner's in order.
fn bodies(args: &Args, now: Micros) -> Vec<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let first = now.plus_days(-30);
    let step = 29 * Micros::DAY / args.events as i64;
    let numbers: Vec<usize> = (0..args.events).collect();
    numbers
        .chunks(args.batch)
        .map(|batch| {
            let mut body = Vec::with_capacity(batch.len() * 200);
            for &number in batch {
                let event = answer(&mut rng, args, number, Micros(first.0 + step * number as i64));
                body.extend_from_slice(event.to_string().as_bytes());
                body.push(b'\n');
            }
            body
        })
        .collect()
}

fn answer(rng: &mut impl Rng, args: &Args, number: usize, at: Micros) -> serde_json::Value {
    json!({
        "id": format!("event-{number}"),
        "learner_id": format!("learner-{}", rng.random_range(0..args.learners)),
        "item_id": format!("item-{}", rng.random_range(0..args.items)),
        "kind": "attempt",
        "occurred_at": at.to_rfc3339(),
        "correct": rng.random_bool(0.65),
        "response_ms": rng.random_range(1_000..90_000),
        "attempt_number": rng.random_range(1..4),
    })
}

/// Sends every body once, `clients` at a time: the time it took in all, and for each.
async fn send(args: &Args, url: &str, secret: &str, bodies: Arc<Vec<Vec<u8>>>) -> anyhow::Result<(f64, Vec<Duration>)> {
    let next = Arc::new(AtomicUsize::new(0));
    let client = reqwest::Client::new();
    let began = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..args.clients {
        let (client, next, bodies) = (client.clone(), Arc::clone(&next), Arc::clone(&bodies));
        let (url, secret) = (url.to_owned(), secret.to_owned());
        clients.spawn(async move {
            let mut waits = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let began = Instant::now();
                let response =
                    client.post(&url).bearer_auth(&secret).header("content-type", "application/x-ndjson").body(body.clone()).send().await?;
                let status = response.status();
                let text = response.text().await?;
                anyhow::ensure!(status.is_success(), "the service answered {status}: {text}");
                let report: IngestReport = serde_json::from_str(&text)?;
                anyhow::ensure!(
                    report.accepted == report.events.len(),
                    "{} of {} events were not accepted",
                    report.events.len() - report.accepted,
                    report.events.len()
                );
                waits.push(began.elapsed());
            }
            Ok(waits)
        });
    }
    let mut waits = Vec::new();
    while let Some(done) = clients.join_next().await {
        waits.extend(done??);
    }
    Ok((began.elapsed().as_secs_f64(), waits))
}
