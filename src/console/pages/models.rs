//! Versions, and what may be done with them.

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Confirmed, Page, Told, audit, back_to, check};
use crate::api::{ApiState, Code, Problem};
use crate::console::session::SignedIn;
use crate::console::view::{Lang, number, page, time};
use crate::console::words::word;
use crate::domain::job::JobPayload;
use crate::domain::model::{VersionRow, VersionState};
use crate::domain::{ModelVersion, Scope};
use crate::learning::registry::{Promotion, Registry};
use crate::store::{jobs, models};

const MAY: &[Scope] = &[Scope::Train, Scope::Admin];

pub async fn show(State(state): State<ApiState>, by: SignedIn, Query(told): Query<Told>) -> Page {
    let rows = models::list(&mut state.app.store.read().await?, &by.caller.tenant).await?;
    let versions: Vec<_> = rows.iter().map(|row| describe(by.lang, row)).collect();
    Ok(page(&by, "models.html", "models", json!({ "versions": versions, "done": told.done })))
}

/// A version in words and figures.
pub fn describe(lang: Lang, row: &VersionRow) -> Value {
    let word = |state: &str| word(lang, &format!("state_{state}")).unwrap_or_default();
    let members: Vec<_> = row
        .members
        .iter()
        .map(|member| {
            json!({
                "shard": member.shard.0,
                "state": member.state.as_str(),
                "word": word(member.state.as_str()),
                "learners": number(member.learners),
                "answers": number(member.answers),
            })
        })
        .collect();
    let measured = |set: &str, name: &str| row.metrics.get(set)?.get(name)?.as_f64().map(|value| format!("{value:.4}"));
    json!({
        "version": row.version,
        "state": row.state.as_str(),
        "word": word(row.state.as_str()),
        "may_serve": row.state != VersionState::Serving,
        "created": time(row.created_at),
        "promoted": row.promoted_at.map(time),
        "members": members,
        "auc": measured("held_out", "auc"),
        "log_loss": measured("held_out", "log_loss"),
        "accuracy": measured("held_out", "accuracy"),
        "baseline_auc": measured("baseline", "auc"),
        "baseline_log_loss": measured("baseline", "log_loss"),
    })
}

#[derive(Deserialize)]
pub struct RefreshForm {
    csrf: String,
    #[serde(default)]
    full: Option<String>,
}

pub async fn refresh(State(state): State<ApiState>, by: SignedIn, Form(form): Form<RefreshForm>) -> Page {
    if let Err(refused) = check(&by, &form.csrf, MAY) {
        return Ok(refused);
    }
    let (tenant, now) = (&by.caller.tenant, state.app.clock.now());
    let full = form.full.is_some();
    let mut tx = state.app.store.write().await?;
    let payload = JobPayload::Refresh { full, promote: true };
    let id = jobs::enqueue(&mut tx, tenant, &payload, Some(&format!("refresh:{full}:true")), now, now).await?;
    crate::store::audit::append(&mut tx, tenant, &audit(&by, now, "model.refresh", id)).await?;
    tx.commit().await?;
    Ok(back_to("jobs", "queued"))
}

#[derive(Deserialize)]
pub struct PromoteForm {
    csrf: String,
    version: String,
}

pub async fn promote(State(state): State<ApiState>, by: SignedIn, Form(form): Form<PromoteForm>) -> Page {
    if let Err(refused) = check(&by, &form.csrf, MAY) {
        return Ok(refused);
    }
    let done = registry(&state).promote(&by.caller.tenant, &ModelVersion(form.version), &by.caller.key_id.to_string()).await?;
    match done {
        Promotion::Promoted => Ok(back_to("models", "promoted")),
        Promotion::Stale(_) => {
            Err(Problem::new(Code::Conflict, "the data of some shards changed since this version was trained; refresh instead").into())
        }
    }
}

pub async fn rollback(State(state): State<ApiState>, by: SignedIn, Form(form): Form<Confirmed>) -> Result<Response, Response> {
    check(&by, &form.csrf, MAY)?;
    let done = registry(&state).rollback(&by.caller.tenant, None, &by.caller.key_id.to_string()).await;
    match done {
        Ok(_) => Ok(back_to("models", "rolled_back")),
        Err(error) => Err(crate::console::view::Failure::from(error).into_response()),
    }
}

fn registry(state: &ApiState) -> Registry {
    let app = &state.app;
    Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config)
}
