//! A learner's rights: acting on them, and where requests stand.

use axum::extract::{Form, Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Page, Told, back_to, check};
use crate::api::{ApiState, Problem};
use crate::console::session::SignedIn;
use crate::console::view::{page, time};
use crate::console::words::word;
use crate::domain::{LearnerId, Scope};
use crate::privacy::consent::Source;
use crate::privacy::rights::Rights;
use crate::store::rights;

pub async fn show(State(state): State<ApiState>, by: SignedIn, Query(told): Query<Told>) -> Page {
    let requests = rights::list(&mut state.app.store.read().await?, &by.caller.tenant, 100).await?;
    let shown: Vec<_> = requests
        .iter()
        .map(|request| {
            json!({
                "id": request.id,
                "step": request.step.as_str(),
                "word": word(by.lang, &format!("state_{}", request.step.as_str())).unwrap_or_default(),
                "received": time(request.received_at),
                "due": time(request.due_at),
                "unreadable": request.unreadable_at.map(time),
                "clean": request.clean_at.map(time),
                "completed": request.completed_at.map(time),
                "error": request.error,
                "has_receipt": request.receipt.is_some(),
            })
        })
        .collect();
    let may = by.may(&[Scope::Privacy]);
    Ok(page(&by, "rights.html", "rights", json!({ "requests": shown, "may": may, "done": told.done })))
}

/// No `Debug`: it holds a learner id.
#[derive(Deserialize)]
pub struct Wish {
    csrf: String,
    learner_id: String,
    action: Action,
    #[serde(default)]
    sure: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    OptOut,
    OptIn,
    Erase,
}

pub async fn ask(State(state): State<ApiState>, by: SignedIn, Form(wish): Form<Wish>) -> Page {
    if let Err(refused) = check(&by, &wish.csrf, &[Scope::Privacy]) {
        return Ok(refused);
    }
    if wish.action == Action::Erase && wish.sure.is_none() {
        return Err(Problem::field("sure", "an erasure cannot be undone: tick the box").into());
    }
    let learner = LearnerId::parse(wish.learner_id.trim()).map_err(|error| Problem::invalid_id("learner_id", &error))?;
    let app = &state.app;
    let rights = Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
    let (tenant, actor) = (by.caller.tenant.clone(), by.caller.key_id.to_string());
    let source = Source { text_version: None, channel: "console".into(), actor: actor.clone() };
    // On a task of its own: a browser that goes away must not stop it half-way.
    let done = tokio::spawn(async move {
        match wish.action {
            Action::Erase => rights.erase(&tenant, &learner, &actor).await.map(|_| "erased"),
            Action::OptOut => rights.opt_out(&tenant, &learner, &source).await.map(|_| "opted_out"),
            Action::OptIn => rights.opt_in(&tenant, &learner, &source).await.map(|_| "opted_in"),
        }
    })
    .await
    .map_err(|error| anyhow::anyhow!("the request's task ended: {error}"))??;
    Ok(back_to("rights", done))
}

pub async fn receipt(State(state): State<ApiState>, by: SignedIn, Path(id): Path<Uuid>) -> Page {
    let request = rights::get(&mut state.app.store.read().await?, &by.caller.tenant, id).await?;
    let receipt = request.and_then(|request| request.receipt).ok_or_else(|| Problem::not_found("receipt yet"))?;
    let file = format!("attachment; filename=\"parcours-receipt-{id}.json\"");
    let text = serde_json::to_string_pretty(&receipt).map_err(anyhow::Error::from)?;
    Ok(([(header::CONTENT_TYPE, "application/json".to_string()), (header::CONTENT_DISPOSITION, file)], text).into_response())
}
