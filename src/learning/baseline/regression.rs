//! A sparse logistic regression on a learner's past: what `one_hot` and `pfa` have in common.

use super::logistic::{self, Fitted, Rows};
use super::past::Past;
use super::{Baseline, FitError};
use crate::learning::dataset::{Answer, Dataset, Vocabulary};

/// How an answer about to be given becomes a row.
pub trait Encoding: Sync {
    /// Penalty on the squared weights; scikit-learn's 1/C.
    const RIDGE: f64;

    fn columns(vocabulary: &Vocabulary) -> usize;

    fn row(vocabulary: &Vocabulary, past: &Past, item: u32, row: &mut Vec<(u32, f32)>);
}

pub struct Regression<E> {
    fitted: Fitted,
    encoding: std::marker::PhantomData<E>,
}

impl<E: Encoding> Regression<E> {
    /// Fits on all answers of `train`.
    ///
    /// # Errors
    /// There are no answers, or all are right or all wrong.
    pub fn fit(train: &Dataset) -> Result<Self, FitError> {
        let vocabulary = &train.vocabulary;
        let (mut rows, mut labels) = (Rows::default(), Vec::with_capacity(train.answers()));
        for sequence in &train.sequences {
            Self::walk(vocabulary, &sequence.answers, |row| rows.push(row));
            labels.extend(sequence.answers.iter().map(|answer| answer.correct));
        }
        if labels.iter().all(|right| *right == labels[0]) {
            return Err(FitError("the training answers are all right, all wrong or none".into()));
        }
        let fitted = logistic::fit(&rows, &labels, E::columns(vocabulary), E::RIDGE);
        Ok(Self { fitted, encoding: std::marker::PhantomData })
    }

    /// Hands out the row of each answer, made of the answers before it.
    fn walk(vocabulary: &Vocabulary, answers: &[Answer], mut each: impl FnMut(&[(u32, f32)])) {
        let (mut past, mut row) = (Past::default(), Vec::new());
        for answer in answers {
            row.clear();
            E::row(vocabulary, &past, answer.item, &mut row);
            each(&row);
            past.note(answer, &vocabulary.item_skills[answer.item as usize]);
        }
    }
}

impl<E: Encoding> Baseline for Regression<E> {
    fn follow(&self, vocabulary: &Vocabulary, answers: &[Answer]) -> Vec<f32> {
        let mut scores = Vec::with_capacity(answers.len());
        Self::walk(vocabulary, answers, |row| scores.push(self.fitted.p(row)));
        scores
    }

    fn parameters(&self) -> usize {
        self.fitted.weights.len() + 1
    }

    fn rounds(&self) -> usize {
        self.fitted.steps
    }
}
