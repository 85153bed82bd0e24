//! Integer counts per item, and per skill through the catalogue: priors, popularity, and the fallback's only knowledge.

use std::collections::HashMap;

use crate::domain::ItemId;

/// (attempts, correct) over usable answers, by item. Integers, so that erasure subtracts exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub items: HashMap<ItemId, (i64, i64)>,
}
