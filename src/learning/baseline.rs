//! Simple models to stand beside the network: a logistic regression on counts (after Best-LR, Gervet et al., JEDM 2020), the item's
//! rate, and the overall rate. The regression is linfa's; nothing here is served.

use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::batch::Batch;
use super::dataset::Dataset;
use super::features::{Description, Evidence, FEATURES, Tally};

/// Best-LR in counts: shrunken item and skill rates in place of one-hot items and skills, and log counts of attempts and right
/// answers in all, on the skill and on the item.
pub struct BestLr {
    weights: Vec<f64>,
    intercept: f64,
}

#[derive(Debug, thiserror::Error)]
#[error("the regression could not be fitted: {0}")]
pub struct FitError(String);

/// Features that a logistic regression on counts has: rates and log counts; what the network knows beyond (surpluses, the last
/// results) is left out.
const COUNTED: [usize; 10] = [0, 1, 2, 3, 4, 5, 8, 9, 13, 14];
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
        let (mut rows, mut results) = (Vec::with_capacity(dataset.answers() * COUNTED.len()), Vec::with_capacity(dataset.answers()));
        for group in dataset.sequences.chunks(GROUP) {
            let mut others = known.clone();
            for answer in group.iter().flat_map(|sequence| &sequence.answers) {
                let mut own = Tally::default();
                own.note(answer.correct);
                others[answer.item as usize] = others[answer.item as usize].less(own);
            }
            let evidence = Evidence::new(others, |item| &vocabulary.item_skills[item as usize], vocabulary.skills.len());
            let batch = Batch::new(group.iter().map(|sequence| sequence.answers.as_slice()), vocabulary, &evidence);
            rows.extend(batch.features.chunks_exact(FEATURES).flat_map(counted));
            results.extend(batch.correct.iter().map(|correct| *correct > 0.5));
        }
        let fit_error = |error: &dyn std::fmt::Display| FitError(error.to_string());
        let records = Array2::from_shape_vec((results.len(), COUNTED.len()), rows).map_err(|error| fit_error(&error))?;
        let data = linfa::Dataset::new(records, Array1::from_vec(results));
        let fitted = LogisticRegression::default().alpha(RIDGE).max_iterations(200).fit(&data).map_err(|error| fit_error(&error))?;
        // linfa decides which of the two classes its logit speaks of.
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        Ok(Self { weights: fitted.params().iter().map(|weight| sign * weight).collect(), intercept: sign * fitted.intercept() })
    }

    pub fn parameters(&self) -> usize {
        self.weights.len() + 1
    }

    pub(super) fn p_correct(&self, description: &Description) -> f32 {
        let logit: f64 =
            self.weights.iter().zip(counted(&description.features)).map(|(weight, value)| weight * value).sum::<f64>() + self.intercept;
        (1.0 / (1.0 + (-logit).exp())) as f32
    }
}
