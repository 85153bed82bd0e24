//! `POST /v1/predictions`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};
use crate::recommend::{PredictionRequest, Predictions};

#[derive(Deserialize, ToSchema)]
#[schema(as = PredictionsBody)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What the LMS calls the learner.
    learner_id: String,
    #[serde(flatten)]
    request: PredictionRequest,
}

/// Probability of a right answer of this learner to each of the named items.
#[utoipa::path(post, path = "/v1/predictions", tag = "learners", operation_id = "predict", request_body = Body, responses((status = 200, body = Predictions)))]
pub async fn create(State(state): State<ApiState>, by: May<scope::Recommend>, Json(body): Json<Body>) -> Answer<Predictions> {
    let subject = state.app.subject(&by.tenant, &learner(body.learner_id)?).await?;
    Ok(axum::Json(state.app.predictions(&subject, body.request).await?))
}
