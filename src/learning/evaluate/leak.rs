//! Answers given away by the row before them: a log that repeats an attempt for each of its skills.
//!
//! Readers fold such rows into one attempt where they can tell (`Log::repeated_rows`). What is left is judged here by its shape:
//! real second tries at an item often end otherwise than the first, copies never do.

use serde::Serialize;

use crate::ingest::formats::Log;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// Scored answers.
    pub answers: usize,
    /// Those on the item of the answer before.
    pub same_item: usize,
    /// Those that also repeat its result.
    pub same_result: usize,
}

/// Over the answers that are scored. Where the skill is the item, going on with it is no repetition: then all zeros.
pub fn repeats(log: &Log, cuts: &[usize]) -> Repeats {
    let mut found = Repeats::default();
    let itself = |item: &crate::domain::Item| matches!(item.skills.as_slice(), [skill] if skill.as_str() == item.id.as_str());
    if log.catalog.items.values().all(itself) {
        return found;
    }
    for (learner, cut) in log.learners.iter().zip(cuts) {
        found.answers += learner.answers.len() - cut.min(&learner.answers.len());
        for two in learner.answers.windows(2).skip(cut.saturating_sub(1)) {
            if two[0].item == two[1].item {
                found.same_item += 1;
                found.same_result += usize::from(two[0].correct == two[1].correct);
            }
        }
    }
    found
}

impl Repeats {
    /// One answer in a hundred repeats the row before it, and hardly any such pair ends differently.
    pub fn suspicious(&self) -> bool {
        self.same_result * 100 >= self.answers.max(1) && self.same_result * 100 >= self.same_item * 95
    }
}

#[cfg(test)]
mod tests {
    use super::super::partition::tests::log;
    use super::*;

    #[test]
    fn copies_are_suspicious_and_second_tries_are_not() {
        let copies: &[(&str, u8)] = &[("a", 1), ("a", 1), ("b", 0), ("b", 0), ("c", 1)];
        let tries: &[(&str, u8)] = &[("a", 0), ("a", 1), ("b", 0), ("b", 0), ("c", 1)];
        let (copies, tries) = (log(&[("1", copies)]), log(&[("1", tries)]));
        let found = repeats(&copies, &[0]);
        assert_eq!(found, Repeats { answers: 5, same_item: 2, same_result: 2 });
        assert!(found.suspicious());
        assert!(!repeats(&tries, &[0]).suspicious());
        assert!(!repeats(&copies, &[5]).suspicious(), "training answers are not scored");
    }
}
