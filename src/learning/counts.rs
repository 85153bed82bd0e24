//! Integer counts per item, and per skill through the catalogue: priors, popularity, and the fallback's only knowledge.

use std::collections::HashMap;

use crate::domain::ItemId;

/// (attempts, correct) over usable answers, by item. Integers, so that erasure subtracts exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub items: HashMap<ItemId, (i64, i64)>,
}

impl Counts {
    /// (attempts, correct) of an item; zeros when nobody has answered it.
    pub fn of(&self, item: &ItemId) -> (i64, i64) {
        self.items.get(item).copied().unwrap_or_default()
    }

    /// Adds another's counts, item by item.
    pub fn add(&mut self, other: &Counts) {
        for (item, (attempts, correct)) in &other.items {
            let sum = self.items.entry(item.clone()).or_default();
            sum.0 += attempts;
            sum.1 += correct;
        }
    }
}
