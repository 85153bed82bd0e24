//! What can be learned: items, the skills they exercise, courses, modules and prerequisites.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ItemId, SkillId};

/// A title in French and English; either may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Titles {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    #[default]
    Active,
    /// Never recommended; its events still count.
    Hidden,
    /// Out of date; never recommended.
    Expired,
}

impl ItemState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Hidden => "hidden",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Hidden, Self::Expired].into_iter().find(|state| state.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: ItemId,
    pub titles: Titles,
    /// Skills the item exercises, sorted.
    pub skills: Vec<SkillId>,
    /// "exercise", "video", "page", … as the LMS names it.
    pub kind: String,
    pub course: Option<String>,
    pub module: Option<String>,
    /// Place in the course order.
    pub position: i64,
    pub duration_minutes: Option<f32>,
    /// BCP 47 language, e.g. "fr"; `None`: any.
    pub language: Option<String>,
    pub tags: Vec<String>,
    pub state: ItemState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    pub id: SkillId,
    pub titles: Titles,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    pub id: String,
    pub titles: Titles,
    pub position: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub id: String,
    pub course: Option<String>,
    pub titles: Titles,
    pub position: i64,
}

/// `skill` is easier once `requires` is mastered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Prerequisite {
    pub skill: SkillId,
    pub requires: SkillId,
}

/// A tenant's whole catalogue, in memory. Maps are ordered so that anything derived from it is, too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Bumped by every change; what is cached from a catalogue names its revision.
    pub revision: i64,
    pub items: BTreeMap<ItemId, Item>,
    pub skills: BTreeMap<SkillId, Skill>,
    pub courses: BTreeMap<String, Course>,
    pub modules: BTreeMap<String, Module>,
    pub prerequisites: Vec<Prerequisite>,
}

impl Catalog {
    /// Skills of `item`: the catalogue's, or the sender's hints while the catalogue has none.
    pub fn skills_of<'a>(&'a self, item: &ItemId, hints: &'a [SkillId]) -> &'a [SkillId] {
        match self.items.get(item) {
            Some(item) if !item.skills.is_empty() => &item.skills,
            _ => hints,
        }
    }
}
