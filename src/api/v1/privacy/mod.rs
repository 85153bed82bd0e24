//! Rights: erasure, opting out and opting in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::auth::Caller;
use crate::api::{ApiState, Problem};
use crate::domain::rights::{ErasureRequest, ErasureStep};
use crate::domain::{Consent, Micros};
use crate::privacy::consent::{Choice, Source};
use crate::privacy::rights::Rights;

pub mod erase;
pub mod list;
pub mod opt_in;
pub mod opt_out;
pub mod show;

/// Whom it is about. The id lives for this request alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What the LMS calls the learner.
    learner_id: String,
}

/// A choice about personalisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentChoice {
    /// What the LMS calls the learner.
    learner_id: String,
    /// Version of the text the learner was shown; the configured one if missing.
    #[serde(default)]
    text_version: Option<String>,
}

/// What a choice led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceMade {
    consent: Consent,
    /// False when the learner had chosen so before.
    changed: bool,
    /// The retrain that follows at once, if the tenant's policy asks for it.
    job_id: Option<Uuid>,
    /// A new, empty record was opened after an erasure.
    reopened: bool,
}

/// An erasure and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub struct ErasureView {
    pub id: Uuid,
    pub state: ErasureState,
    pub step: ErasureStep,
    pub received_at: Micros,
    /// One month after receipt.
    pub due_at: Micros,
    /// Since then no route reads anything of the learner.
    pub unreadable_at: Option<Micros>,
    /// Since then what is served has never seen the learner.
    pub clean_at: Option<Micros>,
    pub completed_at: Option<Micros>,
    /// The last failure, if any; the work is taken up again.
    pub error: Option<String>,
    /// Signed; `parcours verify-receipt` checks it offline.
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    Pending,
    InProgress,
    Completed,
    /// The last attempt failed; the next one is on its way.
    Errored,
}

impl From<ErasureRequest> for ErasureView {
    fn from(request: ErasureRequest) -> Self {
        let state = match request.step {
            ErasureStep::Completed => ErasureState::Completed,
            _ if request.error.is_some() => ErasureState::Errored,
            ErasureStep::Recorded => ErasureState::Pending,
            ErasureStep::Deleted | ErasureStep::Retrained => ErasureState::InProgress,
        };
        Self {
            id: request.id,
            state,
            step: request.step,
            received_at: request.received_at,
            due_at: request.due_at,
            unreadable_at: request.unreadable_at,
            clean_at: request.clean_at,
            completed_at: request.completed_at,
            error: request.error,
            receipt: request.receipt,
        }
    }
}

impl From<Choice> for ChoiceMade {
    fn from(choice: Choice) -> Self {
        Self { consent: choice.standing.consent, changed: choice.changed, job_id: choice.retrain, reopened: choice.reopened }
    }
}

/// The rights, with this service's handles.
fn rights(state: &ApiState) -> Rights {
    let app = &state.app;
    Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config)
}

fn source(by: &Caller, text_version: Option<String>) -> Result<Source, Problem> {
    if text_version.as_ref().is_some_and(|version| version.is_empty() || version.len() > 64 || version.chars().any(char::is_control)) {
        return Err(Problem::field("text_version", "must be 1 to 64 bytes of text"));
    }
    Ok(Source { text_version, channel: "lms".into(), actor: by.key_id.to_string() })
}
