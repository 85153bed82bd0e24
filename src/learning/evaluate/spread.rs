//! What the members' disagreement is worth: does a large spread come with a large error?
//!
//! The spread is a standard deviation over members that saw different learners. It is not a confidence interval; here is measured
//! how far it could stand for one.

use serde::Serialize;

use super::reliability::{BINS, bin_of};
use super::score::Scored;

const PARTS: usize = 5;
/// A cell with fewer answers says too little about its share of right ones.
const FEWEST: usize = 100;

/// A fifth of the answers, by spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    pub count: usize,
    pub mean_spread: f64,
    pub mean_p: f64,
    pub share_right: f64,
    /// Mean |correct - p|.
    pub mean_error: f64,
    /// Mean (correct - p)², and what it would be were p the truth: mean p (1 - p).
    pub squared_error: f64,
    pub squared_error_expected: f64,
    /// Calibration error within the part.
    pub ece: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpreadCheck {
    pub kind: &'static str,
    pub mean_spread: f64,
    /// Correlation of the spread with (correct - p)² - p (1 - p), which averages 0 where p is the truth: above 0, the spread knows
    /// something about errors that p does not.
    pub correlation_with_excess_error: Option<f64>,
    pub by_spread: Vec<Part>,
    /// Of the answers in cells (fifth of the spread × bin of p, at least 100 answers): the share in cells whose share right lies
    /// within one and two mean spreads of their mean p. Were the spread a standard error, 0.68 and 0.95 or more.
    pub coverage_1: Option<f64>,
    pub coverage_2: Option<f64>,
    /// The same, were every p the exact truth: sampling alone keeps cells of this size off their mean p.
    pub coverage_1_if_true: Option<f64>,
    pub coverage_2_if_true: Option<f64>,
    pub cells: usize,
    pub answers_in_cells: usize,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    count: usize,
    p: f64,
    right: f64,
    spread: f64,
    /// Summed p (1 - p).
    variance: f64,
}

impl Cell {
    fn note(&mut self, scored: &Scored) {
        let p = f64::from(scored.p);
        self.count += 1;
        self.p += p;
        self.right += f64::from(u8::from(scored.correct));
        self.spread += f64::from(scored.spread);
        self.variance += p * (1.0 - p);
    }

    fn covered(&self, spreads: f64) -> bool {
        (self.p - self.right).abs() <= spreads * self.spread
    }

    /// Chance of `covered` were the p true (normal approximation).
    fn covered_if_true(&self, spreads: f64) -> f64 {
        erf(spreads * self.spread / (2.0 * self.variance).sqrt().max(1e-12))
    }
}

/// Within 2e-7 (Abramowitz and Stegun, 7.1.26), for x >= 0.
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial = ((((1.061_405_429 * t - 1.453_152_027) * t + 1.421_413_741) * t - 0.284_496_736) * t + 0.254_829_592) * t;
    1.0 - polynomial * (-x * x).exp()
}

/// `None` when no answer has a spread (fewer than two members).
pub fn check(scored: &[Scored]) -> Option<SpreadCheck> {
    if scored.iter().all(|scored| scored.spread == 0.0) {
        return None;
    }
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| a.spread.total_cmp(&b.spread));
    let (mut by_spread, mut cells) = (Vec::new(), Vec::new());
    for part in order.chunks(scored.len().div_ceil(PARTS)) {
        let mut bins = [Cell::default(); BINS];
        let mut whole = Cell::default();
        let (mut error, mut square) = (0.0, 0.0);
        for scored in part {
            bins[bin_of(scored.p)].note(scored);
            whole.note(scored);
            let miss = f64::from(u8::from(scored.correct)) - f64::from(scored.p);
            error += miss.abs();
            square += miss * miss;
        }
        let count = part.len() as f64;
        by_spread.push(Part {
            count: part.len(),
            mean_spread: whole.spread / count,
            mean_p: whole.p / count,
            share_right: whole.right / count,
            mean_error: error / count,
            squared_error: square / count,
            squared_error_expected: whole.variance / count,
            ece: bins.iter().map(|cell| (cell.p - cell.right).abs()).sum::<f64>() / count,
        });
        cells.extend(bins.into_iter().filter(|cell| cell.count >= FEWEST));
    }
    let answers_in_cells: usize = cells.iter().map(|cell| cell.count).sum();
    let share = |value: &dyn Fn(&Cell) -> f64| {
        (answers_in_cells > 0).then(|| cells.iter().map(|cell| cell.count as f64 * value(cell)).sum::<f64>() / answers_in_cells as f64)
    };
    Some(SpreadCheck {
        kind: "spread over members",
        mean_spread: scored.iter().map(|scored| f64::from(scored.spread)).sum::<f64>() / scored.len() as f64,
        correlation_with_excess_error: correlation(scored),
        by_spread,
        coverage_1: share(&|cell| f64::from(u8::from(cell.covered(1.0)))),
        coverage_2: share(&|cell| f64::from(u8::from(cell.covered(2.0)))),
        coverage_1_if_true: share(&|cell| cell.covered_if_true(1.0)),
        coverage_2_if_true: share(&|cell| cell.covered_if_true(2.0)),
        cells: cells.len(),
        answers_in_cells,
    })
}

fn correlation(scored: &[Scored]) -> Option<f64> {
    let pair = |scored: &Scored| {
        let (p, y) = (f64::from(scored.p), f64::from(u8::from(scored.correct)));
        (f64::from(scored.spread), (y - p).powi(2) - p * (1.0 - p))
    };
    let count = scored.len() as f64;
    let (x_sum, y_sum) = scored.iter().map(pair).fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (mut both, mut x_square, mut y_square) = (0.0, 0.0, 0.0);
    for (x, y) in scored.iter().map(pair) {
        both += (x - x_mean) * (y - y_mean);
        x_square += (x - x_mean).powi(2);
        y_square += (y - y_mean).powi(2);
    }
    (x_square > 0.0 && y_square > 0.0).then(|| both / (x_square * y_square).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::random::Stream;

    /// p is the truth; the members' spread is about `spread`.
    fn answers(spread: f32) -> Vec<Scored> {
        let mut chance = Stream::new(2, "spread", b"");
        let answer = |n: u32| {
            let p = 0.2 + 0.6 * (n % 12) as f32 / 12.0;
            Scored { learner: 0, position: n, item: 0, p, spread: spread * (0.9 + 0.2 * chance.unit()), correct: chance.unit() < p }
        };
        (0..60_000).map(answer).collect()
    }

    #[test]
    fn honest_p_is_covered_as_often_as_sampling_allows() {
        let check = check(&answers(0.02)).unwrap();
        let (found, expected) = (check.coverage_1.unwrap(), check.coverage_1_if_true.unwrap());
        assert!((found - expected).abs() < 0.2, "{found} {expected}");
        assert_eq!(check.by_spread.iter().map(|part| part.count).sum::<usize>(), 60_000);
        assert!(check.by_spread.windows(2).all(|two| two[0].mean_spread < two[1].mean_spread));
    }

    #[test]
    fn a_small_spread_beside_a_large_error_is_shown_not_to_cover() {
        let mut scored = answers(0.01);
        scored.iter_mut().for_each(|scored| scored.p -= 0.1);
        let check = check(&scored).unwrap();
        assert!(check.coverage_2.unwrap() < 0.05 && check.coverage_2_if_true.unwrap() > 0.5);
    }

    #[test]
    fn a_spread_that_knows_where_errors_are_correlates_with_them() {
        let (mut sure, mut unsure) = (answers(0.01), answers(0.1));
        // Where members disagree, the truth is a coin; they say 0.9.
        unsure.iter_mut().for_each(|scored| scored.p = 0.9);
        sure.append(&mut unsure);
        assert!(check(&sure).unwrap().correlation_with_excess_error.unwrap() > 0.2);
        sure.iter_mut().for_each(|scored| scored.spread = 0.0);
        assert!(check(&sure).is_none());
    }

    #[test]
    fn the_error_function_is_the_known_one() {
        for (x, y) in [(0.0, 0.0), (0.5, 0.520_499_878), (1.0, 0.842_700_793), (2.0, 0.995_322_265)] {
            assert!((erf(x) - y).abs() < 1e-6);
        }
    }
}
