//! `POST /v1/knowledge`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};
use crate::recommend::{Knowledge, KnowledgeRequest};

#[derive(Deserialize, ToSchema)]
#[schema(as = KnowledgeBody)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What the LMS calls the learner.
    learner_id: String,
    #[serde(flatten)]
    request: KnowledgeRequest,
}

/// Mastery per skill, with how far the model disagrees with itself and the evidence.
#[utoipa::path(post, path = "/v1/knowledge", tag = "learners", operation_id = "ask_knowledge", request_body = Body, responses((status = 200, body = Knowledge)))]
pub async fn ask(State(state): State<ApiState>, by: May<scope::Recommend>, Json(body): Json<Body>) -> Answer<Knowledge> {
    let subject = state.app.subject(&by.tenant, &learner(body.learner_id)?).await?;
    Ok(axum::Json(state.app.knowledge(&subject, body.request).await?))
}
