//! A learner's state in a predictor: what was counted about them, when items were last seen, and each member's vectors.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::member::MemberState;
use super::record::{Record, Standing};

/// Which of the learner's answers are part of the live counts, to be left out when the counts speak of *others*.
#[derive(Debug, Clone, Default)]
pub(super) enum Counted {
    /// All that the state has taken in.
    #[default]
    All,
    /// These: those given before the simulated ones, or all there are while the state catches up with them.
    Before(Arc<Record>),
    Nothing,
}

/// Advanced in O(1) per event, rebuilt from events at will; never stored.
#[derive(Debug, Clone, Default)]
pub struct LearnerState {
    pub(super) record: Record,
    /// When an event on an item last came, answers and others, by position.
    pub(super) seen: FxHashMap<u32, i64>,
    pub(super) counted: Counted,
    /// By skill: what is added to the members' logit of mastery, so that a right answer never lowers it and a wrong one never raises it.
    pub(super) lift: FxHashMap<u32, f32>,
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

    /// What it holds, in bytes: vectors and entries, without what the hash tables keep free.
    pub fn bytes(&self) -> usize {
        let standing = size_of::<(u32, Standing)>();
        let record = size_of::<Standing>() + standing * (self.record.skills.len() + self.record.items.len());
        let seen = size_of::<(u32, i64)>() * self.seen.len() + size_of::<(u32, f32)>() * self.lift.len();
        record + seen + self.members.iter().map(MemberState::bytes).sum::<usize>()
    }

    /// A copy whose further answers were not given, and so are in nobody's counts.
    pub(super) fn imagined(&self) -> Self {
        let counted = match &self.counted {
            Counted::All => Counted::Before(Arc::new(self.record.clone())),
            other => other.clone(),
        };
        Self { counted, ..self.clone() }
    }
}
