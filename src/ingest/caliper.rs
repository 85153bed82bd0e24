//! Caliper 1.1 and 1.2 envelopes on their way in: each event alone, by the table in `caliper.toml`, becomes a native event.

use std::collections::HashMap;
use std::sync::LazyLock;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::native::parse_time;
use super::xapi::mapping::Mapping;
use super::xapi::{Translated, milliseconds, names_learner};
use super::{NativeEvent, Reason};
use crate::domain::EventKind;

/// Why an envelope is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    event: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#type: String,
    actions: Vec<String>,
    kind: Option<EventKind>,
    set_aside: Option<String>,
}

/// By type and action: a kind, or why it is set aside.
type Meanings = HashMap<(String, String), Result<EventKind, String>>;

static MEANINGS: LazyLock<Meanings> =
    LazyLock::new(|| parse(include_str!("caliper.toml")).expect("a test reads the table that is compiled in"));

fn parse(text: &str) -> Result<Meanings, Box<figment::Error>> {
    let table: Table = Figment::from(Toml::string(text)).extract().map_err(Box::new)?;
    let mut meanings = Meanings::new();
    for entry in table.event {
        let meaning = entry.kind.ok_or_else(|| entry.set_aside.unwrap_or_default());
        for action in entry.actions {
            meanings.insert((entry.r#type.clone(), action), meaning.clone());
        }
    }
    Ok(meanings)
}

/// What the events and entities of an envelope are here, in their order.
///
/// # Errors
/// The body is no envelope of a version that is read here.
pub fn read(body: &[u8]) -> Result<Vec<Translated>, Refused> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Refused("the body is not JSON"))?;
    let text = |name: &str| body[name].as_str();
    if text("sensor").is_none() || text("sendTime").and_then(parse_time).is_none() {
        return Err(Refused("an envelope has sensor, sendTime, dataVersion and data"));
    }
    let version = text("dataVersion").unwrap_or_default();
    if !["http://purl.imsglobal.org/ctx/caliper/v1p1", "http://purl.imsglobal.org/ctx/caliper/v1p2"].contains(&version) {
        return Err(Refused("dataVersion must be that of Caliper 1.1 or 1.2"));
    }
    let Some(data) = body["data"].as_array() else { return Err(Refused("data must be a list of events and entities")) };
    Ok(data.iter().map(translate).collect())
}

/// An entity is an object, or its address alone.
fn address(entity: &Value) -> Option<&str> {
    entity.as_str().or_else(|| entity["id"].as_str())
}

/// What the LMS calls a person: the address, without what the LMS puts before the name.
fn learner(person: &Value) -> Option<String> {
    let address = address(person)?;
    let name = ["/user/", "/users/"].iter().find_map(|mark| address.split_once(mark)).map_or(address, |(_, name)| name);
    Some(name.to_string()).filter(|name| !name.trim().is_empty())
}

fn translate(event: &Value) -> Translated {
    let text = |name: &str| event[name].as_str();
    let (kind, action) = (text("type").unwrap_or_default(), text("action"));
    if action.is_none() && text("eventTime").is_none() && text("type").is_some() {
        return Translated::SetAside("an_entity".into());
    }
    let id = text("id").and_then(|id| Uuid::parse_str(id.strip_prefix("urn:uuid:").unwrap_or(id)).ok());
    // Who did the attempt, which is not who graded it. Open edX puts both beside the standard's places.
    let attempt = &event["object"];
    let of_attempt = |name: &str| [&attempt[name], &attempt["extensions"][name]].into_iter().find(|value| !value.is_null());
    let is_attempt = attempt["type"] == "Attempt";
    let person = of_attempt("assignee").filter(|_| is_attempt).unwrap_or(&event["actor"]);
    let item = if is_attempt { of_attempt("assignable").and_then(address) } else { address(attempt) };
    let learner = learner(person);
    let item_id = item.map(|item| Mapping::standard().item_id(item)).unwrap_or_default();
    let mut native = NativeEvent {
        id: id.map(|id| id.to_string()).unwrap_or_default(),
        learner_id: learner.clone().unwrap_or_default(),
        item_id,
        kind: EventKind::View,
        occurred_at: text("eventTime").unwrap_or_default().to_string(),
        correct: None,
        score: None,
        max_score: None,
        response_ms: None,
        attempt_number: None,
        hints: None,
        skills: None,
        progress: None,
        rating: None,
    };
    let puzzling = |known: NativeEvent, reason: Reason| Translated::Puzzling { known, reason };
    if event["actor"].is_null() || action.is_none() || attempt.is_null() {
        return puzzling(native, Reason::MissingField);
    }
    if id.is_none() {
        return puzzling(native, Reason::BadId);
    }
    match MEANINGS.get(&(kind.to_string(), action.unwrap_or_default().to_string())) {
        None => return puzzling(native, Reason::UnmappedVerb),
        Some(Err(why)) => return Translated::SetAside(why.clone()),
        Some(Ok(kind)) => native.kind = *kind,
    }
    if event["actor"]["type"] == "SoftwareApplication" && !is_attempt || learner.is_none() {
        return puzzling(native, Reason::NoLearner);
    }
    if native.item_id.is_empty() || names_learner(&native) {
        return puzzling(NativeEvent { item_id: String::new(), ..native }, Reason::NotAnItem);
    }
    if native.kind == EventKind::Attempt {
        let score = [&event["generated"], &event["generated"]["score"]].into_iter().find(|score| score["scoreGiven"].is_number());
        if let Some(score) = score {
            let (given, most) = (score["scoreGiven"].as_f64(), score["maxScore"].as_f64().filter(|most| *most > 0.0));
            native.score = given.filter(|_| most.is_some());
            native.max_score = most;
        }
        native.response_ms = attempt["duration"].as_str().and_then(milliseconds);
        native.attempt_number = of_attempt("count").and_then(Value::as_i64);
    }
    Translated::Event(native)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn envelope(data: Value) -> Vec<u8> {
        json!({"sensor": "https://lms.example/sensor", "sendTime": "2026-03-01T10:00:00Z",
            "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2", "data": data})
        .to_string()
        .into_bytes()
    }

    fn graded() -> Value {
        json!({
            "id": "urn:uuid:12c05c4e-253f-4073-9f29-5786f3ff3f36", "type": "GradeEvent", "action": "Graded",
            "actor": {"id": "https://lms.example/autograder", "type": "SoftwareApplication"},
            "object": {"id": "https://lms.example/q/3/users/ada-lovelace/attempts/2", "type": "Attempt", "count": 2, "duration": "PT8S",
                "assignee": {"id": "https://lms.example/users/ada-lovelace", "type": "Person", "name": "Ada Lovelace"},
                "assignable": {"id": "https://lms.example/q/3", "type": "AssessmentItem"}},
            "generated": {"type": "Score", "scoreGiven": 4, "maxScore": 5, "comment": "well done, Ada"},
            "eventTime": "2026-03-01T09:30:00.000Z"
        })
    }

    fn one(event: Value) -> Translated {
        read(&envelope(json!([event]))).unwrap().remove(0)
    }

    fn reason(event: Value) -> Reason {
        match one(event) {
            Translated::Puzzling { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_grade_is_the_learner_s_attempt_and_not_the_grader_s() {
        let Translated::Event(event) = one(graded()) else { panic!("a grade is an event") };
        assert_eq!((event.learner_id.as_str(), event.item_id.as_str()), ("ada-lovelace", "https://lms.example/q/3"));
        assert_eq!((event.kind, event.score, event.max_score), (EventKind::Attempt, Some(4.0), Some(5.0)));
        assert_eq!((event.response_ms, event.attempt_number), (Some(8_000), Some(2)));
        assert!(!format!("{event:?}").contains("Ada"));
    }

    #[test]
    fn an_attempt_s_address_names_the_learner_and_is_no_item() {
        let mut event = graded();
        event["object"].as_object_mut().unwrap().remove("assignable");
        assert_eq!(reason(event), Reason::NotAnItem);
        let mut event = graded();
        event["object"]["assignable"]["id"] = json!("https://lms.example/q/3/of/ada-lovelace");
        let Translated::Puzzling { known, .. } = one(event) else { panic!("it names the learner") };
        assert_eq!(known.item_id, "");
    }

    #[test]
    fn what_is_broken_is_told_apart() {
        let with = |member: &str, value: Value| {
            let mut event = graded();
            event[member] = value;
            reason(event)
        };
        assert_eq!(with("action", json!("Deleted")), Reason::UnmappedVerb);
        assert_eq!(with("id", Value::Null), Reason::BadId);
        assert_eq!(with("actor", Value::Null), Reason::MissingField);
        assert_eq!(one(json!({"id": "https://lms.example/q/3", "type": "AssessmentItem"})), Translated::SetAside("an_entity".into()));
        for body in [&b"{"[..], b"[]", br#"{"sensor":"x","sendTime":"2026-03-01T10:00:00Z","dataVersion":"v1","data":[]}"#] {
            assert!(read(body).is_err());
        }
        assert!(MEANINGS.values().all(|meaning| meaning != &Err(String::new())), "each has a kind or a reason");
    }
}
