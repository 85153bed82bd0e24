//! Positions of items and skills inside a predictor: the catalogue's numbers, then items known by their counts alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Counts;
use super::evidence::{Evidence, SkillSets, Tally};
use crate::domain::{CatalogIndex, ItemId, SkillId};

/// Who is where. Made once per catalogue; states and members speak in these positions.
#[derive(Debug)]
pub(super) struct Index {
    pub catalog: Arc<CatalogIndex>,
    /// Items that were answered but are not in the catalogue (yet), sorted; numbered after the catalogue's.
    strangers: Vec<ItemId>,
    stranger_of: HashMap<ItemId, u32>,
    /// Of all items.
    pub sets: SkillSets,
}

impl Index {
    pub fn new(catalog: Arc<CatalogIndex>, counts: &Counts) -> Self {
        let strangers: BTreeSet<&ItemId> = counts.items.keys().filter(|item| catalog.item(item).is_none()).collect();
        let strangers: Vec<ItemId> = strangers.into_iter().cloned().collect();
        let stranger_of = strangers.iter().cloned().zip(catalog.items.len() as u32..).collect();
        let skills = (0..catalog.items.len() as u32).map(|item| catalog.skills_of(item));
        let sets = SkillSets::new(skills.chain(strangers.iter().map(|_| [].as_slice())));
        Self { catalog, strangers, stranger_of, sets }
    }

    pub fn item(&self, item: &ItemId) -> Option<u32> {
        self.catalog.item(item).or_else(|| self.stranger_of.get(item).copied())
    }

    /// All items, catalogue and strangers, by position.
    pub fn items(&self) -> impl Iterator<Item = &ItemId> {
        self.catalog.items.iter().chain(&self.strangers)
    }

    pub fn skills_of(&self, item: Option<u32>) -> &[u32] {
        match item {
            Some(item) if (item as usize) < self.catalog.items.len() => self.catalog.skills_of(item),
            _ => &[],
        }
    }

    /// Skills of an item by the catalogue, or else by the hints a sender gave.
    pub fn skills_or_hints(&self, item: Option<u32>, hints: &[SkillId]) -> Vec<u32> {
        match self.skills_of(item) {
            [] => hints.iter().filter_map(|hint| self.catalog.skill(hint)).collect::<BTreeSet<_>>().into_iter().collect(),
            skills => skills.to_vec(),
        }
    }

    /// The counts by position. Items the index has not met (first answered after it was made) wait for the next one.
    pub fn evidence(&self, counts: &Counts) -> Evidence {
        let tally = |item: &ItemId| {
            let (attempts, right) = counts.of(item);
            Tally { attempts: attempts.max(0) as f32, right: right.clamp(0, attempts.max(0)) as f32 }
        };
        Evidence::new(self.items().map(tally).collect(), &self.sets, self.catalog.skills.len())
    }
}
