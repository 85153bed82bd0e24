//! Recommendations: candidates -> eligibility -> scores -> reasons. Pure functions over a catalogue, a predictor and a learner's state.

pub mod candidates;
pub mod ground;
pub mod policy;
pub mod types;

pub use ground::{Ground, Who};
pub use policy::Policy;
pub use types::*;

use crate::domain::Micros;
use uuid::Uuid;

pub fn recommend(ground: &Ground, who: Who<'_>, request: &RecommendationRequest, now: Micros, id: Uuid) -> Recommendations {
    todo!()
}
pub fn path(ground: &Ground, who: Who<'_>, request: &PathRequest, now: Micros, id: Uuid) -> LearningPath {
    todo!()
}
pub fn knowledge(ground: &Ground, who: Who<'_>, request: &KnowledgeRequest, now: Micros) -> Knowledge {
    todo!()
}
pub fn predictions(ground: &Ground, who: Who<'_>, request: &PredictionRequest, now: Micros) -> Predictions {
    todo!()
}
