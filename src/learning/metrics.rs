//! How good probabilities are: ranking (AUC), accuracy, log loss and calibration (ECE). All exact, over all pairs given.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Metrics {
    /// Area under the ROC curve, ties counted half; `None` when all answers are right or all wrong.
    pub auc: Option<f64>,
    /// Share of answers on the right side of 0.5.
    pub accuracy: f64,
    /// Mean of -ln(probability given to what happened), probabilities kept 1e-7 away from 0 and 1.
    pub log_loss: f64,
    /// Expected calibration error over 15 bins of equal width.
    pub ece: f64,
    /// Answers scored.
    pub events: usize,
}

impl Metrics {
    /// (p(correct), correct) pairs; `None` without any.
    pub fn of(scored: &[(f32, bool)]) -> Option<Self> {
        if scored.is_empty() {
            return None;
        }
        let count = scored.len() as f64;
        let right = scored.iter().filter(|(p, correct)| (*p >= 0.5) == *correct).count() as f64;
        let loss: f64 =
            scored.iter().map(|&(p, correct)| -if correct { f64::from(p) } else { 1.0 - f64::from(p) }.clamp(1e-7, 1.0).ln()).sum();
        Some(Self { auc: auc(scored), accuracy: right / count, log_loss: loss / count, ece: ece(scored), events: scored.len() })
    }
}

/// By ranks (Mann and Whitney): the chance that a right answer was given a higher probability than a wrong one.
pub fn auc(scored: &[(f32, bool)]) -> Option<f64> {
    let mut sorted: Vec<(f32, bool)> = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let right = sorted.iter().filter(|(_, correct)| *correct).count() as f64;
    let wrong = sorted.len() as f64 - right;
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < sorted.len() {
        let mut end = start + 1;
        while end < sorted.len() && sorted[end].0 == sorted[start].0 {
            end += 1;
        }
        let mean_rank = (start + 1 + end) as f64 / 2.0;
        rank_sum += mean_rank * sorted[start..end].iter().filter(|(_, correct)| *correct).count() as f64;
        start = end;
    }
    (right > 0.0 && wrong > 0.0).then(|| (rank_sum - right * (right + 1.0) / 2.0) / (right * wrong))
}

const BINS: usize = 15;

fn ece(scored: &[(f32, bool)]) -> f64 {
    let mut bins = [(0.0f64, 0.0f64); BINS];
    for &(p, correct) in scored {
        let bin = &mut bins[((p * BINS as f32) as usize).min(BINS - 1)];
        bin.0 += f64::from(p);
        bin.1 += f64::from(u8::from(correct));
    }
    bins.iter().map(|(expected, happened)| (expected - happened).abs()).sum::<f64>() / scored.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_by_ranks_equals_auc_by_pairs() {
        let scored: Vec<(f32, bool)> = (0..200u32).map(|i| ((i * 37 % 23) as f32 / 23.0, i * 13 % 7 < 3)).collect();
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (p, _) in scored.iter().filter(|(_, correct)| *correct) {
            for (q, _) in scored.iter().filter(|(_, correct)| !correct) {
                pairs += 1.0;
                wins += if p > q {
                    1.0
                } else if p == q {
                    0.5
                } else {
                    0.0
                };
            }
        }
        assert!((auc(&scored).unwrap() - wins / pairs).abs() < 1e-12);
        assert_eq!(auc(&[(0.3, true), (0.9, true)]), None);
    }

    #[test]
    fn honest_probabilities_are_calibrated_and_boasts_are_not() {
        let honest: Vec<(f32, bool)> = (0..100).map(|i| (0.7, i % 10 < 7)).collect();
        let boast: Vec<(f32, bool)> = (0..100).map(|i| (0.99, i % 10 < 7)).collect();
        let (honest, boast) = (Metrics::of(&honest).unwrap(), Metrics::of(&boast).unwrap());
        assert!(honest.ece < 1e-6 && (boast.ece - 0.29).abs() < 1e-6);
        assert!(honest.log_loss < boast.log_loss);
        assert_eq!((honest.accuracy, honest.events), (0.7, 100));
        assert_eq!(Metrics::of(&[]), None);
    }
}
