//! Half-life regression (Settles and Meeder, ACL 2016), the peer for recall: `p = 2^(-delay / h)`, `h = 2^(theta . x)`, with
//! `x = [1, sqrt(right), sqrt(wrong)]` and a bias a skill. Fitted by gradient descent on the log loss it is judged by, which suits
//! it better than the squared error of the paper; `p` and `h` are kept in the paper's bounds.
//!
//! Its chance runs from 1 at once to 0 in the end, which suits words but not exercises that can be guessed and slipped on. So there
//! is a second shape that has both, fitted with the rest: `p = guess + (1 - guess - slip) 2^(-delay / h)`.

use std::f64::consts::LN_2;

use ndarray::{Array1, Array2, Axis, s};

use crate::domain::{Event, Micros};

/// Numbers before the skills' biases.
const COUNTS: usize = 3;
const P_BOUNDS: (f64, f64) = (0.0001, 0.9999);
/// A quarter of an hour and nine months, in days.
const H_BOUNDS: (f64, f64) = (15.0 / 1440.0, 274.0);

/// What a learner had done on a skill before an answer, and how long before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Review {
    pub skill: usize,
    pub right: u32,
    pub wrong: u32,
    pub delay_days: f64,
}

/// A learner's answers so far, by skill.
#[derive(Debug, Clone)]
pub struct Practice(Vec<(u32, u32, Option<Micros>)>);

impl Practice {
    pub fn new(skills: usize) -> Self {
        Self(vec![(0, 0, None); skills])
    }

    /// Takes an answer in; other events are no practice.
    pub fn note(&mut self, event: &Event, skills: &[usize]) {
        let (true, Some(correct)) = (event.is_answer(), event.correct) else { return };
        for &skill in skills {
            let (right, wrong, last) = &mut self.0[skill];
            *(if correct { right } else { wrong }) += 1;
            *last = Some(event.occurred_at);
        }
    }

    /// A look back at a skill, `at` a moment; `None` while it was never answered.
    pub fn review(&self, skill: usize, at: Micros) -> Option<Review> {
        let (right, wrong, last) = self.0[skill];
        last.map(|last| Review { skill, right, wrong, delay_days: (at.0 - last.0) as f64 / Micros::DAY as f64 })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Paper,
    /// With a guess and a slip.
    Guessing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HalfLife {
    shape: Shape,
    /// Of the counts, of the skills, and the log odds of a guess and of a slip.
    theta: Array1<f64>,
}

const STEPS: usize = 800;
/// Ridge penalty on all weights but those of the constant, the guess and the slip, against the mean loss.
const RIDGE: f64 = 1e-5;

impl HalfLife {
    /// Fits on review answers.
    pub fn fit(shape: Shape, reviews: &[(Review, bool)], skills: usize) -> Self {
        let mut x = Array2::zeros((reviews.len(), COUNTS + skills)); // [reviews, features]
        for (mut row, (review, _)) in x.axis_iter_mut(Axis(0)).zip(reviews) {
            let [one, right, wrong] = counts(review);
            (row[0], row[1], row[2], row[COUNTS + review.skill]) = (one, right, wrong, 1.0);
        }
        let delays: Array1<f64> = reviews.iter().map(|(review, _)| review.delay_days).collect();
        let correct: Array1<f64> = reviews.iter().map(|(_, correct)| f64::from(u8::from(*correct))).collect();
        let mut theta = Array1::zeros(COUNTS + skills + 2);
        // A tenth each, to begin with.
        theta.slice_mut(s![-2..]).fill(-9f64.ln());
        let mut model = Self { shape, theta };
        // Adam on all reviews at once: no order, no chance. The rate falls to nothing, so that the last steps settle.
        let (mut mean, mut square) = (Array1::zeros(model.theta.len()), Array1::zeros(model.theta.len()));
        for step in 1..=STEPS {
            let gradient = model.gradient(&x, &delays, &correct);
            mean = &mean * 0.9 + &gradient * 0.1;
            square = &square * 0.999 + gradient.mapv(|value| value * value) * 0.001;
            let rate = 0.05 * (1.0 - step as f64 / (STEPS + 1) as f64);
            let (warm_mean, warm_square) = (1.0 - 0.9f64.powi(step as i32), 1.0 - 0.999f64.powi(step as i32));
            model.theta -= &(&mean / warm_mean * rate / ((&square / warm_square).mapv(f64::sqrt) + 1e-8));
        }
        model
    }

    /// Chance of a right answer.
    pub fn recall(&self, review: &Review) -> f64 {
        let of_counts: f64 = counts(review).iter().zip(&self.theta).map(|(value, weight)| value * weight).sum();
        self.recalled(of_counts + self.theta[COUNTS + review.skill], review.delay_days).p
    }

    fn recalled(&self, log_half_life: f64, delay_days: f64) -> Recalled {
        let h = log_half_life.exp2().clamp(H_BOUNDS.0, H_BOUNDS.1);
        let kept = (-delay_days / h).exp2();
        let (guess, slip) = self.guess_and_slip();
        Recalled { p: (guess + (1.0 - guess - slip) * kept).clamp(P_BOUNDS.0, P_BOUNDS.1), kept, half_lives: delay_days / h }
    }

    fn guess_and_slip(&self) -> (f64, f64) {
        let chance = |place: usize| 1.0 / (1.0 + (-self.theta[place]).exp());
        match self.shape {
            Shape::Paper => (0.0, 0.0),
            Shape::Guessing => (chance(self.theta.len() - 2), chance(self.theta.len() - 1)),
        }
    }

    /// Of the mean log loss and the ridge penalty. With `q = 2^(-delay / h)` and `z = log2 h`: `dloss/dp = (p - y) / (p (1 - p))`,
    /// `dq/dz = ln(2)^2 q delay / h`, and p is linear in q, the guess and the slip. As in the paper's program, the bounds are left
    /// out of it.
    fn gradient(&self, x: &Array2<f64>, delays: &Array1<f64>, correct: &Array1<f64>) -> Array1<f64> {
        let features = x.ncols();
        let mut slope = x.dot(&self.theta.slice(s![..features])); // [reviews]
        let (guess, slip) = self.guess_and_slip();
        let (mut on_guess, mut on_slip) = (0.0, 0.0);
        for ((z, delay), y) in slope.iter_mut().zip(delays).zip(correct) {
            let Recalled { p, kept, half_lives } = self.recalled(*z, *delay);
            let on_p = (p - y) / (p * (1.0 - p));
            *z = on_p * (1.0 - guess - slip) * LN_2 * LN_2 * kept * half_lives;
            on_guess += on_p * (1.0 - kept) * guess * (1.0 - guess);
            on_slip -= on_p * kept * slip * (1.0 - slip);
        }
        let mut gradient = Array1::zeros(self.theta.len());
        let mut of_features = gradient.slice_mut(s![..features]);
        of_features.assign(&x.t().dot(&slope));
        (gradient[features], gradient[features + 1]) = (on_guess, on_slip);
        gradient /= delays.len().max(1) as f64;
        gradient.iter_mut().zip(&self.theta).take(features).skip(1).for_each(|(slope, weight)| *slope += 2.0 * RIDGE * weight);
        gradient
    }
}

fn counts(review: &Review) -> [f64; COUNTS] {
    [1.0, f64::from(review.right).sqrt(), f64::from(review.wrong).sqrt()]
}

struct Recalled {
    p: f64,
    /// `2^(-delay / h)`.
    kept: f64,
    half_lives: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::chance::Chance;

    /// Reviews answered by a half-life regression.
    fn reviews(truth: &HalfLife, many: usize) -> Vec<(Review, bool)> {
        let mut chance = Chance::of(5, "reviews", 0);
        let mut draw = || {
            let (skill, right, wrong) = (chance.below(2), chance.below(9) as u32, chance.below(5) as u32);
            let review = Review { skill, right, wrong, delay_days: chance.within(0.5, 20.0) };
            (review, chance.happens(truth.recall(&review)))
        };
        (0..many).map(|_| draw()).collect()
    }

    #[test]
    fn the_slope_agrees_with_differences() {
        let x = Array2::from_shape_vec((2, 5), vec![1.0, 1.4, 1.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0]).unwrap();
        let (delays, correct) = (Array1::from(vec![3.0, 1.0]), Array1::from(vec![0.0, 1.0]));
        let loss = |model: &HalfLife| {
            let z = x.dot(&model.theta.slice(s![..5]));
            let of = |row: usize| {
                let p = model.recalled(z[row], delays[row]).p;
                -(correct[row] * p.ln() + (1.0 - correct[row]) * (1.0 - p).ln())
            };
            (of(0) + of(1)) / 2.0 + RIDGE * model.theta.iter().skip(1).take(4).map(|weight| weight * weight).sum::<f64>()
        };
        for shape in [Shape::Paper, Shape::Guessing] {
            let model = HalfLife { shape, theta: Array1::from(vec![1.0, 0.7, -0.3, 0.4, -0.4, -2.0, -3.0]) };
            let slope = model.gradient(&x, &delays, &correct);
            for place in 0..7 {
                let moved = |by: f64| {
                    let mut moved = model.clone();
                    moved.theta[place] += by;
                    loss(&moved)
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope[place] - difference).abs() < 1e-7, "{shape:?}, {place}: {} {difference}", slope[place]);
            }
        }
    }

    #[test]
    fn a_half_life_is_found_again() {
        for shape in [Shape::Paper, Shape::Guessing] {
            let truth = HalfLife { shape, theta: Array1::from(vec![1.5, 0.6, -0.5, 0.6, -0.6, -1.4, -2.2]) };
            let found = HalfLife::fit(shape, &reviews(&truth, 6_000), 2);
            for (review, _) in reviews(&truth, 40) {
                assert!((found.recall(&review) - truth.recall(&review)).abs() < 0.08, "{review:?}: {found:?}");
            }
            assert!(found.theta[1] > 0.3 && found.theta[2] < -0.2, "{found:?}");
        }
    }
}
