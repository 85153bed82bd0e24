//! `POST /v1/privacy/erasures`

use axum::extract::State;
use axum::http::{StatusCode, header};

use super::{ErasureView, Subject, rights};
use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::v1::learner;
use crate::api::{ApiState, Problem};

/// Erase a learner. When this answers, no route reads anything of them and what is served has never seen them; the shard's
/// retrain and the signed receipt follow. Asking again while a request is open gives that request.
#[utoipa::path(post, path = "/v1/privacy/erasures", tag = "rights", operation_id = "erase", request_body = Subject,
    responses((status = 202, body = ErasureView)))]
pub async fn erase(
    State(state): State<ApiState>,
    by: May<scope::Privacy>,
    Json(subject): Json<Subject>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], axum::Json<ErasureView>), Problem> {
    let learner = learner(subject.learner_id)?;
    let rights = rights(&state);
    let (tenant, actor) = (by.tenant.clone(), by.key_id.to_string());
    // On a task of its own: a client that hangs up, or the deadline, must not stop an erasure half-way.
    let request = tokio::spawn(async move { rights.erase(&tenant, &learner, &actor).await })
        .await
        .map_err(|error| anyhow::anyhow!("the erasure's task ended: {error}"))??;
    let place = format!("/v1/privacy/erasures/{}", request.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], axum::Json(request.into())))
}
