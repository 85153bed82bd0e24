//! Long work and how far it is.

use axum::extract::{Form, Path, Query, State};
use serde_json::json;
use uuid::Uuid;

use super::{Confirmed, Page, Told, audit, back_to, check};
use crate::api::{ApiState, Code, Problem};
use crate::console::session::SignedIn;
use crate::console::view::{page, time};
use crate::console::words::word;
use crate::domain::Scope;
use crate::domain::job::{Job, JobPayload};
use crate::store::jobs;

pub async fn show(State(state): State<ApiState>, by: SignedIn, Query(told): Query<Told>) -> Page {
    let found = jobs::list(&mut state.app.store.read().await?, &by.caller.tenant, 100).await?;
    let shown: Vec<_> = found
        .iter()
        .map(|job| {
            json!({
                "id": job.id,
                "kind": job.payload.kind(),
                "state": job.state.as_str(),
                "word": word(by.lang, &format!("state_{}", job.state.as_str())).unwrap_or_default(),
                "percent": (job.progress.clamp(0.0, 1.0) * 100.0).round(),
                "message": job.message,
                "created": time(job.created_at),
                "may_cancel": !job.state.is_final() && !job.cancel_requested && may_be_cancelled(job),
            })
        })
        .collect();
    let busy = found.iter().any(|job| !job.state.is_final());
    let follow = told.follow.is_some() && busy;
    Ok(page(&by, "jobs.html", "jobs", json!({ "jobs": shown, "busy": busy, "follow": follow, "done": told.done })))
}

/// A learner's right depends on the others.
fn may_be_cancelled(job: &Job) -> bool {
    matches!(job.payload, JobPayload::Refresh { .. } | JobPayload::Purge { .. })
}

pub async fn cancel(State(state): State<ApiState>, by: SignedIn, Path(id): Path<Uuid>, Form(form): Form<Confirmed>) -> Page {
    if let Err(refused) = check(&by, &form.csrf, &[Scope::Train, Scope::Admin]) {
        return Ok(refused);
    }
    let (tenant, now) = (&by.caller.tenant, state.app.clock.now());
    let mut tx = state.app.store.write().await?;
    let job = jobs::get(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("such job"))?;
    if !may_be_cancelled(&job) || !jobs::request_cancel(&mut tx, tenant, id, now).await? {
        return Err(Problem::new(Code::Conflict, "this job cannot be cancelled, or is over").into());
    }
    crate::store::audit::append(&mut tx, tenant, &audit(&by, now, "job.cancel", id)).await?;
    tx.commit().await?;
    Ok(back_to("jobs", "cancelled"))
}
