//! Best-LR as published (Gervet et al., JEDM 2020, github theophilee/learner-performance-prediction): one-hot item and skills;
//! log1p of attempts and of right answers per skill (each skill has its own two weights), on the item and in total.

use super::past::{Done, Past};
use super::regression::Encoding;
use crate::learning::dataset::Vocabulary;

/// logit p = b + δ_item + Σ_skills (β_s + α_s ln(1 + attempts_s) + γ_s ln(1 + right_s)) + the same two counts on the item and in total.
pub struct OneHot;

impl Encoding for OneHot {
    const RIDGE: f64 = 1.0;

    fn columns(vocabulary: &Vocabulary) -> usize {
        vocabulary.items.len() + 3 * vocabulary.skills.len() + 4
    }

    fn row(vocabulary: &Vocabulary, past: &Past, item: u32, row: &mut Vec<(u32, f32)>) {
        let (items, skills) = (vocabulary.items.len() as u32, vocabulary.skills.len() as u32);
        let mut counts = |at: u32, done: Done| {
            row.push((at, done.attempts.ln_1p() as f32));
            row.push((at + 1, done.right.ln_1p() as f32));
        };
        let own = &vocabulary.item_skills[item as usize];
        own.iter().for_each(|&skill| counts(items + skills + 2 * skill, past.skill(skill)));
        counts(items + 3 * skills, past.item(item));
        counts(items + 3 * skills + 2, past.all);
        row.push((item, 1.0));
        row.extend(own.iter().map(|&skill| (items + skill, 1.0)));
        row.retain(|(_, value)| *value != 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::baseline::{Baseline, Pfa, Regression};
    use crate::learning::dataset::Dataset;
    use crate::learning::metrics::auc;
    use crate::learning::sample::Class;

    #[test]
    fn a_row_holds_the_item_its_skills_and_what_was_done() {
        let vocabulary = Class { learners: 1, answers: 1, items: 8, skills: 3 }.dataset(1).vocabulary;
        let mut past = Past::default();
        let answer = |item, correct| crate::learning::dataset::Answer { item, correct, occurred_at: 0, marks: Default::default() };
        past.note(&answer(0, true), &vocabulary.item_skills[0]);
        past.note(&answer(0, false), &vocabulary.item_skills[0]);
        let mut row = Vec::new();
        OneHot::row(&vocabulary, &past, 0, &mut row);
        row.sort_unstable_by_key(|(column, _)| *column);
        let (two, one) = (3f32.ln(), 2f32.ln());
        // 8 items, 3 skills: one-hot at 0 and 8, the skill's counts at 11, the item's at 17, all at 19.
        let expected = [(0, 1.0), (8, 1.0), (11, two), (12, one), (17, two), (18, one), (19, two), (20, one)];
        assert_eq!(row.len(), expected.len());
        assert!(row.iter().zip(expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6), "{row:?}");
        assert_eq!(OneHot::columns(&vocabulary), 21);
    }

    #[test]
    fn learners_who_were_not_trained_on_are_ranked_better_than_by_chance() {
        let whole = Class { learners: 120, answers: 30, items: 12, skills: 3 }.dataset(4);
        let (seen, new) = whole.sequences.split_at(80);
        let train = Dataset { vocabulary: whole.vocabulary.clone(), sequences: seen.to_vec() };
        let ranks = |model: &dyn Baseline| {
            let score =
                |s: &crate::learning::dataset::Sequence| model.follow(&whole.vocabulary, &s.answers).into_iter().zip(s.answers.clone());
            auc(&new.iter().flat_map(score).map(|(p, answer)| (p, answer.correct)).collect::<Vec<_>>()).unwrap()
        };
        let (one_hot, pfa) = (Regression::<OneHot>::fit(&train).unwrap(), Regression::<Pfa>::fit(&train).unwrap());
        assert!(ranks(&one_hot) > 0.6 && ranks(&one_hot) > ranks(&pfa), "{} {}", ranks(&one_hot), ranks(&pfa));
        assert!(Regression::<OneHot>::fit(&Dataset::default()).is_err());
    }
}
