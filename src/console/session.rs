//! Who is signed in. Sessions live in memory: a restart signs everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use super::view::{self, Lang};
use crate::api::ApiState;
use crate::api::auth::{self, Caller};
use crate::domain::Scope;
use crate::domain::hash::Digest;

const COOKIE: &str = "parcours_session";
/// Idle sessions end.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// Enough for any team; beyond it the idlest goes.
const MOST: usize = 1_000;

#[derive(Clone)]
struct Session {
    /// The key's hash: enough to find it again, not enough to use it.
    key: Digest,
    csrf: String,
    last_used: Instant,
}

#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Opens a session for a key; the cookie to set.
    pub fn open(&self, key: Digest, secure: bool) -> String {
        let token = hex::encode(rand::random::<[u8; 32]>());
        let csrf = hex::encode(rand::random::<[u8; 16]>());
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.last_used.elapsed() < IDLE);
        if sessions.len() >= MOST
            && let Some(idlest) = sessions.iter().min_by_key(|(_, session)| session.last_used).map(|(token, _)| token.clone())
        {
            sessions.remove(&idlest);
        }
        sessions.insert(token.clone(), Session { key, csrf, last_used: Instant::now() });
        cookie(&token, IDLE.as_secs(), secure)
    }

    fn touch(&self, token: &str) -> Option<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(token).filter(|session| session.last_used.elapsed() < IDLE)?;
        session.last_used = Instant::now();
        Some(session.clone())
    }

    pub fn close(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

fn cookie(token: &str, seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

/// The cookie that ends a session in the browser.
pub fn closing_cookie() -> String {
    cookie("", 0, false)
}

/// Behind a TLS-terminating proxy, cookies are for TLS alone.
pub fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

/// An admin who is signed in: an extractor. Others are sent to the sign-in page.
pub struct SignedIn {
    pub caller: Caller,
    pub lang: Lang,
    pub csrf: String,
    pub token: String,
}

impl SignedIn {
    /// Whether a form really came from one of our pages.
    pub fn sent(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }

    pub fn may(&self, scopes: &[Scope]) -> bool {
        self.caller.has_any(scopes)
    }
}

impl FromRequestParts<ApiState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Response> {
        let to_sign_in = || Redirect::to("/console/sign-in").into_response();
        let Extension(sessions) =
            Extension::<Arc<Sessions>>::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let token = view::cookie_value(&parts.headers, COOKIE).ok_or_else(to_sign_in)?;
        let session = sessions.touch(&token).ok_or_else(to_sign_in)?;
        let caller = auth::find_hashed(&state.app, &session.key).await.map_err(|error| view::failed(&error.into()))?;
        let Some(caller) = caller.filter(|caller| caller.has_any(&[Scope::Admin])) else {
            sessions.close(&token);
            return Err(to_sign_in());
        };
        Ok(Self { caller, lang: Lang::of(&parts.headers, parts.uri.query()), csrf: session.csrf, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_session_is_gone() {
        let sessions = Sessions::default();
        let cookie = sessions.open(Digest([1; 32]), true);
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.ends_with("Secure"), "{cookie}");
        let token = cookie.split(['=', ';']).nth(1).unwrap().to_string();
        assert!(sessions.touch(&token).is_some());
        sessions.close(&token);
        assert!(sessions.touch(&token).is_none());
    }
}
