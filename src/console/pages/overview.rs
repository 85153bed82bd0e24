//! How things stand.

use axum::extract::State;
use serde_json::json;

use super::Page;
use super::models::describe;
use crate::api::{ApiState, health};
use crate::console::session::SignedIn;
use crate::console::view::{number, page};
use crate::store::{catalog, events, jobs, learners, models, quarantine};

pub async fn show(State(state): State<ApiState>, by: SignedIn) -> Page {
    let tenant = &by.caller.tenant;
    let mut tx = state.app.store.read().await?;
    let (learners, opted_out) = learners::count(&mut tx, tenant).await?;
    let (events, answers) = events::count(&mut tx, tenant).await?;
    let quarantined: i64 = quarantine::count_by_reason(&mut tx, tenant).await?.iter().map(|(_, count)| count).sum();
    let open_jobs = jobs::list(&mut tx, tenant, 200).await?.iter().filter(|job| !job.state.is_final()).count();
    let serving = models::serving(&mut tx, tenant).await?;
    let catalog = catalog::load(&mut tx, tenant).await?;
    drop(tx);
    let checks = health::check(&state).await.checks;
    let figure = |word: &str, value: i64, link: &str| json!({ "word": word, "value": number(value), "link": link });
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let figures = [
        figure("learners", learners, ""),
        figure("opted_out", opted_out, "/console/rights"),
        figure("events", events, ""),
        figure("answers", answers, ""),
        figure("items", size(catalog.items.len()), ""),
        figure("skills", size(catalog.skills.len()), ""),
        figure("quarantine", quarantined, "/console/quarantine"),
        figure("jobs_waiting", size(open_jobs), "/console/jobs"),
    ];
    let troubles: Vec<_> = checks.iter().filter_map(|check| check.problem.as_deref()).collect();
    let serving = serving.map(|row| describe(by.lang, &row));
    Ok(page(&by, "overview.html", "overview", json!({ "figures": figures, "serving": serving, "troubles": troubles })))
}
