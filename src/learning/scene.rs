//! What is asked about, described once for all members: skill sets first, for many items share one, then each item.

use rustc_hash::FxHashMap;

use super::evidence::{Evidence, ITEM_FEATURES, ItemView, SET_FEATURES, SetView, Tally};
use super::index::Index;
use super::record::{FEATURES, LEARNER_FEATURES, OWN_FEATURES, Record, learner_features, own_features};

/// What is asked about: an item with its skills, or skills alone.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub item: Option<u32>,
    pub skills: &'a [u32],
}

/// Items with the same skills: what is known of the skills, and of the learner on them.
#[derive(Debug)]
pub struct Group<'a> {
    pub skills: &'a [u32],
    pub view: SetView,
    pub learner: [f32; LEARNER_FEATURES],
}

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub item: Option<u32>,
    pub group: u32,
    pub view: ItemView,
    /// Where the learner has met the very item.
    pub own: Option<[f32; OWN_FEATURES]>,
}

/// Some targets, for one learner at one moment.
#[derive(Debug, Default)]
pub struct Scene<'a> {
    pub groups: Vec<Group<'a>>,
    pub subjects: Vec<Subject>,
}

/// The evidence without a learner's own answers.
pub struct Others<'a> {
    evidence: &'a Evidence,
    index: &'a Index,
    own: Option<&'a Record>,
    own_sets: FxHashMap<u32, Tally>,
}

impl<'a> Others<'a> {
    /// `own`: the record whose answers are part of the evidence, to be left out.
    pub fn new(evidence: &'a Evidence, index: &'a Index, own: Option<&'a Record>) -> Self {
        let mut own_sets: FxHashMap<u32, Tally> = FxHashMap::default();
        for (item, standing) in own.iter().flat_map(|own| &own.items) {
            let set = index.sets.of_item[*item as usize];
            if index.sets.sets[set as usize].len() > 1 {
                own_sets.entry(set).or_default().add(standing.tally);
            }
        }
        Self { evidence, index, own, own_sets }
    }

    /// `set`: if all items with these skills are known as one.
    fn of_skills(&self, skills: &[u32], set: Option<u32>) -> SetView {
        let own = |skill: u32| self.own.and_then(|own| own.skills.get(&skill)).map_or(Tally::default(), |standing| standing.tally);
        let all = self.evidence.all.less(self.own.map_or(Tally::default(), |own| own.overall.tally));
        let of_set = set.map(|set| self.evidence.sets[set as usize].less(self.own_sets.get(&set).copied().unwrap_or_default()));
        SetView::new(all, skills.iter().map(|skill| self.evidence.skills[*skill as usize].less(own(*skill))), of_set)
    }

    fn of_item(&self, item: Option<u32>) -> Tally {
        let tally = item.and_then(|item| self.evidence.items.get(item as usize).copied()).unwrap_or_default();
        let own = item.and_then(|item| self.own?.items.get(&item)).map_or(Tally::default(), |standing| standing.tally);
        tally.less(own)
    }

    /// An average item of one skill.
    pub fn average(&self, skill: u32) -> (SetView, ItemView) {
        let view = self.of_skills(&[skill], None);
        (view, view.item(Tally::default()))
    }
}

/// Where each skill set's group stands: a table where many are asked about, a map where few are.
enum Places {
    Table(Vec<u32>),
    Map(FxHashMap<u32, u32>),
}

impl Places {
    const NOWHERE: u32 = u32::MAX;

    fn for_many(targets: usize, sets: usize) -> Self {
        if targets * 4 > sets { Self::Table(vec![Self::NOWHERE; sets]) } else { Self::Map(FxHashMap::default()) }
    }

    fn of(&mut self, set: u32, add: impl FnOnce() -> u32) -> u32 {
        match self {
            Self::Map(map) => *map.entry(set).or_insert_with(add),
            Self::Table(table) => {
                let place = &mut table[set as usize];
                if *place == Self::NOWHERE {
                    *place = add();
                }
                *place
            }
        }
    }
}

impl<'a> Scene<'a> {
    pub fn new(others: &Others<'_>, record: &Record, targets: impl Iterator<Item = Target<'a>>, now: i64) -> Self {
        let mut scene = Self { groups: Vec::new(), subjects: Vec::with_capacity(targets.size_hint().0) };
        let mut group_of = Places::for_many(targets.size_hint().0, others.index.sets.sets.len());
        for target in targets {
            let known = others.index.skills_of(target.item);
            // A stranger's skills are what its sender hinted at: a group of its own.
            let set = target.item.filter(|_| known.len() == target.skills.len()).map(|item| others.index.sets.of_item[item as usize]);
            let mut add = || {
                scene.groups.push(Group {
                    skills: target.skills,
                    view: others.of_skills(target.skills, set),
                    learner: learner_features(&record.overall, |skill| record.skills.get(&skill).copied(), target.skills, now),
                });
                scene.groups.len() as u32 - 1
            };
            let group = match set {
                Some(set) => group_of.of(set, add),
                None => add(),
            };
            let own = target.item.and_then(|item| record.items.get(&item)).map(|last| own_features(last, &record.overall, now));
            let view = scene.groups[group as usize].view.item(others.of_item(target.item));
            scene.subjects.push(Subject { item: target.item, group, view, own });
        }
        scene
    }

    /// All the features of a subject, as the network reads them.
    pub fn features(&self, subject: &Subject) -> [f32; FEATURES] {
        let group = &self.groups[subject.group as usize];
        joined(&subject.view, &group.view, &group.learner, &subject.own.unwrap_or_default())
    }
}

/// Features in the network's order.
pub fn joined(item: &ItemView, set: &SetView, learner: &[f32; LEARNER_FEATURES], own: &[f32; OWN_FEATURES]) -> [f32; FEATURES] {
    let mut features = [0.0; FEATURES];
    let (of_item, rest) = features.split_at_mut(ITEM_FEATURES);
    let (of_set, rest) = rest.split_at_mut(SET_FEATURES);
    let (of_learner, of_own) = rest.split_at_mut(LEARNER_FEATURES);
    of_item.copy_from_slice(&item.features);
    of_set.copy_from_slice(&set.features);
    of_learner.copy_from_slice(learner);
    of_own.copy_from_slice(own);
    features
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::CatalogIndex;
    use crate::learning::Counts;
    use crate::learning::sample::{Class, catalog};

    #[test]
    fn leaving_ones_own_answers_out_equals_never_having_given_them() {
        let mut dataset = Class { learners: 12, answers: 30, items: 9, skills: 3 }.dataset(4);
        let index = Index::new(Arc::new(CatalogIndex::new(Arc::new(catalog(&dataset.vocabulary)))), &Counts::default());
        let live = index.evidence(&dataset.counts());
        let me = dataset.sequences.pop().unwrap();
        let clean = index.evidence(&dataset.counts());
        let mut record = Record::default();
        for answer in &me.answers {
            let item = index.item(&dataset.vocabulary.items[answer.item as usize]);
            record.note(item, index.skills_of(item), answer.correct, 0.5, answer.occurred_at);
        }
        let targets = || (0..9).map(|item| Target { item: Some(item), skills: index.skills_of(Some(item)) });
        let with = Scene::new(&Others::new(&live, &index, Some(&record)), &record, targets(), 1 << 40);
        let without = Scene::new(&Others::new(&clean, &index, None), &record, targets(), 1 << 40);
        assert!(with.groups.iter().any(|group| group.skills.len() > 1), "some items have two skills");
        for (a, b) in with.subjects.iter().zip(&without.subjects) {
            assert_eq!(with.features(a), without.features(b));
        }
    }
}
