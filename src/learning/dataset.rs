//! What a member is trained on: a vocabulary and each learner's answers in order. Made from a frame (see `frame`).

use super::Counts;
use crate::domain::{ItemId, Pseudonym, SkillId};

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
    pub fn answers(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.answers.len()).sum()
    }

    /// The counts all its answers add up to.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for answer in self.sequences.iter().flat_map(|sequence| &sequence.answers) {
            let (attempts, correct) = counts.items.entry(self.vocabulary.items[answer.item as usize].clone()).or_default();
            *attempts += 1;
            *correct += i64::from(answer.correct);
        }
        counts
    }
}
