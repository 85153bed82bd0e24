//! The body of `PUT /v1/catalog`, as documented and as `parcours simulate` writes it.
//!
//! A field that is absent stays as it is stored; an explicit `null` clears it.

use serde::Serialize;

use crate::domain::{Catalog, Titles};

/// Parts of a catalogue. What is not mentioned stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CatalogBody {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub courses: Vec<CourseBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub modules: Vec<ModuleBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub skills: Vec<SkillBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub items: Vec<ItemBody>,
    /// Added to those stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub prerequisites: Vec<PrerequisiteBody>,
    /// Items to forget. Their events stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub remove_items: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub remove_prerequisites: Vec<PrerequisiteBody>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ItemBody {
    #[schema(example = "fractions-add-3")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
    /// Replaces the stored list. Skills not known yet are created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
    /// "exercise" (default), "video", "page", …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Place in the course order; for a new item its place in this list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_minutes: Option<f32>,
    /// BCP 47, e.g. "fr"; null: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Replaces the stored list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// "active" (default), "hidden" or "expired".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SkillBody {
    #[schema(example = "fractions.add")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CourseBody {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ModuleBody {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// `skill` is easier once `requires` is mastered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PrerequisiteBody {
    pub skill: String,
    pub requires: String,
}

impl From<&Catalog> for CatalogBody {
    fn from(catalog: &Catalog) -> Self {
        let titles = |titles: &Titles| (*titles != Titles::default()).then(|| titles.clone());
        Self {
            courses: catalog
                .courses
                .values()
                .map(|course| CourseBody { id: course.id.clone(), titles: titles(&course.titles), position: Some(course.position) })
                .collect(),
            modules: catalog
                .modules
                .values()
                .map(|module| ModuleBody {
                    id: module.id.clone(),
                    course: module.course.clone(),
                    titles: titles(&module.titles),
                    position: Some(module.position),
                })
                .collect(),
            skills: catalog
                .skills
                .values()
                .map(|skill| SkillBody { id: skill.id.as_str().into(), titles: titles(&skill.titles) })
                .collect(),
            items: catalog
                .items
                .values()
                .map(|item| ItemBody {
                    id: item.id.as_str().into(),
                    titles: titles(&item.titles),
                    skills: Some(item.skills.iter().map(|skill| skill.as_str().into()).collect()),
                    kind: Some(item.kind.clone()),
                    course: item.course.clone(),
                    module: item.module.clone(),
                    position: Some(item.position),
                    duration_minutes: item.duration_minutes,
                    language: item.language.clone(),
                    tags: (!item.tags.is_empty()).then(|| item.tags.clone()),
                    state: Some(item.state.as_str().into()),
                })
                .collect(),
            prerequisites: catalog
                .prerequisites
                .iter()
                .map(|pair| PrerequisiteBody { skill: pair.skill.as_str().into(), requires: pair.requires.as_str().into() })
                .collect(),
            ..Self::default()
        }
    }
}
