//! `Idempotency-Key`: sending a request again gives the first answer again and does nothing twice.
//!
//! For routes that change something and have no id of their own to tell a repetition by (events do). Answers are kept in
//! memory for a day, so a restart forgets them; none of these answers is about a learner's knowledge or holds a secret, so
//! keeping them is harmless. The key counts per API key and route; a key that was revoked replays nothing.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lru::LruCache;

use super::{ApiState, Code, Problem, auth, extract};
use crate::domain::hash::{Digest, Hasher};

/// Routes it works on. Not `/v1/keys`, whose answer is a secret, and nothing that answers about a learner.
pub const ROUTES: [&str; 7] = [
    "/v1/admin/refresh",
    "/v1/admin/rollback",
    "/v1/feedback",
    "/v1/models/{version}/promote",
    "/v1/privacy/erasures",
    "/v1/privacy/opt-in",
    "/v1/privacy/opt-out",
];
pub const HEADER: &str = "idempotency-key";
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const MOST: NonZeroUsize = NonZeroUsize::new(10_000).expect("above 0");

#[derive(Clone)]
enum Entry {
    Running,
    Done { status: StatusCode, headers: HeaderMap, body: Bytes, at: Instant },
}

/// What was answered lately, by (API key, route, idempotency key), with the hash of the body it answered.
#[derive(Clone)]
pub struct Replays(Arc<Mutex<LruCache<Digest, (Digest, Entry)>>>);

impl Default for Replays {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MOST))))
    }
}

impl Replays {
    fn entries(&self) -> MutexGuard<'_, LruCache<Digest, (Digest, Entry)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a request that ended without an answer worth keeping, even if it was dropped half-way.
struct Running<'a> {
    replays: &'a Replays,
    key: Digest,
    kept: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.replays.entries().pop(&self.key);
        }
    }
}

/// The middleware. Requests without the header pass untouched.
pub async fn replay(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    match try_replay(state, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn try_replay(state: ApiState, request: Request, next: Next) -> Result<Response, Problem> {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_string()).unwrap_or_default();
    let (Some(wish), true) = (request.headers().get(HEADER), request.method() == Method::POST && ROUTES.contains(&route.as_str())) else {
        return Ok(next.run(request).await);
    };
    let wish = wish.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
    let wish = wish.ok_or_else(|| Problem::new(Code::InvalidParameter, "Idempotency-Key must be 1 to 255 visible ASCII characters"))?;
    // A stranger or a revoked key goes on to be refused.
    let caller = match auth::presented(request.headers()) {
        Some(secret) => auth::find(&state.app, &secret).await?,
        None => None,
    };
    let Some(caller) = caller else { return Ok(next.run(request).await) };
    let mut name = Hasher::new("parcours 2026 idempotency");
    name.part(caller.key_id.as_bytes()).part(request.uri().path().as_bytes()).part(wish.as_bytes());
    let key = name.finish();

    let (parts, body) = request.into_parts();
    let bytes = extract::read(Request::from_parts(parts.clone(), body), state.app.config.server.max_small_body_kib * 1024).await?;
    let digest = Hasher::new("parcours 2026 idempotent body").part(&bytes).finish();
    {
        let mut entries = state.replays.entries();
        match entries.get(&key).cloned() {
            Some((known, _)) if known != digest => {
                return Err(Problem::new(Code::Conflict, "this Idempotency-Key was used for another body"));
            }
            Some((_, Entry::Running)) => {
                return Err(
                    Problem::new(Code::Conflict, "the first request with this Idempotency-Key is still being worked on").retry_after(1)
                );
            }
            Some((_, Entry::Done { status, headers, body, at })) if at.elapsed() < KEPT => {
                let mut response = (status, body).into_response();
                response.headers_mut().extend(headers);
                response.headers_mut().insert(HeaderName::from_static("idempotent-replayed"), header::HeaderValue::from_static("true"));
                return Ok(response);
            }
            _ => drop(entries.put(key, (digest, Entry::Running))),
        }
    }
    let mut running = Running { replays: &state.replays, key, kept: false };
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(anyhow::Error::from)?;
    let headers =
        [header::CONTENT_TYPE, header::LOCATION].into_iter().filter_map(|name| Some((name.clone(), parts.headers.get(&name)?.clone())));
    let entry = Entry::Done { status: parts.status, headers: headers.collect(), body: body.clone(), at: Instant::now() };
    state.replays.entries().put(key, (digest, entry));
    running.kept = true;
    Ok(Response::from_parts(parts, Body::from(body)))
}
