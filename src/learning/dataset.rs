//! What a member is trained on: a vocabulary and each learner's answers in order. Made from a frame (see `frame`).

use std::borrow::Cow;

use super::Counts;
use super::evidence::SkillSets;
use crate::domain::{ItemId, Pseudonym, SkillId};

/// One graded answer; item and skills as positions in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub item: u32,
    pub correct: bool,
    /// Microseconds since 1970.
    pub occurred_at: i64,
    pub marks: Marks,
}

/// How an answer was given, where the platform says so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Marks {
    pub response_ms: Option<i64>,
    pub attempt_number: Option<i32>,
    pub hints: Option<i32>,
}

/// Something looked at, started, read, rated: not graded, but the learner met the skills.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The answer it came before, as a position in the sequence.
    pub before: u32,
    /// Where the vocabulary has the item: somebody answered it.
    pub item: Option<u32>,
    /// Those the vocabulary has.
    pub skills: Vec<u32>,
}

/// Items and skills of a dataset, sorted by id so that positions do not depend on who came first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    pub items: Vec<ItemId>,
    pub skills: Vec<SkillId>,
    /// Skills of each item, as positions, sorted.
    pub item_skills: Vec<Vec<u32>>,
}

impl Vocabulary {
    pub fn sets(&self) -> SkillSets {
        SkillSets::new(self.item_skills.iter().map(Vec::as_slice))
    }
}

/// One learner's way: at least one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub learner: Pseudonym,
    pub answers: Vec<Answer>,
    /// In order.
    pub views: Vec<View>,
}

impl Sequence {
    /// The sequence, cut where it is longer than `longest` answers.
    pub fn pieces(&self, longest: usize) -> Vec<Cow<'_, Self>> {
        if self.answers.len() <= longest {
            return vec![Cow::Borrowed(self)];
        }
        let piece = |(number, answers): (usize, &[Answer])| {
            let start = (number * longest) as u32;
            let inside = |view: &&View| (start..start + answers.len() as u32).contains(&view.before);
            let views = self.views.iter().filter(inside).map(|view| View { before: view.before - start, ..view.clone() }).collect();
            Cow::Owned(Self { learner: self.learner, answers: answers.to_vec(), views })
        };
        self.answers.chunks(longest).enumerate().map(piece).collect()
    }
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
