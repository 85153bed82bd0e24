//! Simple models to stand beside the network: a logistic regression on counts (after Best-LR, Gervet et al., JEDM 2020), the item's
//! rate, and the overall rate. The regression is linfa's; nothing here is served.

use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::batch::{Batch, Sight};
use super::dataset::{Dataset, Sequence};
use super::evidence::{Evidence, ITEM_FEATURES, SET_FEATURES, Tally};
use super::random::Stream;
use super::record::{FEATURES, LEARNER_FEATURES, OVERALL_SURPLUS, SKILL_SURPLUS};

/// Best-LR in counts: shrunken item and skill rates in place of one-hot items and skills; log counts of attempts and right answers in
/// all, on the skill and on the item; and, for what jointly fitted one-hot difficulties would correct, how far the learner was above
/// what was expected of their items.
pub struct BestLr {
    weights: Vec<f64>,
    intercept: f64,
}

#[derive(Debug, thiserror::Error)]
#[error("the regression could not be fitted: {0}")]
pub struct FitError(String);

/// The features the regression has. The last results and what fades with time are left to the network.
const COUNTED: [usize; 12] = {
    const LEARNER: usize = ITEM_FEATURES + SET_FEATURES;
    const OWN: usize = LEARNER + LEARNER_FEATURES;
    let (overall, skill) = (LEARNER + OVERALL_SURPLUS, LEARNER + SKILL_SURPLUS);
    [0, 1, 2, 3, overall - 2, overall - 1, overall, skill - 2, skill - 1, skill, OWN, OWN + 1]
};
/// Learners who are described by the counts of all the others.
const GROUP: usize = 32;
/// Ridge penalty on the weights, against the summed loss.
const RIDGE: f64 = 1.0;

fn counted(features: &[f32]) -> impl Iterator<Item = f64> {
    COUNTED.map(|place| f64::from(features[place])).into_iter()
}

impl BestLr {
    /// Fits on all answers of `dataset`.
    ///
    /// # Errors
    /// There are no answers, or all are right or all wrong.
    pub fn fit(dataset: &Dataset) -> Result<Self, FitError> {
        let vocabulary = &dataset.vocabulary;
        let mut known = vec![Tally::default(); vocabulary.items.len()];
        for answer in dataset.sequences.iter().flat_map(|sequence| &sequence.answers) {
            known[answer.item as usize].note(answer.correct);
        }
        let sets = vocabulary.sets();
        let evidence = Evidence::new(known, &sets, vocabulary.skills.len());
        let (mut rows, mut results) = (Vec::with_capacity(dataset.answers() * COUNTED.len()), Vec::with_capacity(dataset.answers()));
        let mut chance = Stream::new(0, "best-lr", &[]);
        for group in dataset.sequences.chunks(GROUP) {
            let group: Vec<&Sequence> = group.iter().collect();
            let sight = Sight::Others { share: 1.0, chance: &mut chance };
            let batch = Batch::new(&group, vocabulary, &sets, &evidence, sight);
            rows.extend(batch.features.chunks_exact(FEATURES).flat_map(counted));
            results.extend(batch.correct.iter().map(|correct| *correct > 0.5));
        }
        let fit_error = |error: &dyn std::fmt::Display| FitError(error.to_string());
        let records = Array2::from_shape_vec((results.len(), COUNTED.len()), rows).map_err(|error| fit_error(&error))?;
        let data = linfa::Dataset::new(records, Array1::from_vec(results));
        let fitted = LogisticRegression::default()
            .alpha(RIDGE)
            .max_iterations(100)
            .gradient_tolerance(1e-3)
            .fit(&data)
            .map_err(|error| fit_error(&error))?;
        // linfa decides which of the two classes its logit speaks of.
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        Ok(Self { weights: fitted.params().iter().map(|weight| sign * weight).collect(), intercept: sign * fitted.intercept() })
    }

    pub fn parameters(&self) -> usize {
        self.weights.len() + 1
    }

    pub(super) fn p_correct(&self, features: &[f32; FEATURES]) -> f32 {
        let logit: f64 = self.weights.iter().zip(counted(features)).map(|(weight, value)| weight * value).sum::<f64>() + self.intercept;
        (1.0 / (1.0 + (-logit).exp())) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::metrics::auc;
    use crate::learning::sample::Class;

    #[test]
    fn the_regression_ranks_better_than_chance_and_speaks_of_right_answers() {
        let dataset = Class { learners: 60, answers: 30, items: 12, skills: 3 }.dataset(4);
        let model = BestLr::fit(&dataset).unwrap();
        let sets = dataset.vocabulary.sets();
        let evidence = Evidence::new(vec![Tally::default(); 12], &sets, 3);
        let all: Vec<&Sequence> = dataset.sequences.iter().collect();
        let batch = Batch::new(&all, &dataset.vocabulary, &sets, &evidence, Sight::Whole);
        let p = |features: &[f32]| model.p_correct(features.try_into().unwrap());
        let scored: Vec<(f32, bool)> =
            batch.features.chunks_exact(FEATURES).zip(&batch.correct).map(|(features, correct)| (p(features), *correct > 0.5)).collect();
        assert!(auc(&scored).unwrap() > 0.55);
        assert!(BestLr::fit(&Dataset::default()).is_err());
    }
}
