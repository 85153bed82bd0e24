//! The table that says what a verb and an object mean, read from `mapping.toml`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;

use crate::domain::EventKind;

/// What becomes of statements with a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    Event(EventKind),
    /// Left alone, for this reason.
    SetAside(String),
}

/// The table, by IRI.
#[derive(Debug)]
pub struct Mapping {
    verbs: HashMap<String, Meaning>,
    containers: HashSet<String>,
    items: Vec<ItemRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    verb: Vec<Verb>,
    containers: Containers,
    item: Vec<ItemRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verb {
    ids: Vec<String>,
    kind: Option<EventKind>,
    set_aside: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Containers {
    types: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemRule {
    after: Option<String>,
    before: Option<String>,
    within: Option<String>,
    keep_query: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("{0}")]
    Unreadable(Box<figment::Error>),
    #[error("verb {0} must have either `kind` or `set_aside`")]
    Undecided(String),
    #[error("verb {0} stands twice")]
    Twice(String),
}

impl Mapping {
    /// The table that comes with the product.
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Mapping> =
            LazyLock::new(|| Mapping::parse(include_str!("mapping.toml")).expect("a test reads the table that is compiled in"));
        &STANDARD
    }

    /// # Errors
    /// The text is no such table, or a verb's meaning is missing or ambiguous.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let table: Table = Figment::from(Toml::string(text)).extract().map_err(|error| MappingError::Unreadable(Box::new(error)))?;
        let mut verbs = HashMap::new();
        for verb in table.verb {
            let meaning = match (verb.kind, verb.set_aside) {
                (Some(kind), None) => Meaning::Event(kind),
                (None, Some(why)) => Meaning::SetAside(why),
                _ => return Err(MappingError::Undecided(verb.ids.join(", "))),
            };
            for id in verb.ids {
                if verbs.insert(id.clone(), meaning.clone()).is_some() {
                    return Err(MappingError::Twice(id));
                }
            }
        }
        Ok(Self { verbs, containers: table.containers.types.into_iter().collect(), items: table.item })
    }

    pub fn meaning(&self, verb: &str) -> Option<&Meaning> {
        self.verbs.get(verb)
    }

    pub fn is_container(&self, activity_type: &str) -> bool {
        self.containers.contains(activity_type)
    }

    /// The item that an activity's address speaks of.
    pub fn item_id(&self, activity: &str) -> String {
        let mut id = activity.to_string();
        for rule in &self.items {
            if let Some((_, rest)) = rule.after.as_deref().and_then(|mark| id.split_once(mark)) {
                id = rest.to_string();
            }
            if let Some((rest, _)) = rule.before.as_deref().and_then(|mark| id.rsplit_once(mark)) {
                id = rest.to_string();
            }
            if let (Some(within), Some(parameter)) = (&rule.within, &rule.keep_query)
                && id.contains(within.as_str())
            {
                id = only_parameter(&id, parameter);
            }
        }
        id
    }
}

fn only_parameter(address: &str, parameter: &str) -> String {
    let Some((path, query)) = address.split_once('?') else { return address.to_string() };
    let named = |pair: &&str| pair.split('=').next() == Some(parameter);
    query.split('&').find(named).map_or_else(|| address.to_string(), |pair| format!("{path}?{pair}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_is_compiled_in_can_be_read() {
        let mapping = Mapping::parse(include_str!("mapping.toml")).unwrap();
        assert_eq!(mapping.meaning("http://adlnet.gov/expapi/verbs/answered"), Some(&Meaning::Event(EventKind::Attempt)));
        assert!(mapping.meaning("http://example.org/verbs/danced").is_none());
    }

    #[test]
    fn addresses_become_ids_that_a_catalogue_can_name() {
        let id = |address: &str| Mapping::standard().item_id(address);
        let block = "block-v1:edX+DemoX+Demo_Course+type@problem+block@07adfed6";
        assert_eq!(id(&format!("http://lms.example/xblock/{block}")), block);
        assert_eq!(id(&format!("http://lms.example/xblock/{block}/hint/1")), block);
        assert_eq!(id(&format!("http://lms.example/xblock/{block}/answer")), block);
        assert_eq!(id("http://m.example/question/question.php?cmid=7&id=31"), "http://m.example/question/question.php?id=31");
        assert_eq!(id("http://m.example/mod/book/view.php?id=1&chapterid=2"), "http://m.example/mod/book/view.php?id=1&chapterid=2");
    }

    #[test]
    fn a_verb_means_one_thing() {
        let undecided = "containers = { types = [] }\nitem = []\n[[verb]]\nids = [\"a:b\"]\n";
        assert!(matches!(Mapping::parse(undecided), Err(MappingError::Undecided(_))));
        let twice = "item = []\ncontainers = { types = [] }\n[[verb]]\nids = [\"a:b\", \"a:b\"]\nkind = \"view\"\n";
        assert!(matches!(Mapping::parse(twice), Err(MappingError::Twice(_))));
    }
}
