//! What surrounds every request: an id, a measurement, a limit and a deadline.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::problem::REQUEST_ID;
use super::{ApiState, Code, Problem};

/// Gives the request an id (the client's, if it is a UUID: other texts may say who is asking), counts and times it.
pub async fn observe(request: Request, next: Next) -> Response {
    const HEADER: &str = "x-request-id";
    let id = request.headers().get(HEADER).and_then(|value| Uuid::parse_str(value.to_str().ok()?).ok()).unwrap_or_else(Uuid::now_v7);
    let method = request.method().clone();
    // The route's pattern, never the address itself: it is bounded, and it names nobody.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "(none)".to_string(), |path| path.as_str().to_string());
    let began = Instant::now();
    let mut response = REQUEST_ID.scope(id, next.run(request)).await;
    let (seconds, status) = (began.elapsed().as_secs_f64(), response.status());
    metrics::histogram!("parcours_request_seconds", "route" => route.clone()).record(seconds);
    metrics::counter!("parcours_requests_total", "route" => route.clone(), "method" => method.to_string(), "status" => status.as_str().to_string())
        .increment(1);
    let ms = (seconds * 1e6).round() / 1e3;
    if status.is_client_error() || status.is_server_error() {
        tracing::info!(request_id = %id, %method, route, status = status.as_u16(), ms, "refused");
    } else {
        tracing::debug!(request_id = %id, %method, route, status = status.as_u16(), ms, "answered");
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Lets at most `server.max_in_flight` requests be worked on; the others are told to come back, at once.
pub async fn admit(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    match state.in_flight.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            take_in(request).await;
            Problem::new(Code::TooManyRequests, "too many requests are being worked on; try again shortly").retry_after(1).into_response()
        }
    }
}

/// Reads a refused request to its end. A connection closed on unread bytes is reset, and the client sees a broken
/// connection in place of the answer; a long or slow body is not worth the wait.
async fn take_in(request: Request) {
    const LONGEST: usize = 256 << 10;
    let body = axum::body::to_bytes(request.into_body(), LONGEST);
    drop(tokio::time::timeout(Duration::from_secs(1), body).await);
}

/// Ends a request that takes longer than `server.request_timeout_ms`. Its unit of work is rolled back.
pub async fn deadline(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(state.app.config.server.request_timeout_ms);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Timeout, "the request was given up").retry_after(1).into_response(),
    }
}

/// Answers may be about a learner: no cache on the way keeps them.
pub async fn keep_private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A handler panicked: the client hears of an internal failure; the panic hook has logged where. The message may
/// quote data, so it goes nowhere.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(Code::Internal, "the log has the cause under this request id").into_response()
}

pub async fn unknown_route() -> Problem {
    Problem::new(Code::NotFound, "there is no such route; see /docs")
}

pub async fn unknown_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "see /docs for the methods of this route")
}
