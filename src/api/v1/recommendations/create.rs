//! `POST /v1/recommendations`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};
use crate::recommend::{RecommendationRequest, Recommendations};

#[derive(Deserialize, ToSchema)]
#[schema(as = RecommendationsBody)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What the LMS calls the learner.
    learner_id: String,
    #[serde(flatten)]
    request: RecommendationRequest,
}

/// Recommend items to a learner. Always an answer of the same shape: for a new learner, without a model, or after opting out it is
/// less personal, and `fallback_reason` says why.
#[utoipa::path(post, path = "/v1/recommendations", tag = "learners", operation_id = "recommend", request_body = Body, responses((status = 200, body = Recommendations)))]
pub async fn create(State(state): State<ApiState>, by: May<scope::Recommend>, Json(body): Json<Body>) -> Answer<Recommendations> {
    let subject = state.app.subject(&by.tenant, &learner(body.learner_id)?).await?;
    Ok(axum::Json(state.app.recommend(&subject, body.request).await?))
}
