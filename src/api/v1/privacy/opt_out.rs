//! `POST /v1/privacy/opt-out`

use axum::extract::State;

use super::{ChoiceMade, ConsentChoice, rights, source};
use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};

/// Stop personalising for this learner, from now on: answers keep their shape, nothing of theirs is read, and their events leave
/// the training data (at the next refresh, or at once if the tenant's policy says so).
#[utoipa::path(post, path = "/v1/privacy/opt-out", tag = "rights", operation_id = "opt_out", request_body = ConsentChoice,
    responses((status = 200, body = ChoiceMade)))]
pub async fn opt_out(State(state): State<ApiState>, by: May<scope::Privacy>, Json(choice): Json<ConsentChoice>) -> Answer<ChoiceMade> {
    let source = source(&by, choice.text_version)?;
    let made = rights(&state).opt_out(&by.tenant, &learner(choice.learner_id)?, &source).await?;
    Ok(axum::Json(made.into()))
}
