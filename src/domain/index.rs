//! A catalogue by number: what hot loops use instead of looking identifiers up.
//!
//! Items are numbered in catalogue order (by id), skills by id over all the catalogue names anywhere. Made once per
//! catalogue revision. Prerequisites are made free of circles here, the same way every time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Catalog, Item, ItemId, ItemState, Prerequisite, SkillId};

/// An item's place in the catalogue's order of courses, modules and positions: what the hot loops need of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the course in course order; items without a course share the last number.
    pub course: u32,
    /// Place among the active items of the course, from 0; inactive ones have the place of the active one after them.
    pub rank: u32,
    pub active: bool,
}

#[derive(Debug)]
pub struct CatalogIndex {
    catalog: Arc<Catalog>,
    /// Item ids in catalogue order: an item's number is its place here.
    pub items: Vec<ItemId>,
    /// Skill ids, sorted: those of the catalogue, of its items and of its prerequisites.
    pub skills: Vec<SkillId>,
    item_of: HashMap<ItemId, u32>,
    skill_of: HashMap<SkillId, u32>,
    skill_runs: Vec<u32>,
    skill_flat: Vec<u32>,
    /// Active items of each skill, in course order.
    pub items_of_skill: Vec<Vec<u32>>,
    pub places: Vec<Place>,
    /// How many active items each course number has.
    pub course_lengths: Vec<u32>,
    /// Skills each skill requires, sorted, without circles.
    pub requires: Vec<Vec<u32>>,
    /// Prerequisites left out because they closed a circle, in order.
    pub broken: Vec<Prerequisite>,
    /// Skills such that every skill comes after those it requires.
    pub skill_order: Vec<u32>,
}

impl CatalogIndex {
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let items: Vec<ItemId> = catalog.items.keys().cloned().collect();
        let mut named: BTreeSet<&SkillId> = catalog.skills.keys().collect();
        named.extend(catalog.items.values().flat_map(|item| &item.skills));
        named.extend(catalog.prerequisites.iter().flat_map(|edge| [&edge.skill, &edge.requires]));
        let skills: Vec<SkillId> = named.into_iter().cloned().collect();
        let item_of = items.iter().cloned().zip(0..).collect();
        let skill_of: HashMap<SkillId, u32> = skills.iter().cloned().zip(0..).collect();
        let (mut skill_runs, mut skill_flat) = (vec![0], Vec::new());
        for item in catalog.items.values() {
            let start = skill_flat.len();
            skill_flat.extend(item.skills.iter().map(|skill| skill_of[skill]));
            skill_flat[start..].sort_unstable();
            skill_runs.push(skill_flat.len() as u32);
        }
        let (places, course_lengths, course_order) = places(&catalog);
        let mut items_of_skill = vec![Vec::new(); skills.len()];
        for item in course_order.into_iter().filter(|item| places[*item as usize].active) {
            for skill in &skill_flat[skill_runs[item as usize] as usize..skill_runs[item as usize + 1] as usize] {
                items_of_skill[*skill as usize].push(item);
            }
        }
        let (requires, broken) = acyclic(&catalog, &skill_of);
        let skill_order = topological(&requires);
        Self {
            catalog,
            items,
            skills,
            item_of,
            skill_of,
            skill_runs,
            skill_flat,
            items_of_skill,
            places,
            course_lengths,
            requires,
            broken,
            skill_order,
        }
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub fn item(&self, id: &ItemId) -> Option<u32> {
        self.item_of.get(id).copied()
    }

    pub fn skill(&self, id: &SkillId) -> Option<u32> {
        self.skill_of.get(id).copied()
    }

    /// Numbers of the item's skills, sorted.
    pub fn skills_of(&self, item: u32) -> &[u32] {
        &self.skill_flat[self.skill_runs[item as usize] as usize..self.skill_runs[item as usize + 1] as usize]
    }

    /// The item itself. A look-up by id: not for hot loops.
    pub fn entry(&self, item: u32) -> &Item {
        &self.catalog.items[&self.items[item as usize]]
    }
}

/// Places, active items per course number, and all items in course order.
fn places(catalog: &Catalog) -> (Vec<Place>, Vec<u32>, Vec<u32>) {
    // Courses by (position, id); courses only items speak of come after, by id; no course comes last.
    let mut courses: BTreeSet<(i64, &str)> = catalog.courses.values().map(|course| (course.position, course.id.as_str())).collect();
    let unlisted: BTreeSet<&str> =
        catalog.items.values().filter_map(|item| item.course.as_deref()).filter(|course| !catalog.courses.contains_key(*course)).collect();
    courses.extend(unlisted.into_iter().map(|course| (i64::MAX, course)));
    let number: HashMap<&str, u32> = courses.iter().map(|(_, id)| *id).zip(0..).collect();
    let last = number.len() as u32;
    let mut order: Vec<(u32, (i64, &str), i64, u32)> = catalog
        .items
        .values()
        .zip(0..)
        .map(|(item, index)| {
            let course = item.course.as_deref().map_or(last, |course| number[course]);
            let module = item.module.as_deref().unwrap_or_default();
            (course, (catalog.modules.get(module).map_or(i64::MAX, |module| module.position), module), item.position, index)
        })
        .collect();
    order.sort_unstable();
    let mut lengths = vec![0; number.len() + 1];
    let mut places = vec![Place { course: last, rank: 0, active: false }; order.len()];
    let states: Vec<ItemState> = catalog.items.values().map(|item| item.state).collect();
    for (course, _, _, index) in &order {
        let active = states[*index as usize] == ItemState::Active;
        places[*index as usize] = Place { course: *course, rank: lengths[*course as usize], active };
        lengths[*course as usize] += u32::from(active);
    }
    (places, lengths, order.into_iter().map(|(_, _, _, index)| index).collect())
}

/// Takes prerequisites in order and leaves out each that would close a circle.
fn acyclic(catalog: &Catalog, skill_of: &HashMap<SkillId, u32>) -> (Vec<Vec<u32>>, Vec<Prerequisite>) {
    let mut edges: Vec<&Prerequisite> = catalog.prerequisites.iter().collect();
    edges.sort();
    edges.dedup();
    let mut requires: Vec<Vec<u32>> = vec![Vec::new(); skill_of.len()];
    let mut broken = Vec::new();
    for edge in edges {
        let (skill, needed) = (skill_of[&edge.skill], skill_of[&edge.requires]);
        if reaches(&requires, needed, skill) {
            broken.push(edge.clone());
        } else {
            requires[skill as usize].push(needed);
        }
    }
    requires.iter_mut().for_each(|list| list.sort_unstable());
    (requires, broken)
}

/// Whether `from` requires `to`, directly or not, or is it.
fn reaches(requires: &[Vec<u32>], from: u32, to: u32) -> bool {
    let (mut seen, mut stack) = (vec![false; requires.len()], vec![from]);
    while let Some(skill) = stack.pop() {
        if skill == to {
            return true;
        }
        if !std::mem::replace(&mut seen[skill as usize], true) {
            stack.extend(&requires[skill as usize]);
        }
    }
    false
}

/// Depth-first: required skills first, ties by number.
fn topological(requires: &[Vec<u32>]) -> Vec<u32> {
    let mut order = Vec::with_capacity(requires.len());
    let mut seen = vec![false; requires.len()];
    for root in 0..requires.len() as u32 {
        let mut stack = vec![(root, 0)];
        while let Some((skill, next)) = stack.pop() {
            if next == 0 && std::mem::replace(&mut seen[skill as usize], true) {
                continue;
            }
            match requires[skill as usize].get(next) {
                Some(needed) => stack.extend([(skill, next + 1), (*needed, 0)]),
                None => order.push(skill),
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Course, Titles};

    fn skill(id: &str) -> SkillId {
        SkillId::parse(id).unwrap()
    }

    fn item(id: &str, course: Option<&str>, position: i64, skills: &[&str], state: ItemState) -> (ItemId, Item) {
        let id = ItemId::parse(id).unwrap();
        let item = Item {
            id: id.clone(),
            titles: Titles::default(),
            skills: skills.iter().map(|id| skill(id)).collect(),
            kind: "exercise".into(),
            course: course.map(Into::into),
            module: None,
            position,
            duration_minutes: None,
            language: None,
            tags: Vec::new(),
            state,
        };
        (id, item)
    }

    fn requires(skill_id: &str, needed: &str) -> Prerequisite {
        Prerequisite { skill: skill(skill_id), requires: skill(needed) }
    }

    #[test]
    fn circles_are_broken_at_the_same_place_whatever_the_order() {
        let edges = vec![requires("a", "b"), requires("b", "c"), requires("c", "a"), requires("d", "d"), requires("d", "a")];
        let mut turned = edges.clone();
        turned.reverse();
        let index = |prerequisites| CatalogIndex::new(Arc::new(Catalog { prerequisites, ..Catalog::default() }));
        let (one, two) = (index(edges), index(turned));
        assert_eq!(one.broken, vec![requires("c", "a"), requires("d", "d")]);
        assert_eq!((&one.broken, &one.requires, &one.skill_order), (&two.broken, &two.requires, &two.skill_order));
        let place = |id: &str| one.skill_order.iter().position(|number| *number == one.skill(&skill(id)).unwrap()).unwrap();
        assert!(place("c") < place("b") && place("b") < place("a") && place("a") < place("d"));
        assert_eq!(one.skill_order.len(), 4);
    }

    #[test]
    fn places_follow_courses_then_positions_and_skip_what_is_withdrawn() {
        let items = [
            item("z", Some("one"), 1, &["s"], ItemState::Active),
            item("a", Some("one"), 3, &["s", "r"], ItemState::Active),
            item("m", Some("one"), 2, &["s"], ItemState::Hidden),
            item("b", Some("two"), 0, &[], ItemState::Active),
            item("c", None, 0, &["r"], ItemState::Active),
        ];
        let courses =
            [("two", 1), ("one", 0)].map(|(id, position)| (id.to_string(), Course { id: id.into(), titles: Titles::default(), position }));
        let index = CatalogIndex::new(Arc::new(Catalog { items: items.into(), courses: courses.into(), ..Catalog::default() }));
        let place = |id: &str| index.places[index.item(&ItemId::parse(id).unwrap()).unwrap() as usize];
        assert_eq!((place("z").course, place("z").rank), (0, 0));
        assert_eq!((place("m").rank, place("m").active), (1, false));
        assert_eq!((place("a").rank, place("b").course, place("c").course), (1, 1, 2));
        assert_eq!(index.course_lengths, vec![2, 1, 1]);
        let s = index.skill(&skill("s")).unwrap();
        assert_eq!(index.items_of_skill[s as usize].iter().map(|n| index.items[*n as usize].as_str()).collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(index.skills_of(0), [0, 1]);
    }

    #[test]
    fn an_empty_catalogue_has_an_empty_index() {
        let index = CatalogIndex::new(Arc::default());
        assert!(index.items.is_empty() && index.skills.is_empty() && index.skill_order.is_empty());
    }
}
