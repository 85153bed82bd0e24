//! `POST /v1/feedback`

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::auth::{May, scope};
use crate::api::extract::Json;
use crate::api::{ApiState, Code, Problem};
use crate::domain::ItemId;
use crate::store::recommendations;

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    Shown,
    Clicked,
    Started,
    Completed,
    Dismissed,
    Liked,
    Disliked,
}

impl FeedbackKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Clicked => "clicked",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Dismissed => "dismissed",
            Self::Liked => "liked",
            Self::Disliked => "disliked",
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// From the answer to `POST /v1/recommendations`.
    recommendation_id: Uuid,
    /// One of the items of that answer.
    item_id: String,
    kind: FeedbackKind,
}

/// Tell what came of a recommended item.
#[utoipa::path(post, path = "/v1/feedback", tag = "learners", operation_id = "give_feedback", request_body = Feedback,
    responses((status = 204, description = "Recorded")))]
pub async fn create(
    State(state): State<ApiState>,
    by: May<scope::Recommend>,
    Json(feedback): Json<Feedback>,
) -> Result<StatusCode, Problem> {
    let item = ItemId::parse(feedback.item_id).map_err(|error| Problem::invalid_id("item_id", &error))?;
    let unknown = || {
        Problem::new(
            Code::NotFound,
            "there is no such recommendation: unknown, erased with its learner, or made for one nothing is known of yet",
        )
    };
    // An answer is written down a moment after it was given.
    let known =
        async |state: &ApiState| recommendations::get(&mut state.app.store.read().await?, &by.tenant, feedback.recommendation_id).await;
    let row = match known(&state).await? {
        Some(row) => row,
        None => {
            state.app.recorder.flush().await;
            known(&state).await?.ok_or_else(unknown)?
        }
    };
    let was_recommended = row.items.as_array().is_some_and(|items| items.iter().any(|shown| shown["item_id"] == item.as_str()));
    if !was_recommended {
        return Err(Problem::field("item_id", "was not part of this recommendation"));
    }
    let mut tx = state.app.store.write().await?;
    let now = state.app.clock.now();
    if !recommendations::add_feedback(&mut tx, &by.tenant, feedback.recommendation_id, &item, feedback.kind.as_str(), now).await? {
        return Err(unknown());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
