//! `parcours bench erase`: how fast, how dear and how exact an erasure is, on simulated learners.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{Globals, bar, measure};
use crate::app::App;
use crate::config::Config;
use crate::domain::rights::ErasureStep;
use crate::domain::{LearnerId, TenantId};
use crate::ingest::catalog::{self, CatalogFormat};
use crate::ingest::{Batch, NativeEvent, write};
use crate::learning::registry::{Registry, RetrainedMember};
use crate::privacy::{Rights, receipt};
use crate::recommend::RecommendationRequest;
use crate::simulate::{Cohort, sample};
use crate::store::{models, rights, tenants};

/// Erasure: time until unreadable and clean, cost of the retrain, accuracy before, meanwhile and after, equality to the byte.
///
/// Simulated learners fill a database of its own, removed afterwards. Each case erases one and sees it through. In the end a
/// second database that never met any of them is trained, and the members are compared byte for byte.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 1_200)]
    learners: usize,
    /// Learners to erase, one after the other.
    #[arg(long, default_value_t = 20)]
    cases: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

struct Case {
    unreadable_ms: f64,
    clean_ms: f64,
    retrain: RetrainedMember,
    cpu_seconds: f64,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    anyhow::ensure!(args.cases > 0 && args.cases * 2 < args.learners, "more learners than twice the cases, please");
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tenant = TenantId::default();
    let mut victims: Vec<usize> = (0..args.learners).collect();
    victims.shuffle(&mut ChaCha8Rng::seed_from_u64(args.seed));
    let (victims, others) = victims.split_at(args.cases);
    let bystander = Cohort::new(args.learners, args.seed).biography(others[0]).id;

    let bar = bar::Bar::new();
    bar.set(0.0, "simulating");
    let app = school(&globals.config, scratch.path(), "school", &tenant, &args, &[]).await?;
    let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let cpu = measure::cpu_seconds();
    let trained = registry.refresh(&tenant, false, true, "bench", Arc::new(bar.clone())).await?;
    let full_cpu = measure::cpu_seconds() - cpu;
    anyhow::ensure!(trained.promoted, "the simulated learners are too few to train on: {}", trained.reason);
    let before = registry.judge_served(&tenant).await?.context("nobody is held out")?;

    let mut cases: Vec<Case> = Vec::new();
    let mut quarantined = None;
    for (number, victim) in victims.iter().enumerate() {
        bar.set(number as f64 / args.cases as f64, "erasing");
        let name = Cohort::new(args.learners, args.seed).biography(*victim).id;
        let (unreadable_ms, clean_ms, request) = erase(&app, &tenant, &name, &bystander).await?;
        if quarantined.is_none() {
            quarantined = registry.judge_served(&tenant).await?;
        }
        let cpu = measure::cpu_seconds();
        crate::jobs::run_pending(&app).await?;
        let cpu_seconds = measure::cpu_seconds() - cpu;
        let done = rights::get(&mut app.store.read().await?, &tenant, request).await?.context("the request is gone")?;
        anyhow::ensure!(done.step == ErasureStep::Completed, "an erasure did not complete: {:?}", done.error);
        let text = done.receipt.unwrap_or_default().to_string();
        receipt::verify(text.as_bytes(), None).context("the receipt does not hold")?;
        let retrain = retrained(&app, &tenant).await?;
        cases.push(Case { unreadable_ms, clean_ms, retrain, cpu_seconds });
    }
    let after = registry.judge_served(&tenant).await?.context("nobody is held out")?;

    bar.set(0.0, "training a world that never met them");
    let never_met = school(&globals.config, scratch.path(), "never-met", &tenant, &args, victims).await?;
    let other = Registry::new(never_met.store.clone(), never_met.secrets.clone(), never_met.clock.clone(), &never_met.config);
    other.refresh(&tenant, false, true, "bench", Arc::new(bar.clone())).await?;
    let byte_equal = members(&registry, &tenant).await? == members(&other, &tenant).await?;
    bar.finish();

    let mean = |of: &dyn Fn(&Case) -> f64| cases.iter().map(of).sum::<f64>() / cases.len() as f64;
    let p99 = |of: &dyn Fn(&Case) -> f64| measure::percentile(cases.iter().map(of).collect(), 0.99);
    let answers = trained.candidate.answers as f64;
    let shown = json!({
        "unreadable_p99_ms": p99(&|case| case.unreadable_ms),
        "clean_p99_ms": p99(&|case| case.clean_ms),
        "shard_share": mean(&|case| case.retrain.answers as f64 / answers),
        "retrain_step_ratio": mean(&|case| case.retrain.steps as f64) / trained.candidate.steps as f64,
        "retrain_cpu_ratio": mean(&|case| case.cpu_seconds) / full_cpu,
        "auc_before": before.metrics.auc,
        "auc_quarantined": quarantined.and_then(|judgement| judgement.metrics.auc),
        "auc_after": after.metrics.auc,
        "byte_equal": byte_equal,
        "cases": cases.len(),
        "learners": args.learners,
        "answers": trained.candidate.answers,
        "members": trained.candidate.shards,
        "full_training_cpu_seconds": full_cpu,
    });
    never_met.close().await;
    app.close().await;
    globals.print(&shown, || {
        let line = |(name, value): (&String, &serde_json::Value)| format!("{name:<26} {value}");
        shown.as_object().map(|fields| fields.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap_or_default()
    })
}

/// A service with the sample course and the simulated learners but for `absent`. All schools share their secrets.
async fn school(config: &Config, folder: &Path, name: &str, tenant: &TenantId, args: &Args, absent: &[usize]) -> anyhow::Result<App> {
    let mut config = config.clone();
    config.database.url = format!("sqlite:{}", folder.join(format!("{name}.db")).display());
    config.storage.secrets = folder.join("secrets");
    config.storage.artefacts = folder.join(name);
    config.storage.ledger = folder.join(format!("{name}-ledger.jsonl"));
    let app = App::open(config).await?;
    let mut tx = app.store.write().await?;
    tenants::ensure(&mut tx, tenant, app.clock.now()).await?;
    tx.commit().await?;
    catalog::put(&app.store, tenant, sample::CATALOG, CatalogFormat::Json).await.context("the sample catalogue")?;
    let cohort = Cohort::new(args.learners, args.seed);
    let mut waiting: Vec<NativeEvent> = Vec::new();
    for number in 0..args.learners {
        if !absent.contains(&number) {
            waiting.extend(cohort.biography(number).events);
        }
        if waiting.len() >= 5_000 || number + 1 == args.learners {
            let now = app.clock.now();
            let batch = Batch::of(std::mem::take(&mut waiting), &app.config.ingest, now)?;
            let report = write::write(&app.store, &app.secrets, now, tenant, batch).await?;
            anyhow::ensure!(report.quarantined == 0 && report.conflicts == 0, "a simulated event was refused");
        }
    }
    Ok(app)
}

/// Milliseconds from the wish until nothing of the learner can be read, and until another learner's recommendation is made by
/// members that never saw them.
async fn erase(app: &App, tenant: &TenantId, name: &str, bystander: &str) -> anyhow::Result<(f64, f64, uuid::Uuid)> {
    let (learner, bystander) = (LearnerId::parse(name)?, LearnerId::parse(bystander)?);
    // Both are warm, as in a service that has been running.
    for learner in [&learner, &bystander] {
        let subject = app.subject(tenant, learner).await?;
        app.recommend(&subject, RecommendationRequest::default()).await?;
    }
    let rights = Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let started = Instant::now();
    let request = rights.erase(tenant, &learner, "bench").await?;
    let gone = rights.is_erased(&mut app.store.read().await?, tenant, &learner).await?;
    anyhow::ensure!(gone, "an erased learner can still be read");
    let unreadable_ms = started.elapsed().as_secs_f64() * 1e3;
    let subject = app.subject(tenant, &bystander).await?;
    app.recommend(&subject, RecommendationRequest::default()).await?;
    Ok((unreadable_ms, started.elapsed().as_secs_f64() * 1e3, request.id))
}

/// The member the last job trained.
async fn retrained(app: &App, tenant: &TenantId) -> anyhow::Result<RetrainedMember> {
    let serving = models::serving(&mut app.store.read().await?, tenant).await?.context("nothing is served")?;
    let shard = serving.metrics.pointer("/retrained_shards/0").and_then(serde_json::Value::as_u64).context("nothing was retrained")?;
    let member = serving.members.get(usize::try_from(shard)?).context("a member of that shard")?;
    let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let steps = match member.weights {
        Some(weights) => registry.artefacts.manifest(tenant, &weights, &member.training_root)?.report.steps,
        None => 0,
    };
    Ok(RetrainedMember { shard: member.shard, weights: member.weights, answers: member.answers, steps })
}

/// Bytes of the served members, by shard.
async fn members(registry: &Registry, tenant: &TenantId) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
    let serving = models::serving(&mut registry.store.read().await?, tenant).await?.context("nothing is served")?;
    let read = |member: &crate::domain::model::MemberRow| {
        Ok(member.weights.map(|weights| registry.artefacts.read(tenant, &weights)).transpose()?)
    };
    serving.members.iter().map(read).collect()
}
