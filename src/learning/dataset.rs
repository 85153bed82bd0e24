//! What a member is trained on: a vocabulary and each learner's answers in order, made from a frame.

use polars::prelude::DataFrame;

use crate::domain::{Catalog, ItemId, Pseudonym, SkillId};

/// One graded answer; item and skills as positions in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub item: u32,
    pub correct: bool,
    /// Microseconds since 1970.
    pub occurred_at: i64,
    pub response_ms: Option<i64>,
    pub attempt_number: Option<i32>,
    pub hints: Option<i32>,
}

/// Items and skills of a dataset, sorted by id so that positions do not depend on who came first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    pub items: Vec<ItemId>,
    pub skills: Vec<SkillId>,
    /// Skills of each item, as positions, sorted.
    pub item_skills: Vec<Vec<u32>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub learner: Pseudonym,
    pub answers: Vec<Answer>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset {
    pub vocabulary: Vocabulary,
    /// Sorted by learner.
    pub sequences: Vec<Sequence>,
}

impl Dataset {
    /// Answers only; skills from the catalogue, or the senders' hints where it has none.
    pub fn from_frame(frame: &DataFrame, catalog: &Catalog) -> anyhow::Result<Self> { todo!() }

    pub fn answers(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.answers.len()).sum()
    }
}
