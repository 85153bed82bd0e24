//! What one learner has done so far, in whole numbers.

use std::collections::HashMap;

use crate::learning::dataset::Answer;

/// Attempts and right answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Done {
    pub attempts: f64,
    pub right: f64,
}

impl Done {
    fn note(&mut self, correct: bool) {
        self.attempts += 1.0;
        self.right += f64::from(u8::from(correct));
    }

    pub fn wrong(self) -> f64 {
        self.attempts - self.right
    }
}

#[derive(Debug, Default)]
pub struct Past {
    pub all: Done,
    items: HashMap<u32, Done>,
    skills: HashMap<u32, Done>,
}

impl Past {
    pub fn item(&self, item: u32) -> Done {
        self.items.get(&item).copied().unwrap_or_default()
    }

    pub fn skill(&self, skill: u32) -> Done {
        self.skills.get(&skill).copied().unwrap_or_default()
    }

    pub fn note(&mut self, answer: &Answer, skills: &[u32]) {
        self.all.note(answer.correct);
        self.items.entry(answer.item).or_default().note(answer.correct);
        for &skill in skills {
            self.skills.entry(skill).or_default().note(answer.correct);
        }
    }
}
