//! Failures as clients see them: RFC 9457 problem documents with stable codes. The only place that knows status codes.
//!
//! What went wrong inside goes to the log, once, here; the client gets the code, a sentence and the request id to quote.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::AppError;
use crate::domain::InvalidId;
use crate::ingest::catalog::CatalogError;
use crate::ingest::{BatchError, IngestError};
use crate::learning::registry::RegistryError;
use crate::privacy::rights::RightsError;
use crate::recommend::InvalidRequest;
use crate::store::StoreError;

tokio::task_local! {
    /// Id of the request being worked on.
    pub(super) static REQUEST_ID: uuid::Uuid;
}

/// What can go wrong, as a stable word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    MalformedJson,
    InvalidBody,
    InvalidParameter,
    InvalidStatement,
    InvalidEnvelope,
    TooLarge,
    UnsupportedMediaType,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooManyRequests,
    NotImplemented,
    DatabaseBusy,
    StorageNotWritable,
    Timeout,
    Internal,
}

impl Code {
    /// (status, code, title). Codes never change their meaning; new ones may come.
    fn describe(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::MalformedJson => (StatusCode::BAD_REQUEST, "malformed_json", "The body cannot be read"),
            Self::InvalidBody => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", "The body can be read, but is not what this route takes")
            }
            Self::InvalidParameter => (StatusCode::BAD_REQUEST, "invalid_parameter", "A parameter of the address cannot be used"),
            Self::InvalidStatement => (StatusCode::BAD_REQUEST, "invalid_statement", "The xAPI statement is not valid"),
            Self::InvalidEnvelope => (StatusCode::BAD_REQUEST, "invalid_envelope", "The body is no Caliper envelope"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "This route does not take that kind of body")
            }
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid API key is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The key may not do this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such thing"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The route exists, for other methods"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The present state does not allow this"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "The service is at its limit"),
            Self::NotImplemented => (StatusCode::NOT_IMPLEMENTED, "not_implemented", "This part of the standard is not served here"),
            Self::DatabaseBusy => (StatusCode::SERVICE_UNAVAILABLE, "database_busy", "The database is busy or unreachable"),
            Self::StorageNotWritable => (StatusCode::SERVICE_UNAVAILABLE, "storage_not_writable", "Nothing can be written at present"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout", "The request took too long"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed inside"),
        }
    }
}

/// A failure on its way to the client.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    /// Further members of the document, e.g. `field`, `line`.
    members: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    /// For the log alone.
    cause: Option<anyhow::Error>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), members: Map::new(), retry_after_seconds: None, cause: None }
    }

    /// "There is no {what}."
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// A field of the body that cannot be used.
    pub fn field(field: &str, why: impl Into<String>) -> Self {
        Self::new(Code::InvalidBody, format!("{field}: {}", why.into())).with("field", field)
    }

    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        self.members.insert(member.into(), json!(value));
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn status(&self) -> StatusCode {
        self.code.describe().0
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Writes the cause to the log. Called once, by whoever turns the problem into an answer.
    pub fn log(&self) {
        if let Some(cause) = &self.cause {
            let request_id = REQUEST_ID.try_with(uuid::Uuid::to_string).unwrap_or_default();
            let (_, code, _) = self.code.describe();
            tracing::error!(%request_id, code, error = %format_args!("{cause:#}"), "request failed");
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let (status, code, title) = self.code.describe();
        let mut document = json!({
            "type": format!("urn:parcours:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "code": code,
            "detail": self.detail,
        });
        if let Ok(id) = REQUEST_ID.try_with(|id| *id) {
            document["request_id"] = json!(id);
        }
        for (member, value) in self.members {
            document[member] = value;
        }
        let mut response = (status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"parcours\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::Unavailable(_) => Self::new(Code::DatabaseBusy, "nothing was written; try again shortly").retry_after(1),
            StoreError::NotWritable(_) => {
                Self::new(Code::StorageNotWritable, "nothing was written; the disk is full or read-only").retry_after(30)
            }
            _ => Self::new(Code::Internal, "nothing was written; the log has the cause under this request id"),
        };
        Self { cause: Some(error.into()), ..problem }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        // A store error below a context is still a store error.
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => Self { cause: Some(error), ..Self::new(Code::Internal, "the log has the cause under this request id") },
        }
    }
}

impl From<RightsError> for Problem {
    fn from(error: RightsError) -> Self {
        match error {
            RightsError::Store(error) => error.into(),
            RightsError::UnknownRequest => Self::not_found("such request"),
            RightsError::Erased => Self::new(Code::Conflict, error.to_string()),
            // Nothing was done: the wish could not be made durable.
            RightsError::Ledger(_) => {
                let problem = Self::new(Code::StorageNotWritable, "the rights ledger cannot be written; nothing was done").retry_after(30);
                Self { cause: Some(error.into()), ..problem }
            }
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => error.into(),
            AppError::Invalid(error) => error.into(),
            AppError::Busy => Self::new(Code::TooManyRequests, "more questions wait than can be answered soon").retry_after(1),
            AppError::UnknownTenant(_) | AppError::Failed => anyhow::Error::from(error).into(),
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Store(error) => error.into(),
            IngestError::Batch(BatchError::Malformed(place)) => {
                Self::new(Code::MalformedJson, place.why.clone()).with("line", place.line).with("column", place.column)
            }
            IngestError::Batch(BatchError::TooManyEvents { limit, .. }) => {
                Self::new(Code::TooLarge, error.to_string()).with("limit_events", limit)
            }
            other => anyhow::Error::from(other).into(),
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Store(error) => error.into(),
            CatalogError::Malformed { line, column, why } => Self::new(Code::MalformedJson, why).with("line", line).with("column", column),
            CatalogError::Invalid { path, why } => Self::field(&path, why),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(error) => error.into(),
            RegistryError::UnknownVersion(_) => Self::new(Code::NotFound, error.to_string()),
            RegistryError::NotPromotable(_) | RegistryError::Stale { .. } => Self::new(Code::Conflict, error.to_string()),
            other => anyhow::Error::from(other).into(),
        }
    }
}

impl From<InvalidRequest> for Problem {
    fn from(error: InvalidRequest) -> Self {
        Self::field(error.field, error.why)
    }
}

impl Problem {
    /// An identifier in `field` that cannot be one.
    pub fn invalid_id(field: &str, error: &InvalidId) -> Self {
        Self::field(field, error.to_string())
    }
}

/// The document's shape, for the API's description.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    r#type: String,
    title: String,
    #[schema(example = 422)]
    status: u16,
    /// Stable: programs may rely on it.
    #[schema(example = "invalid_body")]
    code: String,
    detail: String,
    /// Quote it when asking for help.
    request_id: uuid::Uuid,
    /// The field of the body that cannot be used.
    field: Option<String>,
    /// Where in the body, from 1.
    line: Option<u64>,
    column: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_inside_stays_inside() {
        let problem = Problem::from(anyhow::anyhow!("password of the database is hunter2"));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.detail().contains("hunter2"));
    }

    #[test]
    fn a_busy_database_says_when_to_come_back() {
        let problem = Problem::from(RightsError::UnknownRequest);
        assert_eq!(problem.status(), StatusCode::NOT_FOUND);
        let response = Problem::new(Code::DatabaseBusy, "").retry_after(1).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
