//! One file a page.

pub mod jobs;
pub mod models;
pub mod overview;
pub mod quarantine;
pub mod rights;
pub mod sign_in;

use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::session::SignedIn;
use super::view::{self, Failure};
use crate::domain::Scope;

type Page = Result<Response, Failure>;

/// `?done=`: what was just done. `?follow=1`: keep the page up to date.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    done: Option<String>,
    follow: Option<String>,
}

/// A form with nothing but the session's token.
#[derive(Debug, Deserialize)]
pub struct Confirmed {
    csrf: String,
}

/// After a form: back to a page, which says what was done.
fn back_to(page: &str, done: &str) -> Response {
    Redirect::to(&format!("/console/{page}?done={done}")).into_response()
}

/// Refuses a form that was not sent from one of our pages, or for which the key has no scope.
#[expect(clippy::result_large_err, reason = "made once a refused form; boxing it would only move the cost")]
fn check(by: &SignedIn, csrf: &str, scopes: &[Scope]) -> Result<(), Response> {
    if !by.sent(csrf) {
        return Err(view::refused("this form is out of date; go back, reload and send it again"));
    }
    if !by.may(scopes) {
        return Err(view::refused("your key lacks the scope for this"));
    }
    Ok(())
}

fn audit(by: &SignedIn, at: crate::domain::Micros, action: &str, object: impl ToString) -> crate::store::audit::AuditEntry {
    crate::store::audit::AuditEntry { at, actor: by.caller.key_id.to_string(), action: action.into(), object: object.to_string() }
}
