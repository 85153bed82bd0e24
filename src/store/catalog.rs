//! The catalogue at rest.

use super::{Result, Tx};
use crate::domain::{Catalog, Course, Item, ItemId, Module, Prerequisite, Skill, SkillId, TenantId};

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

/// The whole catalogue of a tenant; empty when there is none.
pub async fn load(tx: &mut Tx, tenant: &TenantId) -> Result<Catalog> { todo!() }
/// Applies the patch (an item's skills are replaced by those given) and bumps the catalogue's revision, which it returns.
pub async fn apply(tx: &mut Tx, tenant: &TenantId, patch: &CatalogPatch) -> Result<i64> { todo!() }
