//! `parcours bench serve`: recommendations a second from the real service, beside the floor of its own bare JSON echo.
//!
//! `world` makes a course, learners and a trained model in a temporary database; the service runs in this process; `load` asks
//! it from a process of its own, so that the processor time measured here is the service's alone.

mod load;
mod usage;
mod world;

use std::time::Duration;

use anyhow::Context;
use axum::Json;
use axum::routing::post;
use serde::Serialize;

use super::Globals;
use crate::server::Server;
use load::{Asked, Plan};

/// Where the floor is measured.
const ECHO: &str = "/bench/echo";

/// Recommendations a second, beside the same server's bare JSON echo under the same load.
///
/// Makes a temporary SQLite database, a course, learners with a history, and a model with as many members as configured
/// (model.shards); every learner is asked for once before the clock starts, so learners are warm.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 1_000)]
    learners: usize,
    #[arg(long, default_value_t = 10_000)]
    items: usize,
    #[arg(long, default_value_t = 200)]
    skills: usize,
    /// Answers in each learner's history.
    #[arg(long, default_value_t = 50)]
    answers: usize,
    /// Requests under way at once; more than there are cores measure waiting, too.
    #[arg(long, default_value_t = 2)]
    clients: usize,
    /// How long each of the two measurements takes.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ask, as the plan on standard input says, and print what came of it: the half of the measurement that has a process of its own.
    #[arg(long, hide = true)]
    ask: bool,
}

/// The one object of `--json`.
#[derive(Debug, Serialize)]
struct Report {
    recommendations_per_second: f64,
    /// The same load on the same server's echo of the request.
    floor_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Processor time of the whole service (HTTP, database and recorder included) per recommendation; null where it cannot be read.
    cpu_ms_per_recommendation: Option<f64>,
    learners: usize,
    items: usize,
    members: usize,
    rss_mib: Option<f64>,
}

pub async fn run(args: Args, mut globals: Globals) -> anyhow::Result<()> {
    if args.ask {
        return load::ask().await;
    }
    anyhow::ensure!(
        args.learners > 0 && args.items > 0 && args.skills > 0 && args.answers > 0 && args.clients > 0 && args.seconds > 0,
        "every number must be positive"
    );
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    globals.config.database.url = format!("sqlite:{}", scratch.path().join("bench.db").display());
    globals.config.storage.secrets = scratch.path().join("secrets");
    globals.config.storage.artefacts = scratch.path().join("models");
    globals.config.storage.ledger = scratch.path().join("rights-ledger.jsonl");
    globals.config.server.address = ([127, 0, 0, 1], 0).into();
    globals.config.jobs.refresh_cron.clear();
    // One round shows every weight its job; how good they are does not change what they cost.
    globals.config.training.max_epochs = 1;

    let app = globals.open().await?;
    let world = world::World { learners: args.learners, items: args.items, skills: args.skills, answers: args.answers, seed: args.seed };
    let (tenant, key) = world.make(&app).await?;
    let echo = axum::Router::new().route(ECHO, post(|Json(body): Json<serde_json::Value>| async move { Json(body) }));
    let server = Server::bind(app.clone()).await?.with_extra(echo);
    let base = format!("http://{}", server.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async move { drop(stopped.await) }));

    let measured = measure(&args, &base, &key).await;
    let members = app.models.loaded(&tenant).map_or(0, |serving| serving.ground.predictor.members());
    drop(stop);
    serving.await??;
    let (floor, asked, cpu_seconds) = measured?;
    let report = Report {
        recommendations_per_second: asked.per_second(),
        floor_per_second: floor.per_second(),
        p50_ms: asked.p50_ms,
        p99_ms: asked.p99_ms,
        cpu_ms_per_recommendation: cpu_seconds.map(|seconds| seconds * 1e3 / asked.answers as f64),
        learners: args.learners,
        items: args.items,
        members,
        rss_mib: usage::resident_mib(),
    };
    globals.print(&report, || {
        format!(
            "{:.0} recommendations a second (the floor, an echo: {:.0}), median {:.2} ms, p99 {:.2} ms, {} clients; {} learners, {} items, {} members",
            report.recommendations_per_second, report.floor_per_second, report.p50_ms, report.p99_ms, args.clients, report.learners, report.items, report.members
        )
    })
}

/// The floor, the recommendations, and the processor seconds the service spent on the latter.
async fn measure(args: &Args, base: &str, key: &str) -> anyhow::Result<(Asked, Asked, Option<f64>)> {
    let plan = |path: &str, seconds| Plan {
        url: format!("{base}{path}"),
        key: key.to_string(),
        learners: args.learners,
        clients: args.clients,
        seconds,
        seed: args.seed,
    };
    let recommendations = "/v1/recommendations";
    eprintln!("asking for every learner once");
    // No time at all: each learner once, and the end.
    load::elsewhere(&plan(recommendations, 0)).await?;
    eprintln!("measuring the floor for {} s", args.seconds);
    let floor = load::elsewhere(&plan(ECHO, args.seconds)).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    eprintln!("measuring recommendations for {} s", args.seconds);
    let before = usage::cpu_seconds();
    let asked = load::elsewhere(&plan(recommendations, args.seconds)).await?;
    let spent = before.zip(usage::cpu_seconds()).map(|(before, after)| after - before);
    Ok((floor, asked, spent))
}
