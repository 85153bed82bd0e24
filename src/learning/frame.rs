//! Events as a Polars frame: one row an event, sorted by (learner, occurred_at, event key); and from there to the dataset.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::*;

use super::dataset::{Answer, Dataset, Marks, Sequence, View, Vocabulary};
use crate::domain::{Catalog, Event, EventKind, ItemId, Pseudonym, SkillId};

/// Between skill hints in their column.
pub const HINT_SEPARATOR: char = '\u{1f}';

/// Columns: `learner` and `event_key` (binary), `item` and `kind` (string), `occurred_at` (i64, microseconds), `correct` (boolean),
/// `score` (f32), `response_ms` (i64), `attempt_number` and `hints` (i32), `skill_hints` (string, joined by U+001F).
/// Sorted, so that the order of arrival leaves no trace.
pub fn from_events(events: &[Event]) -> PolarsResult<DataFrame> {
    fn column<'a, T>(events: &'a [Event], pick: impl Fn(&'a Event) -> T) -> Vec<T> {
        events.iter().map(pick).collect()
    }
    let separator = HINT_SEPARATOR.to_string();
    let hints = column(events, |event| event.skill_hints.iter().map(SkillId::as_str).collect::<Vec<_>>().join(&separator));
    df!(
        "learner" => column(events, |event| event.learner.as_bytes()),
        "event_key" => column(events, |event| event.key.as_bytes()),
        "item" => column(events, |event| event.item.as_str()),
        "kind" => column(events, |event| event.kind.as_str()),
        "occurred_at" => column(events, |event| event.occurred_at.0),
        "correct" => column(events, |event| event.correct),
        "score" => column(events, |event| event.score),
        "response_ms" => column(events, |event| event.response_ms),
        "attempt_number" => column(events, |event| event.attempt_number),
        "hints" => column(events, |event| event.hints),
        "skill_hints" => hints,
    )?
    .lazy()
    .sort(["learner", "occurred_at", "event_key"], SortMultipleOptions::default())
    .collect()
}

impl Dataset {
    /// Learners with at least one answer; skills from the catalogue, or the senders' hints (all that were ever sent with an answer to
    /// the item) where it has none. What is not graded becomes a view of the skills that somebody answered.
    ///
    /// # Errors
    /// A column is missing or of another type than [`from_events`] gives it, or an id in it does not parse.
    pub fn from_frame(frame: &DataFrame, catalog: &Catalog) -> anyhow::Result<Self> {
        let graded = col("kind").eq(lit(EventKind::Attempt.as_str())).and(col("correct").is_not_null());
        let events = frame
            .clone()
            .lazy()
            .with_column(graded.alias("graded"))
            .sort(["learner", "occurred_at", "event_key"], SortMultipleOptions::default())
            .collect()?;
        let items = events.column("item")?.str()?;
        let hints = events.column("skill_hints")?.str()?;
        let graded = events.column("graded")?.bool()?;

        let mut hinted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((item, hints), graded) in items.iter().zip(hints.iter()).zip(graded.iter()) {
            let Some(item) = item else { anyhow::bail!("an event has no item") };
            if graded == Some(true) {
                hinted.entry(item).or_default().extend(split_hints(hints));
            }
        }
        let (vocabulary, positions) = vocabulary(&hinted, catalog)?;
        let skill_at: HashMap<&str, u32> = vocabulary.skills.iter().map(SkillId::as_str).zip(0..).collect();

        let learners = events.column("learner")?.binary()?;
        let occurred_at = events.column("occurred_at")?.i64()?;
        let correct = events.column("correct")?.bool()?;
        let response_ms = events.column("response_ms")?.i64()?;
        let attempt_number = events.column("attempt_number")?.i32()?;
        let hint_counts = events.column("hints")?.i32()?;
        let mut sequences: Vec<Sequence> = Vec::new();
        for row in 0..events.height() {
            let learner = learners.get(row).and_then(Pseudonym::from_slice);
            let (Some(learner), Some(item), Some(occurred_at)) = (learner, items.get(row), occurred_at.get(row)) else {
                anyhow::bail!("row {row} has no learner, item or time");
            };
            if sequences.last().is_none_or(|last| last.learner != learner) {
                sequences.push(Sequence { learner, answers: Vec::new(), views: Vec::new() });
            }
            let Some(sequence) = sequences.last_mut() else { continue };
            if let (Some(true), Some(correct)) = (graded.get(row), correct.get(row)) {
                let marks =
                    Marks { response_ms: response_ms.get(row), attempt_number: attempt_number.get(row), hints: hint_counts.get(row) };
                sequence.answers.push(Answer { item: positions[item], correct, occurred_at, marks });
                continue;
            }
            let hints = split_hints(hints.get(row)).map(SkillId::parse).collect::<Result<Vec<_>, _>>()?;
            let skills = catalog.skills_of(&ItemId::parse(item)?, &hints).iter().filter_map(|skill| skill_at.get(skill.as_str()).copied());
            let skills: BTreeSet<u32> = skills.collect();
            let (before, item) = (sequence.answers.len() as u32, positions.get(item).copied());
            if item.is_some() || !skills.is_empty() {
                sequence.views.push(View { before, item, skills: skills.into_iter().collect() });
            }
        }
        sequences.retain(|sequence| !sequence.answers.is_empty());
        Ok(Self { vocabulary, sequences })
    }
}

fn split_hints(hints: Option<&str>) -> impl Iterator<Item = &str> {
    hints.unwrap_or_default().split(HINT_SEPARATOR).filter(|hint| !hint.is_empty())
}

/// Items sorted by id, their skills sorted by id, and each item's position.
fn vocabulary<'a>(
    hinted: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    catalog: &Catalog,
) -> anyhow::Result<(Vocabulary, BTreeMap<&'a str, u32>)> {
    let mut items = Vec::with_capacity(hinted.len());
    let mut skills_of = Vec::with_capacity(hinted.len());
    for (item, hints) in hinted {
        let item = ItemId::parse(*item)?;
        let hints = hints.iter().map(|hint| SkillId::parse(*hint)).collect::<Result<Vec<_>, _>>()?;
        let skills: BTreeSet<SkillId> = catalog.skills_of(&item, &hints).iter().cloned().collect();
        items.push(item);
        skills_of.push(skills);
    }
    let skills: Vec<SkillId> = skills_of.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let position: BTreeMap<&SkillId, u32> = skills.iter().zip(0..).collect();
    let item_skills = skills_of.iter().map(|skills| skills.iter().map(|skill| position[skill]).collect()).collect();
    drop(position);
    Ok((Vocabulary { items, skills, item_skills }, hinted.keys().copied().zip(0..).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventKey, Micros};

    fn event(learner: u8, key: u8, item: &str, at: i64, correct: Option<bool>) -> Event {
        Event {
            key: EventKey([key; 16]),
            learner: Pseudonym([learner; 16]),
            item: ItemId::parse(item).unwrap(),
            kind: if correct.is_some() { EventKind::Attempt } else { EventKind::View },
            occurred_at: Micros(at),
            score: correct.map(|correct| f32::from(u8::from(correct))),
            correct,
            response_ms: None,
            attempt_number: Some(1),
            hints: None,
            skill_hints: vec![SkillId::parse(format!("skill of {item}")).unwrap()],
        }
    }

    #[test]
    fn the_order_of_arrival_leaves_no_trace() {
        let mut events = vec![
            event(2, 1, "b", 5, Some(true)),
            event(1, 2, "a", 9, Some(false)),
            event(1, 3, "b", 9, Some(true)),
            event(1, 4, "c", 1, None),
        ];
        let frame = from_events(&events).unwrap();
        events.reverse();
        assert!(frame.equals_missing(&from_events(&events).unwrap()));

        let dataset = Dataset::from_frame(&frame, &Catalog::default()).unwrap();
        assert_eq!(dataset.vocabulary.items.iter().map(ItemId::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(dataset.vocabulary.item_skills, [[0], [1]]);
        let read: Vec<Vec<(u32, bool)>> = dataset
            .sequences
            .iter()
            .map(|sequence| sequence.answers.iter().map(|answer| (answer.item, answer.correct)).collect())
            .collect();
        assert_eq!(read, [vec![(0, false), (1, true)], vec![(1, true)]]);
        assert!(dataset.sequences.iter().all(|sequence| sequence.views.is_empty()), "nobody answered what was viewed");
    }

    #[test]
    fn what_is_not_graded_becomes_a_view_before_the_next_answer() {
        let events = [
            event(1, 1, "a", 1, Some(true)),
            event(1, 2, "a", 2, None),
            event(1, 3, "unanswered", 3, None),
            event(1, 4, "a", 4, Some(true)),
            event(2, 5, "a", 4, None),
        ];
        let dataset = Dataset::from_frame(&from_events(&events).unwrap(), &Catalog::default()).unwrap();
        assert_eq!(dataset.sequences.len(), 1, "who only looks has no sequence");
        assert_eq!(dataset.sequences[0].views, [View { before: 1, item: Some(0), skills: vec![0] }]);
    }

    #[test]
    fn no_events_make_an_empty_dataset() {
        let dataset = Dataset::from_frame(&from_events(&[]).unwrap(), &Catalog::default()).unwrap();
        assert_eq!(dataset, Dataset::default());
    }
}
