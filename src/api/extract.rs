//! From bytes to values: bodies, path segments and query strings, every failure a [`Problem`].

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::{ApiState, Code, Problem};

/// A JSON body of ordinary size. Types use `deny_unknown_fields`: a typo must not pass for a default.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let limit = state.app.config.server.max_small_body_kib * 1024;
        parse_json(&read(request, limit).await?).map(Self)
    }
}

/// A JSON body that may be missing altogether, which means the default.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<ApiState> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let typed = require_json(request.headers());
        let limit = state.app.config.server.max_small_body_kib * 1024;
        let body = read(request, limit).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse_json(&body).map(Self)
    }
}

/// A large body, as it came, with the media type it claims (lower case, without parameters).
pub struct LargeBody {
    pub media_type: String,
    pub bytes: Bytes,
}

impl FromRequest<ApiState> for LargeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let media_type = media_type(request.headers());
        let bytes = read(request, state.app.config.server.max_body_mib * 1024 * 1024).await?;
        Ok(Self { media_type, bytes })
    }
}

/// The segments of the path. One that cannot be parsed names nothing: 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<ApiState> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(Code::NotFound, "the address names nothing that could exist")),
        }
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<ApiState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(Code::InvalidParameter, error.body_text())),
        }
    }
}

/// Reads JSON, saying where it fails. Syntax errors are 400, everything else about the content 422.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        use serde_json::error::Category;
        let code = match error.classify() {
            Category::Syntax | Category::Eof | Category::Io => Code::MalformedJson,
            // Buffered (flattened) bodies report position 0 for a type error; then a look at the syntax still tells the two apart.
            Category::Data => Code::InvalidBody,
        };
        let problem = Problem::new(code, error.to_string());
        if error.line() > 0 { problem.with("line", error.line()).with("column", error.column()) } else { problem }
    })
}

/// The media type, lower case, without parameters; empty when there is none.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = media_type(headers);
    if media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`"))
}

/// The body, up to `limit` bytes. A larger one is read to its end and thrown away (within bounds), because a client
/// that is still sending when the connection closes never sees the answer.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    const DRAIN_BYTES: usize = 256 << 20;
    const DRAIN_TIME: Duration = Duration::from_secs(10);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let waits_for_go = request.headers().contains_key(header::EXPECT);
    let too_large = || {
        let unit = if limit >= 1 << 20 { format!("{} MiB", limit >> 20) } else { format!("{} KiB", limit >> 10) };
        Problem::new(Code::TooLarge, format!("at most {unit} are taken here; send smaller batches")).with("limit_bytes", limit)
    };
    let announced_too_large = announced.is_some_and(|length| length > limit);
    if announced_too_large && waits_for_go {
        return Err(too_large());
    }
    let mut stream = request.into_body().into_data_stream();
    let mut body = Vec::with_capacity(announced.filter(|_| !announced_too_large).unwrap_or(0));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Code::MalformedJson, "the body ended early"))?;
        if announced_too_large || body.len() + chunk.len() > limit {
            drop(body);
            let drain = async {
                let mut drained = 0;
                while let Some(Ok(chunk)) = stream.next().await {
                    drained += chunk.len();
                    if drained > DRAIN_BYTES {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        #[expect(dead_code)]
        count: u32,
    }

    #[test]
    fn broken_json_names_line_and_column() {
        let problem = parse_json::<Small>(b"{\n  \"count\": ,\n}").unwrap_err();
        assert_eq!(problem.code(), Code::MalformedJson);
        assert!(problem.detail().contains("line 2 column 12"), "{}", problem.detail());
    }

    #[test]
    fn wrong_types_and_unknown_fields_are_not_syntax() {
        for body in ["{\"count\": \"three\"}", "{\"count\": 3, \"cuont\": 4}", "{}", "{\"count\": -1}"] {
            assert_eq!(parse_json::<Small>(body.as_bytes()).unwrap_err().code(), Code::InvalidBody, "{body}");
        }
    }
}
