//! `POST /v1/privacy/opt-in`

use axum::extract::State;

use super::{ChoiceMade, ConsentChoice, rights, source};
use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{Answer, ApiState};

/// Personalise for this learner again. After an erasure this is fresh consent and opens a new, empty record.
#[utoipa::path(post, path = "/v1/privacy/opt-in", tag = "rights", operation_id = "opt_in", request_body = ConsentChoice,
    responses((status = 200, body = ChoiceMade)))]
pub async fn opt_in(State(state): State<ApiState>, by: May<scope::Privacy>, Json(choice): Json<ConsentChoice>) -> Answer<ChoiceMade> {
    let source = source(&by, choice.text_version)?;
    let made = rights(&state).opt_in(&by.tenant, &learner(choice.learner_id)?, &source).await?;
    Ok(axum::Json(made.into()))
}
