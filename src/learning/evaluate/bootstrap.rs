//! How much AUC and log loss would move with other test learners: a bootstrap over learners.
//!
//! Learners, not answers, are drawn with replacement, for answers of one learner hang together. Scores are sorted once; a draw is
//! a weight for each learner, and one pass over the sorted scores. The same seed draws the same learners whatever the model, so
//! two models' draws can be subtracted one by one. What it does not cover: other training learners, another training seed.

use serde::Serialize;

use super::members::side_by_side;
use super::score::Scored;
use crate::learning::random::Stream;

/// The draws' values of each metric.
#[derive(Debug, Clone, Default)]
pub struct Draws {
    pub auc: Vec<f64>,
    pub log_loss: Vec<f64>,
}

/// The middle 95 % of some draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// `None` without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        (!values.is_empty()).then(|| Self { low: at(0.025), high: at(0.975) })
    }
}

struct Sorted {
    /// By p, ascending: (learner, correct), and whether the next has the same p.
    answers: Vec<(u32, bool, bool)>,
    /// By learner: answers and summed loss.
    losses: Vec<(f64, f64)>,
}

impl Sorted {
    fn new(scored: &[Scored], learners: usize) -> Self {
        let mut order: Vec<&Scored> = scored.iter().collect();
        order.sort_by(|a, b| a.p.total_cmp(&b.p));
        let tied = |at: usize| order.get(at + 1).is_some_and(|next| next.p == order[at].p);
        let answers = (0..order.len()).map(|at| (order[at].learner, order[at].correct, tied(at))).collect();
        let mut losses = vec![(0.0, 0.0); learners];
        for scored in scored {
            let own = &mut losses[scored.learner as usize];
            own.0 += 1.0;
            own.1 += super::slices::loss(scored);
        }
        Self { answers, losses }
    }

    /// AUC with each learner's answers counted `weights` times; NaN when only one class was drawn.
    fn auc(&self, weights: &[u32]) -> f64 {
        let (mut right, mut wrong, mut wins) = (0u64, 0u64, 0.0f64);
        let (mut tied_right, mut tied_wrong) = (0u64, 0u64);
        for &(learner, correct, tied) in &self.answers {
            let weight = u64::from(weights[learner as usize]);
            if correct {
                tied_right += weight;
            } else {
                tied_wrong += weight;
            }
            if !tied {
                wins += tied_right as f64 * (wrong as f64 + tied_wrong as f64 / 2.0);
                right += tied_right;
                wrong += tied_wrong;
                (tied_right, tied_wrong) = (0, 0);
            }
        }
        wins / (right as f64 * wrong as f64)
    }

    fn log_loss(&self, weights: &[u32]) -> f64 {
        let add = |(answers, loss): (f64, f64), (own, weight): (&(f64, f64), &u32)| {
            (answers + own.0 * f64::from(*weight), loss + own.1 * f64::from(*weight))
        };
        let (answers, loss) = self.losses.iter().zip(weights).fold((0.0, 0.0), add);
        loss / answers
    }
}

/// `learners`: how many there are; `Scored::learner` is below it.
pub fn bootstrap(scored: &[Scored], learners: usize, draws: usize, seed: u64, threads: usize) -> Draws {
    if scored.is_empty() {
        return Draws::default();
    }
    let sorted = Sorted::new(scored, learners);
    let draw = |number: usize| {
        let mut chance = Stream::new(seed, "bootstrap", &number.to_le_bytes());
        let mut weights = vec![0u32; learners];
        (0..learners).for_each(|_| weights[((f64::from(chance.unit()) * learners as f64) as usize).min(learners - 1)] += 1);
        (sorted.auc(&weights), sorted.log_loss(&weights))
    };
    let (auc, log_loss) = side_by_side(draws, threads, draw).into_iter().unzip();
    Draws { auc, log_loss }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::learning::metrics;

    pub(in crate::learning::evaluate) fn some_answers(learners: u32, each: u32) -> Vec<Scored> {
        let mut chance = Stream::new(5, "some answers", b"");
        let answer = |n: u32| {
            let p = (chance.unit() * 20.0).round() / 20.0;
            Scored { learner: n / each, position: n % each, item: n % 7, p, spread: chance.unit() * 0.1, correct: chance.unit() < p }
        };
        (0..learners * each).map(answer).collect()
    }

    #[test]
    fn a_weight_equals_that_many_copies() {
        let scored = some_answers(6, 9);
        let weights = [0, 1, 3, 2, 0, 1];
        let copies: Vec<(f32, bool)> =
            scored.iter().flat_map(|s| std::iter::repeat_n((s.p, s.correct), weights[s.learner as usize] as usize)).collect();
        let sorted = Sorted::new(&scored, 6);
        assert!((sorted.auc(&weights) - metrics::auc(&copies).unwrap()).abs() < 1e-12);
        assert!((sorted.log_loss(&weights) - metrics::Metrics::of(&copies).unwrap().log_loss).abs() < 1e-9);
    }

    #[test]
    fn the_interval_holds_the_estimate_is_repeatable_and_narrows_with_learners() {
        let width = |learners: u32| {
            let scored = some_answers(learners, 10);
            let pairs: Vec<(f32, bool)> = scored.iter().map(|s| (s.p, s.correct)).collect();
            let draws = bootstrap(&scored, learners as usize, 300, 1, 2);
            assert_eq!(draws.auc, bootstrap(&scored, learners as usize, 300, 1, 1).auc);
            let interval = Interval::of(draws.auc).unwrap();
            let auc = metrics::auc(&pairs).unwrap();
            assert!(interval.low < auc && auc < interval.high);
            interval.high - interval.low
        };
        assert!(width(200) < 0.6 * width(20));
    }
}
