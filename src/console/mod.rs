//! The admin's web console: pages made on the server, in French and English, that work without JavaScript and ask nobody else
//! for anything.
//!
//! An admin signs in with an API key that has the scope `admin`. The browser gets a session cookie (HttpOnly, SameSite=Strict);
//! every form carries the session's CSRF token. Keys are looked up again on every request, so a revoked key is out at once.
//! A learner id is typed into a form and travels in a body; no page and no address shows one.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::api::ApiState;

mod pages;
mod session;
mod view;
mod words;

/// The console's routes, all below `/console`.
pub fn routes() -> Router<ApiState> {
    Router::new()
        .route("/console", get(pages::overview::show))
        .route("/console/sign-in", get(pages::sign_in::form).post(pages::sign_in::sign_in))
        .route("/console/sign-out", post(pages::sign_in::sign_out))
        .route("/console/models", get(pages::models::show))
        .route("/console/models/refresh", post(pages::models::refresh))
        .route("/console/models/rollback", post(pages::models::rollback))
        .route("/console/models/promote", post(pages::models::promote))
        .route("/console/jobs", get(pages::jobs::show))
        .route("/console/jobs/{id}/cancel", post(pages::jobs::cancel))
        .route("/console/rights", get(pages::rights::show).post(pages::rights::ask))
        .route("/console/rights/{id}/receipt", get(pages::rights::receipt))
        .route("/console/quarantine", get(pages::quarantine::show))
        .route("/console/style.css", get(style))
        .layer(Extension(Arc::new(session::Sessions::default())))
        .layer(from_fn(guard))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// Nothing from elsewhere, nothing kept, no frames; a form sent from another site is refused whatever it carries.
async fn guard(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let from_elsewhere = request.method() != axum::http::Method::GET
        && request.headers().get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let mut response = if from_elsewhere { view::refused("this form was sent from another site") } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
