//! From JSON to an [`Update`]. Read by hand rather than derived, for three states of a field and an error that names its path.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::CatalogError;
use crate::domain::{Catalog, ItemId, ItemState, Prerequisite, SkillId};

/// A field of a partial update.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Stays as it is.
    #[default]
    Absent,
    Clear,
    Set(T),
}

impl<T> Field<T> {
    /// Writes the field into what is stored.
    pub(super) fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }

    /// For what cannot be missing: clearing brings the default back.
    pub(super) fn apply_or(self, stored: &mut T, default: T) {
        match self {
            Self::Absent => {}
            Self::Clear => *stored = default,
            Self::Set(value) => *stored = value,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TitlesUpdate {
    pub fr: Field<String>,
    pub en: Field<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ItemUpdate {
    pub id: ItemId,
    pub titles: TitlesUpdate,
    pub skills: Field<Vec<SkillId>>,
    pub kind: Field<String>,
    pub course: Field<String>,
    pub module: Field<String>,
    pub position: Field<i64>,
    pub duration_minutes: Field<f32>,
    pub language: Field<String>,
    pub tags: Field<Vec<String>>,
    pub state: Field<ItemState>,
}

/// A skill, course or module: `course` is a module's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartUpdate {
    pub id: String,
    pub titles: TitlesUpdate,
    pub course: Field<String>,
    pub position: Field<i64>,
}

/// A partial catalogue, every value checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    pub items: Vec<ItemUpdate>,
    pub skills: Vec<PartUpdate>,
    pub courses: Vec<PartUpdate>,
    pub modules: Vec<PartUpdate>,
    pub prerequisites: Vec<Prerequisite>,
    pub remove_items: Vec<ItemId>,
    pub remove_prerequisites: Vec<Prerequisite>,
}

impl Update {
    /// # Errors
    /// Malformed JSON, by line and column; anything else by its path.
    pub fn from_json(body: &[u8]) -> Result<Self, CatalogError> {
        let value: Value = serde_json::from_slice(body).map_err(|error| CatalogError::Malformed {
            line: error.line(),
            column: error.column(),
            why: format!("malformed JSON: {}", error.to_string().split(" at line ").next().unwrap_or_default()),
        })?;
        let top = Object::of(&value, String::new())?;
        top.only(&["items", "skills", "courses", "modules", "prerequisites", "remove_items", "remove_prerequisites"])?;
        Ok(Self {
            items: unique(top.list("items", item)?, "items", |item| item.id.as_str())?,
            skills: unique(top.list("skills", |skill| part(skill, &["id", "titles"]))?, "skills", |skill| &skill.id)?,
            courses: unique(top.list("courses", |course| part(course, &["id", "titles", "position"]))?, "courses", |course| &course.id)?,
            modules: unique(top.list("modules", |module| part(module, &["id", "titles", "course", "position"]))?, "modules", |module| {
                &module.id
            })?,
            prerequisites: top.list("prerequisites", prerequisite)?,
            remove_items: match top.texts("remove_items", 100_000)? {
                Field::Set(ids) => ids
                    .into_iter()
                    .map(|id| ItemId::parse(id).map_err(|error| top.wrong("remove_items", error.to_string())))
                    .collect::<Result<_, _>>()?,
                _ => Vec::new(),
            },
            remove_prerequisites: top.list("remove_prerequisites", prerequisite)?,
        })
    }

    /// The items and skills of a log, leaving everything else of what is stored alone.
    pub fn of_log(catalog: &Catalog) -> Self {
        let items = catalog.items.values().map(|item| ItemUpdate {
            skills: if item.skills.is_empty() { Field::Absent } else { Field::Set(item.skills.clone()) },
            ..ItemUpdate::new(item.id.clone())
        });
        let skills = catalog.skills.keys().map(|skill| PartUpdate { id: skill.as_str().into(), ..PartUpdate::default() });
        Self { items: items.collect(), skills: skills.collect(), ..Self::default() }
    }
}

impl ItemUpdate {
    pub fn new(id: ItemId) -> Self {
        Self {
            id,
            titles: TitlesUpdate::default(),
            skills: Field::Absent,
            kind: Field::Absent,
            course: Field::Absent,
            module: Field::Absent,
            position: Field::Absent,
            duration_minutes: Field::Absent,
            language: Field::Absent,
            tags: Field::Absent,
            state: Field::Absent,
        }
    }
}

fn unique<T>(parts: Vec<T>, what: &str, id: impl Fn(&T) -> &str) -> Result<Vec<T>, CatalogError> {
    let mut seen = HashSet::new();
    if let Some(position) = parts.iter().position(|part| !seen.insert(id(part))) {
        return Err(CatalogError::Invalid { path: format!("{what}[{position}].id"), why: "this id is given twice".into() });
    }
    Ok(parts)
}

pub(super) fn item(object: &Object) -> Result<ItemUpdate, CatalogError> {
    object.only(&["id", "titles", "skills", "kind", "course", "module", "position", "duration_minutes", "language", "tags", "state"])?;
    let skills = match object.texts("skills", 100)? {
        Field::Absent => Field::Absent,
        Field::Clear => Field::Clear,
        Field::Set(texts) => {
            let mut skills = Vec::with_capacity(texts.len());
            for (position, text) in texts.into_iter().enumerate() {
                skills.push(SkillId::parse(text).map_err(|error| object.wrong(&format!("skills[{position}]"), error.to_string()))?);
            }
            skills.sort_unstable();
            skills.dedup();
            Field::Set(skills)
        }
    };
    let language = object.text("language", 35)?;
    if let Field::Set(tag) = &language
        && !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(object.wrong("language", "must be a language tag such as \"fr\" or \"en-GB\""));
    }
    let state = match object.text("state", 16)? {
        Field::Absent => Field::Absent,
        Field::Clear => Field::Clear,
        Field::Set(text) => {
            Field::Set(ItemState::parse(&text).ok_or_else(|| object.wrong("state", "must be \"active\", \"hidden\" or \"expired\""))?)
        }
    };
    Ok(ItemUpdate {
        id: ItemId::parse(object.id()?).map_err(|error| object.wrong("id", error.to_string()))?,
        titles: titles(object)?,
        skills,
        kind: object.text("kind", 64)?,
        course: object.text("course", 256)?,
        module: object.text("module", 256)?,
        position: object.whole("position")?,
        duration_minutes: object.minutes("duration_minutes")?,
        language,
        tags: object.texts("tags", 50)?,
        state,
    })
}

fn part(object: &Object, fields: &[&str]) -> Result<PartUpdate, CatalogError> {
    object.only(fields)?;
    let id = object.id()?;
    SkillId::parse(id.as_str()).map_err(|error| object.wrong("id", error.to_string()))?;
    Ok(PartUpdate { id, titles: titles(object)?, course: object.text("course", 256)?, position: object.whole("position")? })
}

fn prerequisite(object: &Object) -> Result<Prerequisite, CatalogError> {
    object.only(&["skill", "requires"])?;
    let skill = |field: &str| match object.text(field, SkillId::LIMIT)? {
        Field::Set(text) => SkillId::parse(text).map_err(|error| object.wrong(field, error.to_string())),
        _ => Err(object.wrong(field, "is missing")),
    };
    Ok(Prerequisite { skill: skill("skill")?, requires: skill("requires")? })
}

fn titles(object: &Object) -> Result<TitlesUpdate, CatalogError> {
    match object.fields.get("titles") {
        None => Ok(TitlesUpdate::default()),
        Some(Value::Null) => Ok(TitlesUpdate { fr: Field::Clear, en: Field::Clear }),
        Some(value) => {
            let titles = Object::of(value, object.path_of("titles"))?;
            titles.only(&["fr", "en"])?;
            Ok(TitlesUpdate { fr: titles.text("fr", 500)?, en: titles.text("en", 500)? })
        }
    }
}

/// A JSON object and where it lies in the body.
pub(super) struct Object<'a> {
    pub fields: &'a Map<String, Value>,
    pub path: String,
}

impl<'a> Object<'a> {
    fn of(value: &'a Value, path: String) -> Result<Self, CatalogError> {
        match value.as_object() {
            Some(fields) => Ok(Self { fields, path }),
            None => {
                Err(CatalogError::Invalid { path: if path.is_empty() { "body".into() } else { path }, why: "must be an object".into() })
            }
        }
    }

    fn path_of(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    fn wrong(&self, field: &str, why: impl Into<String>) -> CatalogError {
        CatalogError::Invalid { path: self.path_of(field), why: why.into() }
    }

    fn only(&self, known: &[&str]) -> Result<(), CatalogError> {
        match self.fields.keys().find(|field| !known.contains(&field.as_str())) {
            Some(field) => Err(self.wrong(field, format!("unknown field; known are {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    fn field<T>(&self, name: &str, must: &str, parse: impl FnOnce(&'a Value) -> Option<T>) -> Result<Field<T>, CatalogError> {
        match self.fields.get(name) {
            None => Ok(Field::Absent),
            Some(Value::Null) => Ok(Field::Clear),
            Some(value) => parse(value).map(Field::Set).ok_or_else(|| self.wrong(name, format!("must be {must}"))),
        }
    }

    fn id(&self) -> Result<String, CatalogError> {
        match self.field("id", "a text", |value| value.as_str().map(str::to_owned))? {
            Field::Set(id) => Ok(id),
            _ => Err(self.wrong("id", "is missing")),
        }
    }

    fn text(&self, name: &str, limit: usize) -> Result<Field<String>, CatalogError> {
        self.field(name, &format!("a text of 1 to {limit} bytes without control characters"), |value| {
            value.as_str().filter(|text| good_text(text, limit)).map(str::to_owned)
        })
    }

    fn texts(&self, name: &str, limit: usize) -> Result<Field<Vec<String>>, CatalogError> {
        self.field(name, &format!("a list of at most {limit} texts of 1 to 512 bytes without control characters"), |value| {
            let texts = value.as_array().filter(|texts| texts.len() <= limit)?;
            texts.iter().map(|text| text.as_str().filter(|text| good_text(text, 512)).map(str::to_owned)).collect()
        })
    }

    fn whole(&self, name: &str) -> Result<Field<i64>, CatalogError> {
        self.field(name, "a whole number of at most nine digits", |value| value.as_i64().filter(|number| number.abs() < 1_000_000_000))
    }

    fn minutes(&self, name: &str) -> Result<Field<f32>, CatalogError> {
        self.field(name, "a number of minutes above 0 and at most 100,000", |value| {
            value.as_f64().filter(|minutes| *minutes > 0.0 && *minutes <= 100_000.0).map(|minutes| minutes as f32)
        })
    }

    fn list<T>(&self, name: &str, read: impl Fn(&Object) -> Result<T, CatalogError>) -> Result<Vec<T>, CatalogError> {
        match self.fields.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values
                .iter()
                .enumerate()
                .map(|(position, value)| read(&Object::of(value, format!("{}[{position}]", self.path_of(name)))?))
                .collect(),
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }
}

fn good_text(text: &str, limit: usize) -> bool {
    !text.trim().is_empty() && text.len() <= limit && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        Update::from_json(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_their_path() {
        assert_eq!(
            error(r#"{"items":[{"id":"a"},{"id":"b","duration_minutes":-3}]}"#),
            "items[1].duration_minutes: must be a number of minutes above 0 and at most 100,000"
        );
        assert_eq!(
            error(r#"{"items":[{"id":"a","titles":{"fr":3}}]}"#),
            "items[0].titles.fr: must be a text of 1 to 500 bytes without control characters"
        );
        assert!(error(r#"{"items":[{"id":"a","dura":3}]}"#).starts_with("items[0].dura: unknown field; known are id"));
        assert_eq!(error(r#"{"items":[{"id":"a"},{"id":"a"}]}"#), "items[1].id: this id is given twice");
        assert_eq!(error(r#"{"items":{}}"#), "items: must be a list");
        assert_eq!(error(r#"{"prerequisites":[{"skill":"a"}]}"#), "prerequisites[0].requires: is missing");
        assert_eq!(error("[]"), "body: must be an object");
        assert!(error("{\"items\":[\n{\"id\" 1}]}").starts_with("line 2, column 7: malformed JSON"));
    }

    #[test]
    fn absent_null_and_given_are_three_things() {
        let update = Update::from_json(br#"{"items":[{"id":"a","course":null,"module":"m"}]}"#).unwrap();
        let item = &update.items[0];
        assert_eq!((&item.course, &item.module, &item.kind), (&Field::Clear, &Field::Set("m".into()), &Field::Absent));
    }
}
