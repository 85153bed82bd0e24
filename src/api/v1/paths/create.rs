//! `POST /v1/paths`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};
use crate::recommend::{LearningPath, PathRequest};

#[derive(Deserialize, ToSchema)]
#[schema(as = LearningPathBody)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What the LMS calls the learner.
    learner_id: String,
    #[serde(flatten)]
    request: PathRequest,
}

/// Plan an ordered path to a goal, with the expected success and mastery at each step.
#[utoipa::path(post, path = "/v1/paths", tag = "learners", operation_id = "plan_path", request_body = Body, responses((status = 200, body = LearningPath)))]
pub async fn create(State(state): State<ApiState>, by: May<scope::Recommend>, Json(body): Json<Body>) -> Answer<LearningPath> {
    let subject = state.app.subject(&by.tenant, &learner(body.learner_id)?).await?;
    Ok(axum::Json(state.app.path(&subject, body.request).await?))
}
