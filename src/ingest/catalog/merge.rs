//! An update held against the stored catalogue: what to write, and what to say about it.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{ItemUpdate, PartUpdate, TitlesUpdate, Update};
use super::{CatalogReport, Changes, Warning};
use crate::domain::{Catalog, Course, Item, ItemState, Module, Prerequisite, Skill, SkillId, Titles};
use crate::store::catalog::CatalogPatch;

/// Ids named in one warning.
const NAMED: usize = 10;

/// The patch holds what really changes, and nothing when nothing does.
pub fn merge(update: &Update, stored: &Catalog) -> (CatalogPatch, CatalogReport) {
    let mut merge = Merge { stored, patch: CatalogPatch::default(), report: CatalogReport::default() };
    merge.courses(&update.courses);
    merge.modules(&update.modules);
    merge.skills(&update.skills);
    merge.items(&update.items);
    merge.prerequisites(update);
    merge.removals(update);
    (merge.patch, merge.report)
}

struct Merge<'a> {
    stored: &'a Catalog,
    patch: CatalogPatch,
    report: CatalogReport,
}

/// Counts the change and keeps `new` if it is one.
fn keep<T: PartialEq>(old: Option<&T>, new: T, changes: &mut Changes, into: &mut Vec<T>) {
    match old {
        Some(old) if *old == new => changes.unchanged += 1,
        Some(_) => {
            changes.updated += 1;
            into.push(new);
        }
        None => {
            changes.added += 1;
            into.push(new);
        }
    }
}

fn retitle(titles: &mut Titles, update: &TitlesUpdate) {
    update.fr.clone().apply(&mut titles.fr);
    update.en.clone().apply(&mut titles.en);
}

impl Merge<'_> {
    fn warn(&mut self, code: &str, message: String) {
        self.report.warnings.push(Warning { code: code.into(), message });
    }

    fn courses(&mut self, updates: &[PartUpdate]) {
        for (place, update) in updates.iter().enumerate() {
            let old = self.stored.courses.get(&update.id);
            let mut course =
                old.cloned().unwrap_or_else(|| Course { id: update.id.clone(), titles: Titles::default(), position: place as i64 });
            retitle(&mut course.titles, &update.titles);
            update.position.clone().apply_or(&mut course.position, 0);
            keep(old, course, &mut self.report.courses, &mut self.patch.courses);
        }
    }

    fn modules(&mut self, updates: &[PartUpdate]) {
        for (place, update) in updates.iter().enumerate() {
            let old = self.stored.modules.get(&update.id);
            let mut module = old.cloned().unwrap_or_else(|| Module {
                id: update.id.clone(),
                course: None,
                titles: Titles::default(),
                position: place as i64,
            });
            retitle(&mut module.titles, &update.titles);
            update.course.clone().apply(&mut module.course);
            update.position.clone().apply_or(&mut module.position, 0);
            if let Some(course) = module.course.clone() {
                self.need_course(&course);
            }
            keep(old, module, &mut self.report.modules, &mut self.patch.modules);
        }
    }

    fn skills(&mut self, updates: &[PartUpdate]) {
        for update in updates {
            // Checked when it was read.
            let Ok(id) = SkillId::parse(update.id.as_str()) else { continue };
            let old = self.stored.skills.get(&id);
            let mut skill = old.cloned().unwrap_or_else(|| Skill { id, titles: Titles::default() });
            retitle(&mut skill.titles, &update.titles);
            keep(old, skill, &mut self.report.skills, &mut self.patch.skills);
        }
    }

    fn items(&mut self, updates: &[ItemUpdate]) {
        let mut known: BTreeSet<SkillId> =
            self.stored.skills.keys().cloned().chain(self.patch.skills.iter().map(|skill| skill.id.clone())).collect();
        let (mut created, mut bare) = (Vec::new(), Vec::new());
        for (place, update) in updates.iter().enumerate() {
            let old = self.stored.items.get(&update.id);
            let item = self.item(update, old, place);
            for skill in &item.skills {
                if known.insert(skill.clone()) {
                    created.push(skill.clone());
                    keep(None, Skill { id: skill.clone(), titles: Titles::default() }, &mut self.report.skills, &mut self.patch.skills);
                }
            }
            if item.skills.is_empty() && item.kind == "exercise" {
                bare.push(item.id.as_str().to_owned());
            }
            keep(old, item, &mut self.report.items, &mut self.patch.items);
        }
        if !created.is_empty() {
            self.warn(
                "skill_created",
                format!("{} skills were not known and have been created: {}", created.len(), named(created.iter().map(SkillId::as_str))),
            );
        }
        if !bare.is_empty() {
            let message = format!(
                "{} exercises have no skill; mastery cannot be told from them: {}",
                bare.len(),
                named(bare.iter().map(String::as_str))
            );
            self.warn("items_without_skills", message);
        }
    }

    fn item(&mut self, update: &ItemUpdate, old: Option<&Item>, place: usize) -> Item {
        let mut item = old.cloned().unwrap_or_else(|| Item {
            id: update.id.clone(),
            titles: Titles::default(),
            skills: Vec::new(),
            kind: "exercise".into(),
            course: None,
            module: None,
            position: place as i64,
            duration_minutes: None,
            language: None,
            tags: Vec::new(),
            state: ItemState::Active,
        });
        retitle(&mut item.titles, &update.titles);
        update.skills.clone().apply_or(&mut item.skills, Vec::new());
        update.kind.clone().apply_or(&mut item.kind, "exercise".into());
        update.course.clone().apply(&mut item.course);
        update.module.clone().apply(&mut item.module);
        update.position.clone().apply_or(&mut item.position, 0);
        update.duration_minutes.clone().apply(&mut item.duration_minutes);
        update.language.clone().apply(&mut item.language);
        update.tags.clone().apply_or(&mut item.tags, Vec::new());
        update.state.clone().apply_or(&mut item.state, ItemState::Active);
        if let Some(module) = item.module.clone() {
            let course = self.need_module(&module, item.course.as_deref());
            item.course = item.course.or(course);
        }
        if let Some(course) = item.course.clone() {
            self.need_course(&course);
        }
        item
    }

    fn need_course(&mut self, id: &str) {
        if self.stored.courses.contains_key(id) || self.patch.courses.iter().any(|course| course.id == id) {
            return;
        }
        self.report.courses.added += 1;
        self.patch.courses.push(Course { id: id.to_owned(), titles: Titles::default(), position: 0 });
        self.warn("course_created", format!("course {id:?} was not known and has been created"));
    }

    /// Makes sure the module is there; gives its course.
    fn need_module(&mut self, id: &str, course: Option<&str>) -> Option<String> {
        if let Some(module) = self.patch.modules.iter().find(|module| module.id == id).or_else(|| self.stored.modules.get(id)) {
            return module.course.clone();
        }
        self.report.modules.added += 1;
        self.patch.modules.push(Module { id: id.to_owned(), course: course.map(str::to_owned), titles: Titles::default(), position: 0 });
        self.warn("module_created", format!("module {id:?} was not known and has been created"));
        None
    }

    fn prerequisites(&mut self, update: &Update) {
        let mut all: BTreeSet<Prerequisite> = self.stored.prerequisites.iter().cloned().collect();
        for pair in &update.remove_prerequisites {
            if all.remove(pair) {
                self.report.prerequisites.removed += 1;
                self.patch.remove_prerequisites.push(pair.clone());
            }
        }
        for pair in &update.prerequisites {
            if pair.skill == pair.requires {
                self.warn("prerequisite_of_itself", format!("skill {:?} cannot require itself; left out", pair.skill.as_str()));
            } else if all.insert(pair.clone()) {
                self.report.prerequisites.added += 1;
                self.patch.prerequisites.push(pair.clone());
                for skill in [&pair.skill, &pair.requires] {
                    if !self.stored.skills.contains_key(skill) && !self.patch.skills.iter().any(|known| known.id == *skill) {
                        self.report.skills.added += 1;
                        self.patch.skills.push(Skill { id: skill.clone(), titles: Titles::default() });
                        self.warn("skill_created", format!("skill {:?} was not known and has been created", skill.as_str()));
                    }
                }
            } else {
                self.report.prerequisites.unchanged += 1;
            }
        }
        let circle = circle(&all);
        if !circle.is_empty() && !self.patch.prerequisites.is_empty() {
            let message = format!(
                "prerequisites go round in circles; paths leave some of them out. Skills involved: {}",
                named(circle.iter().map(|skill| skill.as_str()))
            );
            self.warn("prerequisite_cycle", message);
        }
    }

    fn removals(&mut self, update: &Update) {
        let mut unknown = Vec::new();
        for id in update.remove_items.iter().collect::<BTreeSet<_>>() {
            if self.stored.items.contains_key(id) {
                self.report.items.removed += 1;
                self.patch.remove_items.push(id.clone());
            } else {
                unknown.push(id.as_str());
            }
        }
        if !unknown.is_empty() {
            self.warn(
                "unknown_item",
                format!("{} items to be removed are not in the catalogue: {}", unknown.len(), named(unknown.iter().copied())),
            );
        }
    }
}

fn named<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = ids.len().saturating_sub(NAMED);
    let mut text = ids.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Skills on a circle of prerequisites, or between two circles: what is left when skills without requirements, and skills
/// nobody requires, are taken away again and again.
fn circle(pairs: &BTreeSet<Prerequisite>) -> Vec<&SkillId> {
    let mut edges: Vec<(&SkillId, &SkillId)> = pairs.iter().map(|pair| (&pair.skill, &pair.requires)).collect();
    loop {
        let mut seen: BTreeMap<&SkillId, (bool, bool)> = BTreeMap::new();
        for (skill, requires) in &edges {
            seen.entry(skill).or_default().0 = true;
            seen.entry(requires).or_default().1 = true;
        }
        let before = edges.len();
        edges.retain(|(skill, requires)| seen[skill].1 && seen[requires].0);
        if edges.len() == before {
            return edges.iter().flat_map(|(skill, requires)| [*skill, *requires]).collect::<BTreeSet<_>>().into_iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ItemId;

    fn update(json: &str) -> Update {
        Update::from_json(json.as_bytes()).unwrap()
    }

    /// Applies a patch in memory, as the store does.
    fn applied(mut catalog: Catalog, patch: CatalogPatch) -> Catalog {
        catalog.items.extend(patch.items.into_iter().map(|item| (item.id.clone(), item)));
        catalog.skills.extend(patch.skills.into_iter().map(|skill| (skill.id.clone(), skill)));
        catalog.courses.extend(patch.courses.into_iter().map(|course| (course.id.clone(), course)));
        catalog.modules.extend(patch.modules.into_iter().map(|module| (module.id.clone(), module)));
        catalog.prerequisites.extend(patch.prerequisites);
        catalog
    }

    fn codes(report: &CatalogReport) -> Vec<&str> {
        report.warnings.iter().map(|warning| warning.code.as_str()).collect()
    }

    #[test]
    fn a_partial_update_leaves_the_rest_alone_and_null_clears() {
        let whole = r#"{"items":[{"id":"a","titles":{"fr":"A","en":"A"},"skills":["s"],"course":"c","duration_minutes":3,"tags":["t"]}],
                        "skills":[{"id":"s"}],"courses":[{"id":"c"}]}"#;
        let (patch, report) = merge(&update(whole), &Catalog::default());
        assert_eq!((report.items.added, report.skills.added, report.warnings.len()), (1, 1, 0));
        let stored = applied(Catalog::default(), patch);

        let (patch, report) = merge(&update(whole), &stored);
        assert_eq!((patch, report.items.unchanged), (CatalogPatch::default(), 1));

        let (patch, report) = merge(&update(r#"{"items":[{"id":"a","titles":{"en":"B"},"duration_minutes":null}]}"#), &stored);
        let item = &patch.items[0];
        assert_eq!((item.titles.fr.as_deref(), item.titles.en.as_deref()), (Some("A"), Some("B")));
        assert_eq!((item.duration_minutes, item.tags.len(), item.skills.len(), item.course.as_deref()), (None, 1, 1, Some("c")));
        assert_eq!(report.items.updated, 1);
    }

    #[test]
    fn what_is_named_but_unknown_is_created_with_a_word() {
        let (patch, report) =
            merge(&update(r#"{"items":[{"id":"a","skills":["s"],"module":"m","course":"c"},{"id":"b"}]}"#), &Catalog::default());
        assert_eq!(codes(&report), ["module_created", "course_created", "skill_created", "items_without_skills"]);
        assert_eq!((patch.skills.len(), patch.modules.len(), patch.courses.len()), (1, 1, 1));
    }

    #[test]
    fn circles_of_prerequisites_are_told() {
        let skills = r#""skills":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]"#;
        let pairs = |pairs: &str| format!(r#"{{{skills},"prerequisites":[{pairs}]}}"#);
        let (_, straight) = merge(&update(&pairs(r#"{"skill":"b","requires":"a"},{"skill":"c","requires":"b"}"#)), &Catalog::default());
        assert!(straight.warnings.is_empty());
        let round =
            r#"{"skill":"b","requires":"a"},{"skill":"a","requires":"b"},{"skill":"c","requires":"b"},{"skill":"d","requires":"d"}"#;
        let (patch, round) = merge(&update(&pairs(round)), &Catalog::default());
        assert_eq!(codes(&round), ["prerequisite_of_itself", "prerequisite_cycle"]);
        assert!(round.warnings[1].message.ends_with("a, b"), "{}", round.warnings[1].message);
        assert_eq!(patch.prerequisites.len(), 3);
    }

    #[test]
    fn removing_what_is_not_there_is_told() {
        let (patch, report) = merge(&update(r#"{"remove_items":["a"]}"#), &Catalog::default());
        assert_eq!((patch, codes(&report)), (CatalogPatch::default(), vec!["unknown_item"]));
    }

    #[test]
    fn the_body_we_write_is_the_body_we_read() {
        let whole = r#"{"items":[{"id":"a","titles":{"fr":"A"},"skills":["s"],"module":"m","course":"c","tags":["t"],"state":"hidden"}],
                        "skills":[{"id":"s"},{"id":"t"}],"courses":[{"id":"c"}],"modules":[{"id":"m","course":"c"}],
                        "prerequisites":[{"skill":"t","requires":"s"}]}"#;
        let stored = applied(Catalog::default(), merge(&update(whole), &Catalog::default()).0);
        assert!(stored.items.contains_key(&ItemId::parse("a").unwrap()));
        let written = serde_json::to_string(&super::super::CatalogBody::from(&stored)).unwrap();
        let (patch, report) = merge(&update(&written), &stored);
        assert_eq!((patch, report.warnings), (CatalogPatch::default(), Vec::new()));
    }
}
