//! A made-up class, from a seed: data for benches and tests that need learners of differing ability and nothing else.

use super::dataset::{Answer, Dataset, Marks, Sequence, Vocabulary};
use super::math::sigmoid;
use super::random::Stream;
use crate::domain::{Catalog, Event, EventKey, EventKind, Item, ItemId, ItemState, Micros, Pseudonym, SkillId, Titles, hash::Hasher};

/// How large a class is.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    pub learners: usize,
    /// Answers of each learner.
    pub answers: usize,
    pub items: usize,
    pub skills: usize,
}

impl Class {
    /// Learners whose chance grows with their ability, the item and practice. Every fourth item has two skills, the last none.
    pub fn dataset(self, seed: u64) -> Dataset {
        let ids = |name: &str, count: usize| (0..count).filter_map(|n| ItemId::parse(format!("{name} {n:05}")).ok()).collect::<Vec<_>>();
        let items = ids("item", self.items);
        let skills: Vec<SkillId> = (0..self.skills).filter_map(|n| SkillId::parse(format!("skill {n:04}")).ok()).collect();
        let skills_of = |item: usize| match (item % self.skills.max(1), (item + 1) % self.skills.max(1)) {
            _ if self.skills == 0 || item + 1 == self.items => vec![],
            (one, two) if item % 4 == 3 && one != two => vec![one.min(two) as u32, one.max(two) as u32],
            (one, _) => vec![one as u32],
        };
        let item_skills = (0..self.items).map(skills_of).collect();
        let mut sequences: Vec<Sequence> = (0..self.learners).map(|learner| self.learner(seed, learner)).collect();
        sequences.sort_by_key(|sequence| sequence.learner);
        Dataset { vocabulary: Vocabulary { items, skills, item_skills }, sequences }
    }

    fn learner(self, seed: u64, learner: usize) -> Sequence {
        let mut chance = Stream::new(seed, "class", &learner.to_le_bytes());
        let ability = chance.unit() * 2.0 - 0.5;
        let answer = |step: usize| {
            let item = ((chance.unit() * self.items as f32) as usize).min(self.items.saturating_sub(1));
            let ease = (item * 7 % 12) as f32 * 0.2 - 1.0;
            let correct = chance.unit() < sigmoid(ability + ease + (step as f32 * 0.03).min(1.0));
            let occurred_at = step as i64 * 40 * Micros::SECOND + learner as i64;
            Answer { item: item as u32, correct, occurred_at, marks: Marks::default() }
        };
        let name = Hasher::new("parcours 2026 sample learner").number(learner as u64).finish16();
        Sequence { learner: Pseudonym(name), answers: (0..self.answers).map(answer).collect(), views: vec![] }
    }
}

/// A catalogue with the vocabulary's items and skills.
pub fn catalog(vocabulary: &Vocabulary) -> Catalog {
    let item = |(id, skills): (&ItemId, &Vec<u32>)| {
        let item = Item {
            id: id.clone(),
            titles: Titles::default(),
            skills: skills.iter().map(|skill| vocabulary.skills[*skill as usize].clone()).collect(),
            kind: "exercise".into(),
            course: None,
            module: None,
            position: 0,
            duration_minutes: None,
            language: None,
            tags: vec![],
            state: ItemState::Active,
        };
        (id.clone(), item)
    };
    Catalog { items: vocabulary.items.iter().zip(&vocabulary.item_skills).map(item).collect(), ..Catalog::default() }
}

/// An answer as the event it came from.
pub fn event(vocabulary: &Vocabulary, learner: Pseudonym, answer: &Answer) -> Event {
    let key = Hasher::new("parcours 2026 sample event").part(learner.as_bytes()).number(answer.occurred_at as u64).finish16();
    Event {
        key: EventKey(key),
        learner,
        item: vocabulary.items[answer.item as usize].clone(),
        kind: EventKind::Attempt,
        occurred_at: Micros(answer.occurred_at),
        score: Some(f32::from(u8::from(answer.correct))),
        correct: Some(answer.correct),
        response_ms: answer.marks.response_ms,
        attempt_number: answer.marks.attempt_number,
        hints: answer.marks.hints,
        skill_hints: vec![],
    }
}
