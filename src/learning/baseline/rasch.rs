//! The Rasch model (1PL item response theory): p = σ(ability - difficulty).
//!
//! Difficulties are fitted by marginal maximum likelihood (Bock and Aitkin, 1981): abilities are integrated out over a grid, so no
//! training learner gets a parameter. A new learner starts from the prior over abilities; each answer moves their posterior over
//! the same grid (Bayes' rule), and p is the mean over it.

use super::Baseline;
use super::logistic::sigmoid;
use crate::learning::dataset::{Answer, Dataset, Vocabulary};

const POINTS: usize = 61;
/// The grid reaches from -REACH to REACH logits.
const REACH: f64 = 4.5;
const ROUNDS: usize = 25;

pub struct Rasch {
    difficulty: Vec<f64>,
    /// Of abilities, on the grid.
    prior: [f64; POINTS],
}

fn ability(point: usize) -> f64 {
    REACH * (2.0 * point as f64 / (POINTS - 1) as f64 - 1.0)
}

fn normal(deviation: f64) -> [f64; POINTS] {
    normalised(std::array::from_fn(|point| (-0.5 * (ability(point) / deviation).powi(2)).exp()))
}

fn normalised(mut weights: [f64; POINTS]) -> [f64; POINTS] {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

impl Rasch {
    /// Fits on all answers of `train`. Items nobody answered are of mean difficulty.
    pub fn fit(train: &Dataset) -> Self {
        let items = train.vocabulary.items.len();
        let mut right = vec![0.0; items];
        for answer in train.sequences.iter().flat_map(|sequence| &sequence.answers) {
            right[answer.item as usize] += f64::from(u8::from(answer.correct));
        }
        let share = (right.iter().sum::<f64>() + 1.0) / (train.answers() as f64 + 2.0);
        let mut mean = -(share / (1.0 - share)).ln();
        let (mut difficulty, mut deviation, mut scatter) = (vec![mean; items], 1.0, 1.0);
        for _ in 0..ROUNDS {
            let (attempts, variance) = expect(train, &difficulty, &normal(deviation));
            let (mut sum, mut square, mut answered) = (0.0, 0.0, 0.0);
            for ((difficulty, attempts), right) in difficulty.iter_mut().zip(attempts.chunks_exact(POINTS)).zip(&right) {
                if attempts.iter().sum::<f64>() == 0.0 {
                    continue;
                }
                let sharpness = maximise(difficulty, attempts, *right, mean, scatter);
                sum += *difficulty;
                square += (*difficulty - mean).powi(2) + 1.0 / sharpness;
                answered += 1.0;
            }
            if answered > 0.0 {
                // Both priors are fitted too: how far apart items are, and how far apart learners are.
                scatter = (square / answered).clamp(0.01, 9.0);
                mean = sum / answered;
                deviation = variance.sqrt().clamp(0.1, 3.0);
            }
            difficulty.iter_mut().zip(attempts.chunks_exact(POINTS)).for_each(|(difficulty, attempts)| {
                if attempts.iter().sum::<f64>() == 0.0 {
                    *difficulty = mean;
                }
            });
        }
        Self { difficulty, prior: normal(deviation) }
    }
}

/// Expected attempts of each item at each ability, and the mean squared ability.
fn expect(train: &Dataset, difficulty: &[f64], prior: &[f64; POINTS]) -> (Vec<f64>, f64) {
    // ln p(right) of items by ability; ln p(wrong) = ln p(right) - (ability - difficulty).
    let log_right: Vec<f64> = difficulty.iter().flat_map(|d| (0..POINTS).map(move |point| -((d - ability(point)).exp().ln_1p()))).collect();
    let mut attempts = vec![0.0; difficulty.len() * POINTS];
    let (mut variance, mut learners) = (0.0, 0.0);
    for sequence in train.sequences.iter().filter(|sequence| !sequence.answers.is_empty()) {
        let mut log_weight = prior.map(f64::ln);
        for answer in &sequence.answers {
            let item = answer.item as usize;
            let row = &log_right[item * POINTS..][..POINTS];
            for (point, (weight, log_right)) in log_weight.iter_mut().zip(row).enumerate() {
                *weight += log_right - if answer.correct { 0.0 } else { ability(point) - difficulty[item] };
            }
        }
        let top = log_weight.iter().copied().fold(f64::MIN, f64::max);
        let posterior = normalised(log_weight.map(|weight| (weight - top).exp()));
        for answer in &sequence.answers {
            attempts[answer.item as usize * POINTS..][..POINTS].iter_mut().zip(posterior).for_each(|(sum, weight)| *sum += weight);
        }
        variance += posterior.iter().enumerate().map(|(point, weight)| weight * ability(point).powi(2)).sum::<f64>();
        learners += 1.0;
    }
    (attempts, if learners > 0.0 { variance / learners } else { 1.0 })
}

/// The difficulty that best explains `right` of the expected attempts, under a normal prior: two Newton steps. Returns the curvature.
fn maximise(difficulty: &mut f64, attempts: &[f64], right: f64, mean: f64, scatter: f64) -> f64 {
    let mut sharpness = 1.0;
    for _ in 0..2 {
        let (mut expected, mut curvature) = (0.0, 1.0 / scatter);
        for (point, weight) in attempts.iter().enumerate() {
            let p = sigmoid(ability(point) - *difficulty);
            expected += weight * p;
            curvature += weight * p * (1.0 - p);
        }
        let gradient = expected - right - (*difficulty - mean) / scatter;
        *difficulty += (gradient / curvature).clamp(-1.0, 1.0);
        sharpness = curvature;
    }
    sharpness
}

impl Baseline for Rasch {
    fn follow(&self, _: &Vocabulary, answers: &[Answer]) -> Vec<f32> {
        let mut belief = self.prior;
        let take = |answer: &Answer| {
            let right: [f64; POINTS] = std::array::from_fn(|point| sigmoid(ability(point) - self.difficulty[answer.item as usize]));
            let p: f64 = belief.iter().zip(right).map(|(weight, right)| weight * right).sum();
            let likelihood = |right: f64| if answer.correct { right } else { 1.0 - right };
            belief = normalised(std::array::from_fn(|point| belief[point] * likelihood(right[point]) + 1e-30));
            p as f32
        };
        answers.iter().map(take).collect()
    }

    fn parameters(&self) -> usize {
        self.difficulty.len() + 1
    }

    fn rounds(&self) -> usize {
        ROUNDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ItemId, Pseudonym};
    use crate::learning::dataset::Sequence;
    use crate::learning::random::Stream;

    fn answer(item: u32, correct: bool) -> Answer {
        Answer { item, correct, occurred_at: 0, marks: Default::default() }
    }

    #[test]
    fn difficulties_and_the_spread_of_abilities_are_found_again() {
        let truth = [-1.5, -0.5, 0.0, 0.5, 1.5];
        let mut chance = Stream::new(7, "rasch", b"");
        let learner = |n: u32| {
            let ability: f64 = (0..12).map(|_| f64::from(chance.unit())).sum::<f64>() - 6.0;
            let answers = (0..30).map(|step| {
                let item = step % 5;
                answer(item as u32, f64::from(chance.unit()) < sigmoid(ability - truth[item]))
            });
            Sequence { learner: Pseudonym(u128::from(n).to_le_bytes()), answers: answers.collect(), views: vec![] }
        };
        let items = (0..6).map(|n| ItemId::parse(format!("{n}")).unwrap()).collect();
        let vocabulary = Vocabulary { items, skills: vec![], item_skills: vec![vec![]; 6] };
        let dataset = Dataset { sequences: (0..600).map(learner).collect(), vocabulary };
        let model = Rasch::fit(&dataset);
        for (found, truth) in model.difficulty.iter().zip(truth) {
            assert!((found - truth).abs() < 0.25, "{:?}", model.difficulty);
        }
        assert!(model.difficulty[5].abs() < 0.3, "an item nobody answered is of mean difficulty");
        let deviation = model.prior.iter().enumerate().map(|(point, weight)| weight * ability(point).powi(2)).sum::<f64>().sqrt();
        assert!((deviation - 1.0).abs() < 0.15, "{deviation}");
    }

    #[test]
    fn a_right_answer_raises_what_follows_and_order_does_not_matter_in_the_end() {
        let model = Rasch { difficulty: vec![0.0, 1.0], prior: normal(1.0) };
        let vocabulary = Vocabulary::default();
        let p = model.follow(&vocabulary, &[answer(0, true), answer(0, false), answer(1, true)]);
        let q = model.follow(&vocabulary, &[answer(0, false), answer(0, true), answer(1, true)]);
        assert!((p[0] - 0.5).abs() < 1e-6 && p[1] > 0.55 && q[1] < 0.45);
        assert!((p[2] - q[2]).abs() < 1e-6);
    }
}
