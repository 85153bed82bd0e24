//! The slow look at an event that could not be decoded: what exactly is wrong, and what of it may be kept.

use serde_json::{Map, Value};

use super::Reason;
use crate::domain::{EventKind, ItemId, SkillId};

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Text,
    Truth,
    Number,
    Whole,
    Texts,
}

const FIELDS: [(&str, Shape); 14] = [
    ("id", Shape::Text),
    ("learner_id", Shape::Text),
    ("item_id", Shape::Text),
    ("kind", Shape::Text),
    ("occurred_at", Shape::Text),
    ("correct", Shape::Truth),
    ("score", Shape::Number),
    ("max_score", Shape::Number),
    ("response_ms", Shape::Whole),
    ("attempt_number", Shape::Whole),
    ("hints", Shape::Whole),
    ("skills", Shape::Texts),
    ("progress", Shape::Number),
    ("rating", Shape::Number),
];
const REQUIRED: usize = 5;

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Truth => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::Whole => value.is_i64(),
            Self::Texts => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Texts => "a list of texts",
        }
    }
}

fn shape_of(field: &str) -> Option<Shape> {
    FIELDS.iter().find(|(name, _)| *name == field).map(|(_, shape)| *shape)
}

/// Why this object is no event, with a sentence that names fields but quotes no value.
pub(super) fn explain(object: &Map<String, Value>) -> (Reason, String) {
    if let Some(field) = object.keys().find(|field| shape_of(field).is_none()) {
        let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        return (Reason::UnknownField, format!("unknown field {}; known are {}", printable(field), known.join(", ")));
    }
    for (position, (name, shape)) in FIELDS.iter().enumerate() {
        match object.get(*name) {
            None | Some(Value::Null) if position < REQUIRED => return (Reason::MissingField, format!("`{name}` is missing")),
            None | Some(Value::Null) => {}
            Some(value) if !shape.fits(value) => return (Reason::WrongType, format!("`{name}` must be {}", shape.words())),
            Some(_) => {}
        }
    }
    match object.get("kind").and_then(Value::as_str).map(EventKind::parse) {
        Some(None) => (Reason::UnknownKind, Reason::UnknownKind.sentence().into()),
        // All fields are well-formed and yet it did not decode: JSON lets a field appear twice, an event does not.
        _ => (Reason::RepeatedField, Reason::RepeatedField.sentence().into()),
    }
}

/// A field's name when it looks like one; anything else could be a person's.
fn printable(name: &str) -> String {
    let plain =
        !name.is_empty() && name.len() <= 48 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain { format!("`{name}`") } else { "(its name is not shown)".into() }
}

/// What a quarantined event may keep: known fields of the right type, without the event's and the learner's id, texts only as
/// far as they are what they should be.
pub(super) fn keepable(object: &Map<String, Value>) -> Value {
    let mut kept = Map::new();
    for (name, value) in object {
        let Some(shape) = shape_of(name) else { continue };
        if name == "id" || name == "learner_id" || !shape.fits(value) {
            continue;
        }
        let value = match name.as_str() {
            "item_id" => value.as_str().and_then(|text| ItemId::parse(text).ok()).map(|id| Value::from(clipped(id.as_str()))),
            "kind" => value.as_str().filter(|text| text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_lowercase())).map(Value::from),
            "occurred_at" => value
                .as_str()
                .filter(|text| text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+TZtz ".contains(&byte)))
                .map(Value::from),
            "skills" => value.as_array().map(|texts| {
                texts
                    .iter()
                    .filter_map(Value::as_str)
                    .filter(|text| SkillId::parse(*text).is_ok())
                    .take(32)
                    .map(|text| Value::from(clipped(text)))
                    .collect()
            }),
            _ => Some(value.clone()),
        };
        if let Some(value) = value {
            kept.insert(name.clone(), value);
        }
    }
    Value::Object(kept)
}

fn clipped(text: &str) -> &str {
    text.char_indices().nth(128).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_reason_names_the_field_and_quotes_no_value() {
        let (reason, detail) = explain(&object(r#"{"id":"1","learner_id":"ada@example.org","respose_ms":3}"#));
        assert_eq!(reason, Reason::UnknownField);
        assert!(detail.starts_with("unknown field `respose_ms`"));
        let (reason, detail) =
            explain(&object(r#"{"id":"1","learner_id":"a","item_id":"i","kind":"view","occurred_at":"x","score":"ada@example.org"}"#));
        assert_eq!((reason, detail.as_str()), (Reason::WrongType, "`score` must be a number"));
        let (reason, detail) = explain(&object(r#"{"id":"1","learner_id":"a","kind":"view","occurred_at":"x"}"#));
        assert_eq!((reason, detail.as_str()), (Reason::MissingField, "`item_id` is missing"));
        let (_, detail) = explain(&object(r#"{"ada@example.org":1}"#));
        assert!(!detail.contains("ada"));
    }

    #[test]
    fn only_known_fields_of_the_right_type_are_kept() {
        let kept = keepable(&object(
            r#"{"id":"ada-1","learner_id":"ada","mail":"ada@example.org","item_id":"i","kind":"Ada Lovelace","occurred_at":"by Ada","score":"ada","hints":2}"#,
        ));
        assert_eq!(kept, serde_json::json!({"item_id": "i", "hints": 2}));
    }
}
