//! A learner's state in a predictor: what was counted about them, when items were last seen, and each member's vectors.

use std::collections::HashMap;
use std::sync::Arc;

use super::features::Record;
use super::member::MemberState;

/// Which of the learner's answers are part of the live counts, to be left out when the counts speak of *others*.
#[derive(Debug, Clone, Default)]
pub(super) enum Counted {
    /// All that the state has taken in.
    #[default]
    All,
    /// Those given before the simulated ones.
    Before(Arc<Record>),
    Nothing,
}

/// Advanced in O(1) per event, rebuilt from events at will; never stored.
#[derive(Debug, Clone, Default)]
pub struct LearnerState {
    pub(super) record: Record,
    /// When an event on an item last came, answers and others, by position.
    pub(super) seen: HashMap<u32, i64>,
    pub(super) counted: Counted,
    /// By member.
    pub(super) members: Vec<MemberState>,
}

impl LearnerState {
    /// The learner's own part of the live counts.
    pub(super) fn counted(&self) -> Option<&Record> {
        match &self.counted {
            Counted::All => Some(&self.record),
            Counted::Before(record) => Some(record),
            Counted::Nothing => None,
        }
    }

    /// A copy whose further answers were not given, and so are in nobody's counts.
    pub(super) fn imagined(&self) -> Self {
        let counted = match &self.counted {
            Counted::All => Counted::Before(Arc::new(self.record.clone())),
            other => other.clone(),
        };
        Self { record: self.record.clone(), seen: self.seen.clone(), counted, members: self.members.clone() }
    }
}
