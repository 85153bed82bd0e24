//! The catalogue at rest.

use sqlx::AssertSqlSafe;

use super::{About, Json, Result, Tx, bulk, tenants};
use crate::domain::{Catalog, Course, Item, ItemId, ItemState, Module, Prerequisite, Skill, SkillId, TenantId, Titles};
use crate::with_tx;

/// What a `PUT /v1/catalog` changes, already merged with what was there. Upserts; removals by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CatalogPatch {
    pub items: Vec<Item>,
    pub skills: Vec<Skill>,
    pub courses: Vec<Course>,
    pub modules: Vec<Module>,
    pub prerequisites: Vec<Prerequisite>,
    pub remove_items: Vec<ItemId>,
    pub remove_prerequisites: Vec<Prerequisite>,
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    item_id: ItemId,
    title_fr: Option<String>,
    title_en: Option<String>,
    kind: String,
    course_id: Option<String>,
    module_id: Option<String>,
    position: i64,
    duration_minutes: Option<f64>,
    language: Option<String>,
    tags: Json<Vec<String>>,
    state: ItemState,
}

#[derive(sqlx::FromRow)]
struct SkillRow {
    skill_id: SkillId,
    title_fr: Option<String>,
    title_en: Option<String>,
}

#[derive(sqlx::FromRow)]
struct CourseRow {
    course_id: String,
    title_fr: Option<String>,
    title_en: Option<String>,
    position: i64,
}

#[derive(sqlx::FromRow)]
struct ModuleRow {
    module_id: String,
    course_id: Option<String>,
    title_fr: Option<String>,
    title_en: Option<String>,
    position: i64,
}

/// All rows of one of a tenant's tables.
macro_rules! rows {
    ($tx:expr, $tenant:expr, $table:literal, $columns:literal) => {
        with_tx!(&mut *$tx, |conn| {
            sqlx::query_as(concat!("SELECT ", $columns, " FROM ", $table, " WHERE tenant_id = $1 ORDER BY ", $columns))
                .bind($tenant)
                .fetch_all(conn)
                .await
        })
        .about($table)?
    };
}

/// Inserts rows of `$values` bound values each; a row whose key is there gets the new values instead (`$update`).
/// `$bind` binds all but the tenant, which comes first.
macro_rules! upsert {
    ($tx:expr, $tenant:expr, $rows:expr, $table:literal, $columns:literal, $values:literal, $update:literal, |$query:ident, $row:ident| $bind:expr) => {
        for piece in bulk::pieces($rows, $values) {
            let tuples = bulk::tuples($tx.backend(), piece.len(), $values);
            let sql = format!(concat!("INSERT INTO ", $table, " (", $columns, ") VALUES {} ON CONFLICT ", $update), tuples);
            with_tx!(&mut *$tx, |conn| {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for $row in piece {
                    let $query = query.bind($tenant);
                    query = $bind;
                }
                query.execute(conn).await.map(drop)
            })
            .about($table)?;
        }
    };
}

/// The last of those with the same key, in the order of the keys: Postgres refuses to upsert a row twice in one statement.
fn last_by_key<'a, T, K: Ord>(rows: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    rows.iter().map(|row| (key(row), row)).collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
}

/// The whole catalogue of a tenant; empty when there is none.
pub async fn load(tx: &mut Tx, tenant: &TenantId) -> Result<Catalog> {
    let Some(tenant_row) = tenants::get(tx, tenant).await? else {
        return Ok(Catalog::default());
    };
    let items: Vec<ItemRow> = rows!(
        tx,
        tenant,
        "items",
        "item_id, title_fr, title_en, kind, course_id, module_id, position, duration_minutes, language, tags, state"
    );
    let item_skills: Vec<(ItemId, SkillId)> = rows!(tx, tenant, "item_skills", "item_id, skill_id");
    let skills: Vec<SkillRow> = rows!(tx, tenant, "skills", "skill_id, title_fr, title_en");
    let courses: Vec<CourseRow> = rows!(tx, tenant, "courses", "course_id, title_fr, title_en, position");
    let modules: Vec<ModuleRow> = rows!(tx, tenant, "modules", "module_id, course_id, title_fr, title_en, position");
    let prerequisites: Vec<(SkillId, SkillId)> = rows!(tx, tenant, "prerequisites", "skill_id, requires");

    let mut catalog = Catalog {
        revision: tenant_row.catalog_revision,
        items: items.into_iter().map(|row| (row.item_id.clone(), item(row))).collect(),
        skills: skills
            .into_iter()
            .map(|row| (row.skill_id.clone(), Skill { id: row.skill_id, titles: Titles { fr: row.title_fr, en: row.title_en } }))
            .collect(),
        courses: courses
            .into_iter()
            .map(|row| {
                (
                    row.course_id.clone(),
                    Course { id: row.course_id, titles: Titles { fr: row.title_fr, en: row.title_en }, position: row.position },
                )
            })
            .collect(),
        modules: modules
            .into_iter()
            .map(|row| {
                let titles = Titles { fr: row.title_fr, en: row.title_en };
                (row.module_id.clone(), Module { id: row.module_id, course: row.course_id, titles, position: row.position })
            })
            .collect(),
        prerequisites: prerequisites.into_iter().map(|(skill, requires)| Prerequisite { skill, requires }).collect(),
    };
    for (item, skill) in item_skills {
        if let Some(item) = catalog.items.get_mut(&item) {
            item.skills.push(skill);
        }
    }
    Ok(catalog)
}

fn item(row: ItemRow) -> Item {
    Item {
        id: row.item_id,
        titles: Titles { fr: row.title_fr, en: row.title_en },
        skills: Vec::new(),
        kind: row.kind,
        course: row.course_id,
        module: row.module_id,
        position: row.position,
        duration_minutes: row.duration_minutes.map(|minutes| minutes as f32),
        language: row.language,
        tags: row.tags.0,
        state: row.state,
    }
}
/// Applies the patch (an item's skills are replaced by those given) and bumps the catalogue's revision, which it returns.
pub async fn apply(tx: &mut Tx, tenant: &TenantId, patch: &CatalogPatch) -> Result<i64> {
    let revision = tenants::bump_catalog_revision(tx, tenant).await?;
    let items = last_by_key(&patch.items, |item| &item.id);
    upsert!(
        tx,
        tenant,
        &items,
        "items",
        "tenant_id, item_id, title_fr, title_en, kind, course_id, module_id, position, duration_minutes, language, tags, state",
        12,
        "(tenant_id, item_id) DO UPDATE SET title_fr = excluded.title_fr, title_en = excluded.title_en, kind = excluded.kind,
            course_id = excluded.course_id, module_id = excluded.module_id, position = excluded.position,
            duration_minutes = excluded.duration_minutes, language = excluded.language, tags = excluded.tags, state = excluded.state",
        |query, item| query
            .bind(&item.id)
            .bind(&item.titles.fr)
            .bind(&item.titles.en)
            .bind(&item.kind)
            .bind(&item.course)
            .bind(&item.module)
            .bind(item.position)
            .bind(item.duration_minutes.map(f64::from))
            .bind(&item.language)
            .bind(Json(&item.tags))
            .bind(item.state)
    );
    let ids: Vec<&ItemId> = items.iter().map(|item| &item.id).chain(&patch.remove_items).collect();
    delete_items(tx, tenant, "item_skills", &ids).await?;
    let item_skills: std::collections::BTreeSet<_> =
        items.iter().flat_map(|item| item.skills.iter().map(|skill| (&item.id, skill))).collect();
    let item_skills: Vec<_> = item_skills.into_iter().collect();
    upsert!(tx, tenant, &item_skills, "item_skills", "tenant_id, item_id, skill_id", 3, "DO NOTHING", |query, pair| query
        .bind(pair.0)
        .bind(pair.1));
    upsert!(
        tx,
        tenant,
        &last_by_key(&patch.skills, |skill| &skill.id),
        "skills",
        "tenant_id, skill_id, title_fr, title_en",
        4,
        "(tenant_id, skill_id) DO UPDATE SET title_fr = excluded.title_fr, title_en = excluded.title_en",
        |query, skill| query.bind(&skill.id).bind(&skill.titles.fr).bind(&skill.titles.en)
    );
    upsert!(
        tx,
        tenant,
        &last_by_key(&patch.courses, |course| &course.id),
        "courses",
        "tenant_id, course_id, title_fr, title_en, position",
        5,
        "(tenant_id, course_id) DO UPDATE SET title_fr = excluded.title_fr, title_en = excluded.title_en, position = excluded.position",
        |query, course| query.bind(&course.id).bind(&course.titles.fr).bind(&course.titles.en).bind(course.position)
    );
    upsert!(
        tx,
        tenant,
        &last_by_key(&patch.modules, |module| &module.id),
        "modules",
        "tenant_id, module_id, course_id, title_fr, title_en, position",
        6,
        "(tenant_id, module_id) DO UPDATE SET course_id = excluded.course_id, title_fr = excluded.title_fr, title_en = excluded.title_en,
            position = excluded.position",
        |query, module| query.bind(&module.id).bind(&module.course).bind(&module.titles.fr).bind(&module.titles.en).bind(module.position)
    );
    upsert!(
        tx,
        tenant,
        &last_by_key(&patch.prerequisites, |edge| (&edge.skill, &edge.requires)),
        "prerequisites",
        "tenant_id, skill_id, requires",
        3,
        "DO NOTHING",
        |query, edge| query.bind(&edge.skill).bind(&edge.requires)
    );
    delete_items(tx, tenant, "items", &patch.remove_items.iter().collect::<Vec<_>>()).await?;
    for edge in &patch.remove_prerequisites {
        with_tx!(&mut *tx, |conn| {
            sqlx::query("DELETE FROM prerequisites WHERE tenant_id = $1 AND skill_id = $2 AND requires = $3")
                .bind(tenant)
                .bind(&edge.skill)
                .bind(&edge.requires)
                .execute(conn)
                .await
                .map(drop)
        })
        .about("prerequisites")?;
    }
    Ok(revision)
}

/// Deletes the rows of these items from `table`.
async fn delete_items(tx: &mut Tx, tenant: &TenantId, table: &'static str, items: &[&ItemId]) -> Result<()> {
    for piece in bulk::pieces(items, 2) {
        let sql = format!("DELETE FROM {table} WHERE (tenant_id, item_id) IN (VALUES {})", bulk::tuples(tx.backend(), piece.len(), 2));
        with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for item in piece {
                query = query.bind(tenant).bind(*item);
            }
            query.execute(conn).await.map(drop)
        })
        .about(table)?;
    }
    Ok(())
}
