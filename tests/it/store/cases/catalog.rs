use parcours::domain::{Catalog, Course, Item, ItemState, Module, Prerequisite, Skill, TenantId, Titles};
use parcours::store::catalog::{self, CatalogPatch};
use parcours::store::tenants;

use crate::store::{Db, NOW, item, skill};

fn exercise(name: &str) -> Item {
    Item {
        id: item(name),
        titles: Titles { fr: Some("Équation".into()), en: None },
        skills: vec![skill("a"), skill("b")],
        kind: "exercise".into(),
        course: Some("maths".into()),
        module: Some("m1".into()),
        position: 3,
        duration_minutes: Some(7.5),
        language: Some("fr".into()),
        tags: vec!["exam".into(), "a, \"b\"".into()],
        state: ItemState::Hidden,
    }
}

fn patch() -> CatalogPatch {
    CatalogPatch {
        items: vec![
            exercise("e1"),
            Item { skills: vec![], course: None, module: None, duration_minutes: None, language: None, ..exercise("e2") },
        ],
        skills: vec![Skill { id: skill("a"), titles: Titles { fr: None, en: Some("Adding".into()) } }],
        courses: vec![Course { id: "maths".into(), titles: Titles::default(), position: 1 }],
        modules: vec![Module { id: "m1".into(), course: Some("maths".into()), titles: Titles::default(), position: 2 }],
        prerequisites: vec![Prerequisite { skill: skill("b"), requires: skill("a") }],
        ..CatalogPatch::default()
    }
}

pub async fn a_catalogue_round_trips(db: &Db) {
    let mut tx = db.write().await;
    assert_eq!(catalog::load(&mut tx, &db.tenant).await.unwrap(), Catalog::default());
    assert_eq!(catalog::apply(&mut tx, &db.tenant, &patch()).await.unwrap(), 1);
    let loaded = catalog::load(&mut tx, &db.tenant).await.unwrap();
    let CatalogPatch { items, skills, courses, modules, prerequisites, .. } = patch();
    let expected = Catalog {
        revision: 1,
        items: items.into_iter().map(|item| (item.id.clone(), item)).collect(),
        skills: skills.into_iter().map(|skill| (skill.id.clone(), skill)).collect(),
        courses: courses.into_iter().map(|course| (course.id.clone(), course)).collect(),
        modules: modules.into_iter().map(|module| (module.id.clone(), module)).collect(),
        prerequisites,
    };
    assert_eq!(loaded, expected);
}

pub async fn patches_add_change_and_remove(db: &Db) {
    let mut tx = db.write().await;
    catalog::apply(&mut tx, &db.tenant, &patch()).await.unwrap();
    let many: Vec<_> = (0..1_500).map(|number| exercise(&format!("x{number}"))).collect();
    catalog::apply(&mut tx, &db.tenant, &CatalogPatch { items: many, ..CatalogPatch::default() }).await.unwrap();
    let changed = Item { skills: vec![skill("c")], state: ItemState::Expired, ..exercise("e1") };
    let change = CatalogPatch {
        // Twice in one patch: the last counts.
        items: vec![exercise("e1"), changed.clone()],
        skills: vec![Skill { id: skill("a"), titles: Titles::default() }],
        prerequisites: vec![
            Prerequisite { skill: skill("b"), requires: skill("a") },
            Prerequisite { skill: skill("c"), requires: skill("b") },
        ],
        remove_items: (0..1_500).map(|number| item(&format!("x{number}"))).chain([item("unknown")]).collect(),
        remove_prerequisites: vec![Prerequisite { skill: skill("b"), requires: skill("a") }],
        ..CatalogPatch::default()
    };
    assert_eq!(catalog::apply(&mut tx, &db.tenant, &change).await.unwrap(), 3);
    let loaded = catalog::load(&mut tx, &db.tenant).await.unwrap();
    assert_eq!(loaded.items.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["e1", "e2"]);
    assert_eq!(loaded.items[&item("e1")], changed);
    assert_eq!(loaded.skills[&skill("a")].titles, Titles::default());
    assert_eq!(loaded.prerequisites, [Prerequisite { skill: skill("c"), requires: skill("b") }]);
    assert_eq!(loaded.revision, 3);
}

pub async fn tenants_do_not_see_each_other(db: &Db) {
    let other = TenantId::parse("another").unwrap();
    let mut tx = db.write().await;
    tenants::ensure(&mut tx, &other, NOW).await.unwrap();
    catalog::apply(&mut tx, &db.tenant, &patch()).await.unwrap();
    catalog::apply(&mut tx, &other, &patch()).await.unwrap();
    let removal = CatalogPatch { remove_items: vec![item("e1"), item("e2")], ..CatalogPatch::default() };
    catalog::apply(&mut tx, &other, &removal).await.unwrap();
    assert_eq!(catalog::load(&mut tx, &db.tenant).await.unwrap().items.len(), 2);
    assert_eq!(catalog::load(&mut tx, &other).await.unwrap().items.len(), 0);
}
