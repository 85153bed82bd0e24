//! What a recommendation is wanted for, and which items may be in it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::types::InvalidRequest;
use crate::domain::SkillId;

/// What the learner wants to do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Exercises at the edge of what is known.
    Practise,
    /// New content whose prerequisites are met.
    Learn,
    /// What is about to be forgotten.
    Review,
    /// What comes next in the course.
    Next,
    /// What tells most about the learner: to place a new one fast.
    Assess,
    /// A bit of everything.
    #[default]
    Mixed,
}

impl Scenario {
    pub const ALL: [Self; 6] = [Self::Practise, Self::Learn, Self::Review, Self::Next, Self::Assess, Self::Mixed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Practise => "practise",
            Self::Learn => "learn",
            Self::Review => "review",
            Self::Next => "next",
            Self::Assess => "assess",
            Self::Mixed => "mixed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.as_str() == text)
    }
}

/// Which items may be recommended. An empty list does not restrict; within a list, any match will do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ItemFilter {
    pub courses: Vec<String>,
    pub modules: Vec<String>,
    /// "exercise", "video", … as the catalogue names them.
    pub kinds: Vec<String>,
    /// BCP 47; an item without a language passes, and "fr" lets "fr-CA" pass.
    pub languages: Vec<String>,
    pub tags: Vec<String>,
    pub skills: Vec<SkillId>,
    /// Items known to last longer are left out.
    pub max_minutes: Option<f32>,
}

impl ItemFilter {
    pub(super) fn check(&self) -> Result<(), InvalidRequest> {
        match self.max_minutes {
            Some(minutes) if minutes.is_nan() || minutes <= 0.0 => Err(InvalidRequest::new("filter.max_minutes", "must be above 0")),
            _ => Ok(()),
        }
    }
}
