//! What is asked of the recommender and what it answers, as JSON speaks of it.
//!
//! No type here names a learner: who is asked about arrives apart, already resolved. A handler that also carries
//! `learner_id` flattens one of these requests into its own body type; `deny_unknown_fields` goes on that outer type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::scenario::{ItemFilter, Scenario};
use crate::domain::{ItemId, Prerequisite, SkillId, Titles};

/// Most items one recommendation may ask for.
pub const MAX_COUNT: u32 = 200;
/// Most steps one path may have.
pub const MAX_STEPS: u32 = 100;
/// Most items or skills one question may name.
pub const MAX_NAMED: usize = 10_000;

/// A field of a request that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidRequest {
    pub field: &'static str,
    pub why: String,
}

impl InvalidRequest {
    pub(super) fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

fn default_count() -> u32 {
    10
}

fn default_steps() -> u32 {
    20
}

fn yes() -> bool {
    true
}

/// `POST /v1/recommendations`, without the learner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationRequest {
    /// A skill, course or module to work towards.
    #[serde(default)]
    pub goal_id: Option<String>,
    /// How many items, 1 to 200; fewer come back when fewer are eligible.
    #[serde(default = "default_count")]
    pub count: u32,
    /// Choose among these items only.
    #[serde(default)]
    pub candidates: Option<Vec<ItemId>>,
    /// Never recommend these.
    #[serde(default)]
    pub exclude: Vec<ItemId>,
    #[serde(default)]
    pub filter: ItemFilter,
    #[serde(default)]
    pub scenario: Scenario,
    /// Give the reasons of each item.
    #[serde(default = "yes")]
    pub explain: bool,
}

impl Default for RecommendationRequest {
    fn default() -> Self {
        Self {
            goal_id: None,
            count: default_count(),
            candidates: None,
            exclude: Vec::new(),
            filter: ItemFilter::default(),
            scenario: Scenario::default(),
            explain: true,
        }
    }
}

impl RecommendationRequest {
    /// Refuses what cannot be answered, naming the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if !(1..=MAX_COUNT).contains(&self.count) {
            return Err(InvalidRequest::new("count", format!("must be 1 to {MAX_COUNT}")));
        }
        if self.candidates.as_ref().is_some_and(|named| named.len() > MAX_NAMED) {
            return Err(InvalidRequest::new("candidates", format!("at most {MAX_NAMED}")));
        }
        if self.exclude.len() > MAX_NAMED {
            return Err(InvalidRequest::new("exclude", format!("at most {MAX_NAMED}")));
        }
        self.filter.check()
    }
}

/// Why an answer is less than fully personal. Stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackReason {
    /// The learner opted out: nothing of theirs was read.
    OptedOut,
    /// The learner was erased: nothing of theirs is left.
    Erased,
    /// The catalogue has no items yet.
    EmptyCatalogue,
    /// The goal is no skill, course or module of the catalogue; the answer ignores it.
    UnknownGoal,
    /// The goal is known, but no item teaches it; the answer ignores it.
    GoalWithoutItems,
    /// Every item was ruled out by the request, or there is nothing left to do.
    NoEligibleItems,
    /// The served model could not be loaded: counts answer.
    ModelUnavailable,
    /// No model has been trained yet, or too few members may speak: counts answer.
    NoModel,
    /// Nothing is known of this learner yet.
    NewLearner,
}

impl FallbackReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Erased => "erased",
            Self::EmptyCatalogue => "empty_catalogue",
            Self::UnknownGoal => "unknown_goal",
            Self::GoalWithoutItems => "goal_without_items",
            Self::NoEligibleItems => "no_eligible_items",
            Self::ModelUnavailable => "model_unavailable",
            Self::NoModel => "no_model",
            Self::NewLearner => "new_learner",
        }
    }
}

/// A term of the score. Stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// How much mastery the item is expected to add, by simulation of a right and a wrong answer.
    ExpectedGain,
    /// How near the predicted success is to the desirable difficulty.
    DesirableDifficulty,
    /// How much is likely forgotten since the last practice.
    ReviewDue,
    /// New to the learner.
    Novelty,
    /// How much the answer would tell about the learner.
    Information,
    /// Place in the course, after what was done last.
    CourseOrder,
    /// Works towards the goal.
    Goal,
    /// How often other learners take it.
    Popularity,
    /// Taken off because a better-placed item exercises the same skills.
    Diversity,
}

impl ReasonCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpectedGain => "expected_gain",
            Self::DesirableDifficulty => "desirable_difficulty",
            Self::ReviewDue => "review_due",
            Self::Novelty => "novelty",
            Self::Information => "information",
            Self::CourseOrder => "course_order",
            Self::Goal => "goal",
            Self::Popularity => "popularity",
            Self::Diversity => "diversity",
        }
    }
}

/// One term of an item's score. The terms of an item sum up to its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    pub code: ReasonCode,
    /// `weight` times `value`: what this term adds to the score.
    pub contribution: f32,
    /// The policy's weight of this term in this scenario.
    pub weight: f32,
    /// The term itself.
    pub value: f32,
    /// The skill it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<SkillId>,
    /// The figures behind the value, by name.
    pub numbers: BTreeMap<String, f32>,
    /// One sentence in French and in English.
    pub text: Titles,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecommendedItem {
    pub item_id: ItemId,
    /// Sum of the reasons' contributions; items come highest first, but for diversity.
    pub score: f32,
    /// Predicted probability of a right answer; without personalisation the average learner's.
    pub p_correct: f32,
    pub skills: Vec<SkillId>,
    /// Largest contribution first. Empty when not asked for.
    pub reasons: Vec<Reason>,
}

/// Answer to `POST /v1/recommendations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendations {
    pub recommendation_id: Uuid,
    /// `None` when no trained model spoke.
    pub model_version: Option<String>,
    /// Whether the learner's own history shaped the answer.
    pub personalised: bool,
    pub fallback_reason: Option<FallbackReason>,
    /// The goal (or, without one, the whole catalogue that was eligible) is mastered: nothing is left to do.
    pub complete: bool,
    pub items: Vec<RecommendedItem>,
}

/// `POST /v1/paths`, without the learner. Name a goal, or goal skills, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PathRequest {
    /// A skill, course or module to reach.
    #[serde(default)]
    pub goal_id: Option<String>,
    /// Skills to reach.
    #[serde(default)]
    pub goal_skills: Vec<SkillId>,
    /// The horizon: most steps, 1 to 100.
    #[serde(default = "default_steps")]
    pub count: u32,
    /// Time budget; the path ends before it is spent.
    #[serde(default)]
    pub minutes: Option<f32>,
    #[serde(default)]
    pub exclude: Vec<ItemId>,
    #[serde(default)]
    pub filter: ItemFilter,
}

impl Default for PathRequest {
    fn default() -> Self {
        Self {
            goal_id: None,
            goal_skills: Vec::new(),
            count: default_steps(),
            minutes: None,
            exclude: Vec::new(),
            filter: ItemFilter::default(),
        }
    }
}

impl PathRequest {
    /// Refuses what cannot be answered, naming the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if !(1..=MAX_STEPS).contains(&self.count) {
            return Err(InvalidRequest::new("count", format!("must be 1 to {MAX_STEPS}")));
        }
        if self.goal_id.is_none() && self.goal_skills.is_empty() {
            return Err(InvalidRequest::new("goal_id", "name a goal or goal_skills"));
        }
        if self.goal_skills.len() > MAX_NAMED {
            return Err(InvalidRequest::new("goal_skills", format!("at most {MAX_NAMED}")));
        }
        if self.exclude.len() > MAX_NAMED {
            return Err(InvalidRequest::new("exclude", format!("at most {MAX_NAMED}")));
        }
        if self.minutes.is_some_and(|minutes| minutes.is_nan() || minutes <= 0.0) {
            return Err(InvalidRequest::new("minutes", "must be above 0"));
        }
        self.filter.check()
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PathStep {
    /// From 1.
    pub position: u32,
    pub item_id: ItemId,
    pub skills: Vec<SkillId>,
    /// The skill this step is there for.
    pub target_skill: SkillId,
    /// Predicted probability of a right answer when the step is reached.
    pub p_correct: f32,
    /// Expected mastery of the target skill after the step.
    pub expected_mastery: f32,
    /// Expected mean mastery of the goal skills after the step.
    pub goal_mastery: f32,
    /// Standard deviation of `goal_mastery` over the imagined runs and the members.
    pub goal_spread: f32,
    /// Minutes of this step: the catalogue's, or the policy's guess.
    pub minutes: f32,
    /// Why this step, in French and in English.
    pub text: Titles,
}

/// A goal skill at the start and at the end of a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GoalProgress {
    pub skill_id: SkillId,
    pub mastery: f32,
    pub expected_mastery: f32,
    /// `expected_mastery` reaches the policy's threshold.
    pub mastered: bool,
}

/// Answer to `POST /v1/paths`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LearningPath {
    pub path_id: Uuid,
    pub model_version: Option<String>,
    pub personalised: bool,
    pub fallback_reason: Option<FallbackReason>,
    /// Every goal skill is expected to be mastered at the end of the steps (which may be none).
    pub complete: bool,
    pub steps: Vec<PathStep>,
    /// Sum over the steps.
    pub minutes: f32,
    pub goal: Vec<GoalProgress>,
    /// Prerequisites left out because they closed a circle.
    pub ignored_prerequisites: Vec<Prerequisite>,
}

/// `POST /v1/knowledge`, without the learner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KnowledgeRequest {
    /// These skills; without them (and without a goal) every skill of the catalogue.
    #[serde(default)]
    pub skills: Option<Vec<SkillId>>,
    /// The skills of a course or module.
    #[serde(default)]
    pub goal_id: Option<String>,
}

impl KnowledgeRequest {
    /// Refuses what cannot be answered, naming the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        match &self.skills {
            Some(skills) if skills.len() > MAX_NAMED => Err(InvalidRequest::new("skills", format!("at most {MAX_NAMED}"))),
            _ => Ok(()),
        }
    }
}

/// What is known of one skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SkillKnowledge {
    pub skill_id: SkillId,
    /// Predicted probability of a right answer on an item of average difficulty of this skill.
    pub mastery: f32,
    /// Standard deviation over the members: how far the model disagrees with itself. Not a confidence interval.
    pub spread: f32,
    /// The evidence: the learner's answers on this skill, and the right ones.
    pub attempts: u32,
    pub correct: u32,
    /// `mastery` reaches the policy's threshold.
    pub mastered: bool,
}

/// Answer to `POST /v1/knowledge`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Knowledge {
    pub model_version: Option<String>,
    pub personalised: bool,
    pub fallback_reason: Option<FallbackReason>,
    /// All answers of the learner, and the right ones.
    pub attempts: u32,
    pub correct: u32,
    /// By skill id. Skills the catalogue does not know are left out.
    pub skills: Vec<SkillKnowledge>,
}

/// `POST /v1/predictions`, without the learner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PredictionRequest {
    pub items: Vec<ItemId>,
}

impl PredictionRequest {
    /// Refuses what cannot be answered, naming the field.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        if self.items.is_empty() || self.items.len() > MAX_NAMED {
            return Err(InvalidRequest::new("items", format!("name 1 to {MAX_NAMED} items")));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemPrediction {
    pub item_id: ItemId,
    pub p_correct: f32,
    /// Standard deviation over the members. Not a confidence interval.
    pub spread: f32,
    /// Whether the catalogue has the item. One it does not have is predicted as any item would be.
    pub in_catalog: bool,
}

/// Answer to `POST /v1/predictions`, in the order asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Predictions {
    pub model_version: Option<String>,
    pub personalised: bool,
    pub fallback_reason: Option<FallbackReason>,
    pub predictions: Vec<ItemPrediction>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        learner_id: String,
        #[serde(flatten)]
        request: RecommendationRequest,
    }

    #[test]
    fn a_request_flattens_into_a_body_and_unknown_fields_are_refused() {
        let body: Body = serde_json::from_str(r#"{"learner_id":"ada","scenario":"review","filter":{"languages":["fr"]}}"#).unwrap();
        assert_eq!((body.learner_id.as_str(), body.request.scenario, body.request.count), ("ada", Scenario::Review, 10));
        assert!(serde_json::from_str::<Body>(r#"{"learner_id":"ada","cuont":3}"#).unwrap_err().to_string().contains("cuont"));
        assert!(serde_json::from_str::<Body>(r#"{"learner_id":"ada","filter":{"langs":[]}}"#).is_err());
    }

    #[test]
    fn absurd_counts_are_refused_by_name() {
        for count in [0, 10_000] {
            assert_eq!(RecommendationRequest { count, ..Default::default() }.check().unwrap_err().field, "count");
            assert_eq!(PathRequest { count, goal_id: Some("x".into()), ..Default::default() }.check().unwrap_err().field, "count");
        }
        assert_eq!(PathRequest::default().check().unwrap_err().field, "goal_id");
    }
}
