//! xAPI statements on their way in: [`check`] says whether they are statements, [`mapping`] what they mean here, and this file makes
//! native events of them, which then go the way of all events.
//!
//! Names, addresses, responses and titles are left behind at this point: nothing below sees more than who, what, when and how well.

mod check;
mod duration;
pub mod mapping;

use serde_json::Value;
use sha1::{Digest, Sha1};
use uuid::Uuid;

pub use check::Invalid;
pub(super) use duration::milliseconds;
use mapping::{Mapping, Meaning};

use super::{NativeEvent, Reason};
use crate::domain::EventKind;

const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";
const PROGRESS: [&str; 2] = ["https://w3id.org/xapi/cmi5/result/extensions/progress", "https://w3id.org/xapi/video/extensions/progress"];

/// What a statement is here.
#[derive(Debug, Clone, PartialEq)]
pub enum Translated {
    Event(NativeEvent),
    /// Understood, and of no use: the reason as the mapping gives it.
    SetAside(String),
    /// Not understood; `known`: what could be read of it.
    Puzzling {
        known: NativeEvent,
        reason: Reason,
    },
}

/// A statement with the id it goes by: its own, or the one it is given here.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub id: Uuid,
    pub translated: Translated,
}

/// Why a request is refused as a whole, as the standard asks for.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the body is not JSON, or not a statement or a list of statements")]
    Malformed,
    #[error("statement {index}: {invalid}")]
    Invalid { index: usize, invalid: Invalid },
    #[error("two statements of one request have the same id")]
    RepeatedId,
}

/// Reads one statement or a list. `now`: RFC 3339, the time of statements that have none.
///
/// # Errors
/// One statement that is not valid: then none is taken.
pub fn read(body: &[u8], mapping: &Mapping, now: &str) -> Result<Vec<Statement>, Refused> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Refused::Malformed)?;
    let statements = match body {
        Value::Array(statements) => statements,
        one @ Value::Object(_) => vec![one],
        _ => return Err(Refused::Malformed),
    };
    let mut read = Vec::with_capacity(statements.len());
    let mut ids = std::collections::HashSet::new();
    for (index, statement) in statements.iter().enumerate() {
        check::statement(statement).map_err(|invalid| Refused::Invalid { index, invalid })?;
        let id = statement["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_else(Uuid::now_v7);
        if !ids.insert(id) {
            return Err(Refused::RepeatedId);
        }
        read.push(Statement { id, translated: translate(statement, id, mapping, now) });
    }
    Ok(read)
}

/// What the LMS calls the learner: the account's name, or the SHA-1 of the mail address (which some send in its place), or the OpenID.
/// `None`: a group, or nobody in particular.
fn learner(actor: &Value) -> Option<String> {
    if actor["objectType"] == "Group" {
        return None;
    }
    let text = |name: &str| actor[name].as_str();
    if let Some(name) = actor["account"]["name"].as_str() {
        return Some(name.to_string()).filter(|name| !name.trim().is_empty());
    }
    if let Some(address) = text("mbox") {
        return Some(hex::encode(Sha1::digest(address.as_bytes())));
    }
    text("mbox_sha1sum").map(str::to_ascii_lowercase).or_else(|| text("openid").map(str::to_string))
}

/// Whether an item's address holds the learner's id: such an address must not be kept. Short ids are in many addresses by chance.
pub(super) fn names_learner(event: &NativeEvent) -> bool {
    const SHORT: usize = 8;
    event.learner_id.len() >= SHORT && event.item_id.contains(&event.learner_id)
}

fn translate(statement: &Value, id: Uuid, mapping: &Mapping, now: &str) -> Translated {
    let object = &statement["object"];
    let verb = statement["verb"]["id"].as_str().unwrap_or_default();
    let learner = learner(&statement["actor"]);
    let mut event = NativeEvent {
        id: id.to_string(),
        learner_id: learner.clone().unwrap_or_default(),
        item_id: mapping.item_id(object["id"].as_str().unwrap_or_default()),
        kind: EventKind::View,
        occurred_at: statement["timestamp"].as_str().unwrap_or(now).to_string(),
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
    if verb == VOIDED {
        return puzzling(NativeEvent { item_id: String::new(), ..event }, Reason::VoidingUnsupported);
    }
    let kind = match mapping.meaning(verb) {
        None => return puzzling(event, Reason::UnmappedVerb),
        Some(Meaning::SetAside(why)) => return Translated::SetAside(why.clone()),
        Some(Meaning::Event(kind)) => *kind,
    };
    match object["objectType"].as_str() {
        None | Some("Activity") => {}
        // The questions of the group are told one by one, with what was right in each.
        Some("GroupActivity") => return Translated::SetAside("counted_elsewhere".into()),
        Some(_) => return puzzling(NativeEvent { item_id: String::new(), ..event }, Reason::NotAnItem),
    }
    if object["definition"]["type"].as_str().is_some_and(|kind| mapping.is_container(kind)) {
        return Translated::SetAside("a_container".into());
    }
    if learner.is_none() {
        return puzzling(event, Reason::NoLearner);
    }
    if names_learner(&event) {
        return puzzling(NativeEvent { item_id: String::new(), ..event }, Reason::NotAnItem);
    }
    event.kind = kind;
    outcome(&mut event, &statement["result"]);
    Translated::Event(event)
}

/// How well it went, as far as the event's kind has a place for it.
fn outcome(event: &mut NativeEvent, result: &Value) {
    match event.kind {
        EventKind::Attempt => {
            event.correct = result["success"].as_bool();
            event.score = share(&result["score"]);
            event.response_ms = result["duration"].as_str().and_then(duration::milliseconds);
        }
        EventKind::Progress => {
            let percent = PROGRESS.iter().find_map(|name| result["extensions"][*name].as_f64());
            // cmi5 counts to 100, the video profile to 1.
            let share = percent.map(|value| if value > 1.0 { value / 100.0 } else { value });
            event.progress = share.or_else(|| result["completion"].as_bool().map(|done| f64::from(u8::from(done))));
        }
        EventKind::Rate => {
            // One star to five, from a share of 0 to 1.
            event.rating = share(&result["score"]).map(|share| 1.0 + 4.0 * share);
        }
        EventKind::Start | EventKind::Complete | EventKind::View => {}
    }
}

/// The score as a share, 0 to 1. Points within their bounds go before `scaled`: Moodle sends 50 of 100 with scaled 0.0.
fn share(score: &Value) -> Option<f64> {
    let number = |name: &str| score[name].as_f64();
    let least = number("min").unwrap_or(0.0);
    let by_points = match (number("raw"), number("max")) {
        (Some(raw), Some(most)) if most > least => Some((raw - least) / (most - least)),
        _ => None,
    };
    // Nothing to win: no score, whatever `scaled` says.
    if by_points.is_none() && number("max").is_some_and(|most| most <= least) {
        return None;
    }
    by_points.or_else(|| number("scaled").map(|scaled| scaled.max(0.0)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-03-01T10:00:00Z";

    fn one(verb: &str, object: Value, result: Value) -> Translated {
        let statement = json!([{
            "actor": {"objectType": "Agent", "name": "Ada Lovelace", "account": {"homePage": "http://lms.example", "name": "42"}},
            "verb": {"id": verb}, "object": object, "result": result
        }]);
        read(statement.to_string().as_bytes(), Mapping::standard(), NOW).unwrap().remove(0).translated
    }

    fn event(verb: &str, result: Value) -> NativeEvent {
        match one(verb, json!({"id": "http://lms.example/q/1"}), result) {
            Translated::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_an_attempt_with_its_outcome() {
        let answered = event(
            "http://adlnet.gov/expapi/verbs/answered",
            json!({"success": true, "response": "blue", "duration": "PT7S", "score": {"raw": 50, "min": 0, "max": 100, "scaled": 0.0}}),
        );
        assert_eq!((answered.kind, answered.correct, answered.score), (EventKind::Attempt, Some(true), Some(0.5)));
        assert_eq!((answered.response_ms, answered.learner_id.as_str(), answered.occurred_at.as_str()), (Some(7_000), "42", NOW));
        assert!(!format!("{answered:?}").contains("Ada") && !format!("{answered:?}").contains("blue"));
    }

    #[test]
    fn a_question_worth_nothing_has_no_score() {
        assert_eq!(share(&json!({"raw": 0, "min": 0, "max": 0, "scaled": 0})), None);
        assert_eq!(share(&json!({"scaled": -0.5})), Some(0.0));
        assert_eq!(share(&json!({"raw": 3})), None);
        assert_eq!(share(&json!({"raw": 3, "min": 1, "max": 5})), Some(0.5));
    }

    #[test]
    fn progress_is_a_share_whatever_it_is_counted_in() {
        let progressed =
            |value: f64| event("http://adlnet.gov/expapi/verbs/progressed", json!({"extensions": {PROGRESS[0]: value}})).progress;
        assert_eq!((progressed(40.0), progressed(0.4)), (Some(0.4), Some(0.4)));
    }

    #[test]
    fn one_mail_address_is_one_learner_hashed_or_not() {
        let plain = learner(&json!({"mbox": "mailto:ada@example.org"}));
        let hashed = learner(&json!({"mbox_sha1sum": hex::encode(Sha1::digest(b"mailto:ada@example.org")).to_uppercase()}));
        assert_eq!(plain, hashed);
        assert!(!plain.unwrap().contains("ada"));
        assert_eq!(learner(&json!({"objectType": "Group", "account": {"name": "team"}})), None);
    }

    #[test]
    fn what_is_not_about_an_item_is_set_aside_and_what_is_not_known_is_kept_to_be_looked_at() {
        let group = json!({"objectType": "GroupActivity", "id": "http://lms.example/q/1"});
        let evaluated = "https://w3id.org/xapi/acrossx/verbs/evaluated";
        assert_eq!(one(evaluated, group, json!({"success": false})), Translated::SetAside("counted_elsewhere".into()));
        let course = json!({"id": "http://lms.example/c", "definition": {"type": "http://adlnet.gov/expapi/activities/course"}});
        assert_eq!(one("http://adlnet.gov/expapi/verbs/completed", course, json!({})), Translated::SetAside("a_container".into()));
        let puzzle = |verb: &str, object: Value| match one(verb, object, json!({})) {
            Translated::Puzzling { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        let activity = || json!({"id": "http://lms.example/q/1"});
        let reference = json!({"objectType": "StatementRef", "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"});
        assert_eq!(puzzle("http://example.org/danced", activity()), Reason::UnmappedVerb);
        assert_eq!(puzzle(VOIDED, reference.clone()), Reason::VoidingUnsupported);
        assert_eq!(puzzle(evaluated, reference), Reason::NotAnItem);
    }

    #[test]
    fn a_request_is_refused_as_a_whole() {
        let refused = |body: &str| read(body.as_bytes(), Mapping::standard(), NOW).unwrap_err().to_string();
        assert!(refused("17").contains("not a statement"));
        assert!(refused("[{}]").starts_with("statement 0: statement.actor"));
        let id = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee";
        let statement = json!({"id": id, "actor": {"mbox": "mailto:a@b.c"}, "verb": {"id": "a:b"}, "object": {"id": "a:b"}});
        assert!(refused(&json!([statement, statement]).to_string()).contains("same id"));
    }
}
