//! `POST`, `PUT` and `GET /xapi/statements`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use uuid::Uuid;

use super::require_version;
use crate::api::auth::{May, scope};
use crate::api::extract::{LargeBody, Query};
use crate::api::{ApiState, Code, Problem, statements};
use crate::domain::{TenantId, Verdict};
use crate::ingest::xapi::mapping::Mapping;
use crate::ingest::xapi::{Refused, Statement, read};

/// Take in xAPI statements, one or a list. All are checked first: one that is not valid, and none is taken. Those that are understood
/// become events; the others are kept in quarantine with a reason (`GET /v1/quarantine`). Answers with their ids, in order.
#[utoipa::path(post, path = "/xapi/statements", tag = "events", operation_id = "send_statements",
    params(("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x")),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses((status = 200, body = Vec<Uuid>, description = "The ids of the statements")))]
pub async fn create(
    State(state): State<ApiState>,
    by: May<scope::Ingest>,
    headers: HeaderMap,
    body: LargeBody,
) -> Result<Json<Vec<Uuid>>, Problem> {
    require_version(&headers)?;
    let statements = parse(&state, &body).await?;
    let ids = statements.iter().map(|statement| statement.id).collect();
    take(&state, &by.tenant, statements).await?;
    Ok(Json(ids))
}

/// Which statement is put.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Named {
    statement_id: Uuid,
}

/// Take in one xAPI statement under the id in the address.
#[utoipa::path(put, path = "/xapi/statements", tag = "events", operation_id = "put_statement",
    params(Named, ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x")),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses((status = 204, description = "Taken")))]
pub async fn put(
    State(state): State<ApiState>,
    by: May<scope::Ingest>,
    headers: HeaderMap,
    Query(named): Query<Named>,
    body: LargeBody,
) -> Result<StatusCode, Problem> {
    require_version(&headers)?;
    let invalid = |why: &str| Problem::new(Code::InvalidStatement, why);
    let mut statement: serde_json::Value = serde_json::from_slice(&body.bytes).map_err(|_| invalid("the body is not JSON"))?;
    let members = statement.as_object_mut().ok_or_else(|| invalid("the body must be one statement"))?;
    let id = members.entry("id").or_insert_with(|| named.statement_id.to_string().into());
    if id.as_str().and_then(|id| Uuid::parse_str(id).ok()) != Some(named.statement_id) {
        return Err(invalid("the statement's id is not the one in the address"));
    }
    let body = LargeBody { media_type: body.media_type, bytes: statement.to_string().into() };
    let statements = parse(&state, &body).await?;
    take(&state, &by.tenant, statements).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Statements are not given back: of a statement, only the event that it became is kept, under a pseudonym.
#[utoipa::path(get, path = "/xapi/statements", tag = "events", operation_id = "get_statements",
    responses((status = 501, description = "Statements are not given back")))]
pub async fn show(_by: May<scope::Ingest>) -> Problem {
    Problem::new(Code::NotImplemented, "statements are not given back: only the events they became are kept, under pseudonyms")
}

async fn parse(state: &ApiState, body: &LargeBody) -> Result<Vec<Statement>, Problem> {
    match body.media_type.as_str() {
        "application/json" => {}
        "multipart/mixed" => {
            return Err(Problem::new(Code::InvalidStatement, "attachments are not taken here: send the statements alone, as JSON"));
        }
        _ => return Err(Problem::new(Code::InvalidStatement, "send `Content-Type: application/json`")),
    }
    let (bytes, now) = (body.bytes.clone(), state.app.clock.now().to_rfc3339());
    let read = tokio::task::spawn_blocking(move || read(&bytes, Mapping::standard(), &now)).await;
    read.map_err(|error| Problem::new(Code::Internal, error.to_string()))?.map_err(|refused| {
        let problem = Problem::new(Code::InvalidStatement, refused.to_string());
        if let Refused::Invalid { index, invalid } = refused { problem.with("index", index).with("place", invalid.place) } else { problem }
    })
}

/// Stores what the statements became. A statement whose id is known with other content is a conflict; the others are stored.
async fn take(state: &ApiState, tenant: &TenantId, statements: Vec<Statement>) -> Result<(), Problem> {
    let translated = statements.into_iter().map(|statement| statement.translated).collect();
    let (report, _) = statements::take(state, tenant, translated).await?;
    let conflicts = report.events.iter().filter(|event| matches!(event.verdict, Verdict::Conflict { .. }));
    let ids: Vec<&String> = conflicts.filter_map(|event| event.id.as_ref()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::Conflict, "statements with these ids are stored with other content; the others were taken").with("ids", ids))
}
