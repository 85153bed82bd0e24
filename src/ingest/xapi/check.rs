//! Whether a statement is one: the rules of xAPI 1.0.3 and 2.0 that can be checked on the statement alone.
//!
//! Errors name the place and the rule, and quote no value: it could be a person's.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::duration;
use crate::ingest::native::parse_time;

/// What is wrong, and where: `result.score.scaled: must be -1 to 1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Invalid {
    pub place: String,
    pub why: &'static str,
}

type Checked = Result<(), Invalid>;
type Object = Map<String, Value>;

fn invalid(place: &str, why: &'static str) -> Invalid {
    Invalid { place: place.into(), why }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Object, Invalid> {
    value.as_object().ok_or_else(|| invalid(place, "must be an object"))
}

/// Refuses members that have no place here; a name that is not the standard's is not repeated.
fn only(object: &Object, place: &str, known: &[&str]) -> Checked {
    match object.keys().all(|key| known.contains(&key.as_str())) {
        true => Ok(()),
        false => Err(invalid(place, "has a member that the standard does not know")),
    }
}

fn each<'a>(object: &'a Object, place: &str, members: &[&str], check: impl Fn(&'a Value, &str) -> Checked) -> Checked {
    for member in members {
        if let Some(value) = object.get(*member) {
            check(value, &format!("{place}.{member}"))?;
        }
    }
    Ok(())
}

fn text(value: &Value, place: &str) -> Checked {
    value.as_str().map(|_| ()).ok_or_else(|| invalid(place, "must be a text"))
}

fn truth(value: &Value, place: &str) -> Checked {
    value.as_bool().map(|_| ()).ok_or_else(|| invalid(place, "must be true or false"))
}

fn uuid(value: &Value, place: &str) -> Checked {
    let text = value.as_str().filter(|text| text.len() == 36).and_then(|text| Uuid::parse_str(text).ok());
    text.map(|_| ()).ok_or_else(|| invalid(place, "must be a UUID"))
}

fn time(value: &Value, place: &str) -> Checked {
    let time = value.as_str().and_then(parse_time);
    time.map(|_| ()).ok_or_else(|| invalid(place, "must be an RFC 3339 time with an offset"))
}

/// A scheme, a colon, and no white space: as far as an IRI can be told from a text.
fn iri(value: &Value, place: &str) -> Checked {
    let is_iri = |text: &str| {
        let Some((scheme, rest)) = text.split_once(':') else { return false };
        let mut letters = scheme.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c))
    };
    match value.as_str().is_some_and(is_iri) {
        true => Ok(()),
        false => Err(invalid(place, "must be an IRI")),
    }
}

fn language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    parts.next().is_some_and(|first| (1..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic()))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn language_map(value: &Value, place: &str) -> Checked {
    for (tag, value) in object(value, place)? {
        if !language_tag(tag) {
            return Err(invalid(place, "must be keyed by language tags"));
        }
        text(value, place)?;
    }
    Ok(())
}

fn extensions(value: &Value, place: &str) -> Checked {
    for key in object(value, place)?.keys() {
        iri(&Value::from(key.as_str()), place).map_err(|_| invalid(place, "must be keyed by IRIs"))?;
    }
    Ok(())
}

/// `null` has no place outside extensions.
fn no_nulls(value: &Value, place: &str) -> Checked {
    match value {
        Value::Null => Err(invalid(place, "must not be null")),
        Value::Array(values) => values.iter().try_for_each(|value| no_nulls(value, place)),
        Value::Object(members) => {
            members.iter().filter(|(key, _)| *key != "extensions").try_for_each(|(key, value)| no_nulls(value, &format!("{place}.{key}")))
        }
        _ => Ok(()),
    }
}

pub(super) const IDENTIFIERS: [&str; 4] = ["account", "mbox", "mbox_sha1sum", "openid"];

fn identifiers(actor: &Object, place: &str) -> Result<usize, Invalid> {
    each(actor, place, &["name"], text)?;
    each(actor, place, &["mbox"], |value, place| {
        let address = value.as_str().and_then(|text| text.strip_prefix("mailto:"));
        let has_two_parts = |address: &str| matches!(address.split_once('@'), Some((user, host)) if !user.is_empty() && !host.is_empty());
        address.filter(|address| has_two_parts(address)).map(|_| ()).ok_or_else(|| invalid(place, "must be mailto: and an address"))
    })?;
    each(actor, place, &["mbox_sha1sum"], |value, place| {
        let digits = |text: &&str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        value.as_str().filter(digits).map(|_| ()).ok_or_else(|| invalid(place, "must be 40 hex digits"))
    })?;
    each(actor, place, &["openid"], iri)?;
    each(actor, place, &["account"], |value, place| {
        let account = object(value, place)?;
        only(account, place, &["homePage", "name"])?;
        iri(account.get("homePage").unwrap_or(&Value::Null), &format!("{place}.homePage"))?;
        text(account.get("name").unwrap_or(&Value::Null), &format!("{place}.name"))
    })?;
    Ok(IDENTIFIERS.iter().filter(|name| actor.contains_key(**name)).count())
}

fn agent(value: &Value, place: &str) -> Checked {
    let actor = object(value, place)?;
    match actor.get("objectType").map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("Agent") => {
            only(actor, place, &["objectType", "name", "account", "mbox", "mbox_sha1sum", "openid"])?;
            if identifiers(actor, place)? != 1 {
                return Err(invalid(place, "must have exactly one of account, mbox, mbox_sha1sum, openid"));
            }
            Ok(())
        }
        _ => Err(invalid(place, "must be an Agent")),
    }
}

fn actor(value: &Value, place: &str) -> Checked {
    let group = object(value, place)?;
    if group.get("objectType").and_then(Value::as_str) != Some("Group") {
        return agent(value, place);
    }
    only(group, place, &["objectType", "name", "account", "mbox", "mbox_sha1sum", "openid", "member"])?;
    let identified = identifiers(group, place)?;
    let members = match group.get("member") {
        None => &[][..],
        Some(Value::Array(members)) => members,
        Some(_) => return Err(invalid(place, "must list its members")),
    };
    members.iter().try_for_each(|member| agent(member, &format!("{place}.member")))?;
    match (identified, members.is_empty()) {
        (1, _) | (0, false) => Ok(()),
        (0, true) => Err(invalid(place, "must have an identifier or members")),
        _ => Err(invalid(place, "must have one identifier at most")),
    }
}

fn verb(value: &Value, place: &str) -> Checked {
    let verb = object(value, place)?;
    only(verb, place, &["id", "display"])?;
    iri(verb.get("id").unwrap_or(&Value::Null), &format!("{place}.id"))?;
    each(verb, place, &["display"], language_map)
}

const INTERACTIONS: [&str; 10] =
    ["true-false", "choice", "fill-in", "long-fill-in", "matching", "performance", "sequencing", "likert", "numeric", "other"];
const COMPONENTS: [&str; 5] = ["choices", "scale", "source", "target", "steps"];

fn definition(value: &Value, place: &str) -> Checked {
    let definition = object(value, place)?;
    let known = ["name", "description", "type", "moreInfo", "extensions", "interactionType", "correctResponsesPattern"];
    only(definition, place, &[&known[..], &COMPONENTS[..]].concat())?;
    each(definition, place, &["name", "description"], language_map)?;
    each(definition, place, &["type", "moreInfo"], iri)?;
    each(definition, place, &["extensions"], extensions)?;
    each(definition, place, &["interactionType"], |value, place| {
        let known = value.as_str().is_some_and(|kind| INTERACTIONS.contains(&kind));
        known.then_some(()).ok_or_else(|| invalid(place, "is no interaction type of the standard"))
    })?;
    each(definition, place, &["correctResponsesPattern"], |value, place| {
        let texts = value.as_array().is_some_and(|patterns| patterns.iter().all(Value::is_string));
        texts.then_some(()).ok_or_else(|| invalid(place, "must be a list of texts"))
    })?;
    each(definition, place, &COMPONENTS, |value, place| {
        let components = value.as_array().ok_or_else(|| invalid(place, "must be a list"))?;
        for component in components {
            let component = object(component, place)?;
            only(component, place, &["id", "description"])?;
            text(component.get("id").unwrap_or(&Value::Null), &format!("{place}.id"))?;
            each(component, place, &["description"], language_map)?;
        }
        Ok(())
    })
}

fn activity(value: &Value, place: &str) -> Checked {
    let activity = object(value, place)?;
    only(activity, place, &["objectType", "id", "definition"])?;
    // Open edX calls a problem of several questions a GroupActivity, which the standard does not know.
    let kind = activity.get("objectType").map(|kind| kind.as_str().unwrap_or_default());
    if !matches!(kind, None | Some("Activity" | "GroupActivity")) {
        return Err(invalid(place, "must be an Activity"));
    }
    iri(activity.get("id").unwrap_or(&Value::Null), &format!("{place}.id"))?;
    each(activity, place, &["definition"], definition)
}

fn reference(value: &Value, place: &str) -> Checked {
    let reference = object(value, place)?;
    only(reference, place, &["objectType", "id"])?;
    if reference.get("objectType").and_then(Value::as_str) != Some("StatementRef") {
        return Err(invalid(place, "must be a StatementRef"));
    }
    uuid(reference.get("id").unwrap_or(&Value::Null), &format!("{place}.id"))
}

fn target(value: &Value, place: &str, nested: bool) -> Checked {
    match object(value, place)?.get("objectType").map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("Activity" | "GroupActivity") => activity(value, place),
        Some("Agent") => agent(value, place),
        Some("Group") => actor(value, place),
        Some("StatementRef") => reference(value, place),
        Some("SubStatement") if !nested => sub_statement(value, place),
        Some(_) => Err(invalid(place, "is of no object type that may stand here")),
    }
}

fn score(value: &Value, place: &str) -> Checked {
    let score = object(value, place)?;
    only(score, place, &["scaled", "raw", "min", "max"])?;
    each(score, place, &["scaled", "raw", "min", "max"], |value, place| {
        value.as_f64().map(|_| ()).ok_or_else(|| invalid(place, "must be a number"))
    })?;
    let number = |member: &str| score.get(member).and_then(Value::as_f64);
    if number("scaled").is_some_and(|scaled| !(-1.0..=1.0).contains(&scaled)) {
        return Err(invalid(&format!("{place}.scaled"), "must be -1 to 1"));
    }
    let (raw, least, most) = (number("raw"), number("min"), number("max"));
    // A question worth no points has both at 0.
    if matches!((least, most), (Some(least), Some(most)) if least > most) {
        return Err(invalid(place, "min must not be above max"));
    }
    if matches!((raw, least), (Some(raw), Some(least)) if raw < least) || matches!((raw, most), (Some(raw), Some(most)) if raw > most) {
        return Err(invalid(&format!("{place}.raw"), "must lie between min and max"));
    }
    Ok(())
}

fn result(value: &Value, place: &str) -> Checked {
    let result = object(value, place)?;
    only(result, place, &["score", "success", "completion", "response", "duration", "extensions"])?;
    each(result, place, &["score"], score)?;
    each(result, place, &["success", "completion"], truth)?;
    each(result, place, &["response"], text)?;
    each(result, place, &["extensions"], extensions)?;
    each(result, place, &["duration"], |value, place| {
        value.as_str().and_then(duration::milliseconds).map(|_| ()).ok_or_else(|| invalid(place, "must be an ISO 8601 duration"))
    })
}

fn context(value: &Value, place: &str, about_activity: bool) -> Checked {
    let context = object(value, place)?;
    let known = ["registration", "instructor", "team", "contextActivities", "revision", "platform", "language", "statement", "extensions"];
    only(context, place, &[&known[..], &["contextAgents", "contextGroups"]].concat())?;
    each(context, place, &["registration"], uuid)?;
    each(context, place, &["instructor"], actor)?;
    each(context, place, &["team"], |value, place| match value.get("objectType").and_then(Value::as_str) {
        Some("Group") => actor(value, place),
        _ => Err(invalid(place, "must be a Group")),
    })?;
    each(context, place, &["revision", "platform"], |value, place| match about_activity {
        true => text(value, place),
        false => Err(invalid(place, "may stand only where the object is an Activity")),
    })?;
    each(context, place, &["language"], |value, place| {
        value.as_str().filter(|tag| language_tag(tag)).map(|_| ()).ok_or_else(|| invalid(place, "must be a language tag"))
    })?;
    each(context, place, &["statement"], reference)?;
    each(context, place, &["extensions"], extensions)?;
    each(context, place, &["contextActivities"], |value, place| {
        let relations = object(value, place)?;
        let known = ["parent", "grouping", "category", "other"];
        only(relations, place, &known)?;
        each(relations, place, &known, |value, place| match value {
            Value::Array(activities) => activities.iter().try_for_each(|one| activity(one, place)),
            one => activity(one, place),
        })
    })
}

fn parts(statement: &Object, place: &str, nested: bool) -> Checked {
    let part = |name: &str| statement.get(name).ok_or_else(|| invalid(&format!("{place}.{name}"), "is missing"));
    actor(part("actor")?, &format!("{place}.actor"))?;
    verb(part("verb")?, &format!("{place}.verb"))?;
    target(part("object")?, &format!("{place}.object"), nested)?;
    each(statement, place, &["result"], result)?;
    let kind = part("object")?.get("objectType").and_then(Value::as_str);
    let about_activity = matches!(kind, None | Some("Activity" | "GroupActivity"));
    each(statement, place, &["context"], |value, place| context(value, place, about_activity))?;
    each(statement, place, &["timestamp"], time)
}

fn sub_statement(value: &Value, place: &str) -> Checked {
    let statement = object(value, place)?;
    only(statement, place, &["objectType", "actor", "verb", "object", "result", "context", "timestamp"])?;
    parts(statement, place, true)
}

/// # Errors
/// The first rule that is broken.
pub fn statement(value: &Value) -> Checked {
    const PLACE: &str = "statement";
    let statement = object(value, PLACE)?;
    let known = ["id", "actor", "verb", "object", "result", "context", "timestamp", "stored", "authority", "version", "attachments"];
    only(statement, PLACE, &known)?;
    no_nulls(value, PLACE)?;
    if statement.contains_key("attachments") {
        return Err(invalid("statement.attachments", "are not taken here: send the statement without them"));
    }
    each(statement, PLACE, &["id"], uuid)?;
    each(statement, PLACE, &["stored"], time)?;
    each(statement, PLACE, &["authority"], actor)?;
    each(statement, PLACE, &["version"], |value, place| match value.as_str() {
        Some(version) if version == "1.0" || version.starts_with("1.0.") || version.starts_with("2.0.") => Ok(()),
        _ => Err(invalid(place, "must be 1.0.x or 2.0.x")),
    })?;
    parts(statement, PLACE, false)?;
    let voids = statement["verb"]["id"] == super::VOIDED;
    if voids && statement["object"]["objectType"] != "StatementRef" {
        return Err(invalid("statement.object", "must be a StatementRef where the verb is voided"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
            "actor": {"account": {"homePage": "http://lms.example", "name": "42"}},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
            "object": {"id": "http://lms.example/q/1", "definition": {"type": "http://adlnet.gov/expapi/activities/cmi.interaction"}},
            "result": {"success": true, "score": {"scaled": 1, "raw": 2, "min": 0, "max": 2}, "duration": "PT12.5S"},
            "context": {"registration": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee", "language": "fr-FR",
                "contextActivities": {"parent": {"id": "http://lms.example/quiz"}}, "platform": "Moodle"},
            "timestamp": "2026-03-01T09:30:00+01:00",
            "version": "1.0.3"
        })
    }

    #[test]
    fn a_good_statement_passes_and_each_broken_rule_is_named() {
        assert_eq!(statement(&good()), Ok(()));
        let broken: [(&str, Value, &str); 16] = [
            ("/id", json!("17"), "statement.id"),
            ("/actor/account/homePage", json!("lms"), "statement.actor.account.homePage"),
            ("/actor/mbox", json!("mailto:ada@example.org"), "statement.actor"),
            ("/verb/id", json!("answered"), "statement.verb.id"),
            ("/verb/display", json!({"not a tag": "x"}), "statement.verb.display"),
            ("/object/id", json!("not an iri"), "statement.object.id"),
            ("/object/objectType", json!("Planet"), "statement.object"),
            ("/result/score/scaled", json!(1.5), "statement.result.score.scaled"),
            ("/result/score/raw", json!(3), "statement.result.score.raw"),
            ("/result/success", json!("yes"), "statement.result.success"),
            ("/result/duration", json!("12 s"), "statement.result.duration"),
            ("/context/registration", json!("1"), "statement.context.registration"),
            ("/context/language", json!("french!"), "statement.context.language"),
            ("/timestamp", json!("2026-03-01"), "statement.timestamp"),
            ("/version", json!("0.9"), "statement.version"),
            ("/result/response", Value::Null, "statement.result.response"),
        ];
        for (pointer, value, place) in broken {
            let mut statement = good();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            statement.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(member.into(), value);
            assert_eq!(super::statement(&statement).unwrap_err().place, place, "{pointer}");
        }
    }

    #[test]
    fn what_has_no_place_is_refused_without_being_quoted() {
        let mut statement = good();
        statement["Ada Lovelace"] = json!(1);
        let error = super::statement(&statement).unwrap_err().to_string();
        assert!(error.contains("standard") && !error.contains("Ada"), "{error}");
        let mut statement = good();
        statement["attachments"] = json!([]);
        assert_eq!(super::statement(&statement).unwrap_err().place, "statement.attachments");
        let mut statement = good();
        statement["verb"]["id"] = json!(super::super::VOIDED);
        assert_eq!(super::statement(&statement).unwrap_err().place, "statement.object");
    }
}
