//! Signing in and out.

use std::sync::Arc;

use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, response};
use serde::Deserialize;
use serde_json::json;

use super::{Confirmed, Page, check};
use crate::api::{ApiState, auth};
use crate::console::session::{Sessions, SignedIn, closing_cookie, is_secure};
use crate::console::view::{Lang, render};
use crate::domain::Scope;

pub async fn form(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    render(StatusCode::OK, Lang::of(&headers, query.as_deref()), "sign_in.html", "", json!({ "wrong": false }))
}

#[derive(Deserialize)]
pub struct Credentials {
    key: String,
}

pub async fn sign_in(
    State(state): State<ApiState>,
    Extension(sessions): Extension<Arc<Sessions>>,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Page {
    let secret = credentials.key.trim();
    let caller = auth::find(&state.app, secret).await?;
    if !caller.is_some_and(|caller| caller.has_any(&[Scope::Admin])) {
        return Ok(render(StatusCode::UNAUTHORIZED, Lang::of(&headers, None), "sign_in.html", "", json!({ "wrong": true })));
    }
    let cookie = sessions.open(auth::hash(secret), is_secure(&headers));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/console")).into_response())
}

pub async fn sign_out(
    by: SignedIn,
    Extension(sessions): Extension<Arc<Sessions>>,
    Form(form): Form<Confirmed>,
) -> response::Result<Response> {
    check(&by, &form.csrf, &[Scope::Admin])?;
    sessions.close(&by.token);
    Ok(([(header::SET_COOKIE, closing_cookie())], Redirect::to("/console/sign-in")).into_response())
}
