//! Seeded chance. Each part of a simulation has a stream of its own, so that more learners leave the first ones as they are.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::hash::Hasher;

pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of one part, e.g. `("learner", 17)`, of a simulation.
    pub fn of(seed: u64, part: &str, number: u64) -> Self {
        let key = Hasher::new("parcours 2026 simulation").number(seed).part(part.as_bytes()).number(number).finish();
        Self(ChaCha8Rng::from_seed(key.0))
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// In `0..n`; 0 for an `n` of 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal, as a sum of twelve: near enough, and the same on every machine's libm.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, part, number| Chance::of(seed, part, number).unit();
        assert_eq!(draw(1, "a", 1), draw(1, "a", 1));
        assert!(draw(1, "a", 1) != draw(1, "a", 2) && draw(1, "a", 1) != draw(1, "b", 1) && draw(1, "a", 1) != draw(2, "a", 1));
        let mut chance = Chance::of(1, "normal", 0);
        let values: Vec<f64> = (0..4_000).map(|_| chance.normal()).collect();
        let mean = values.iter().sum::<f64>() / 4_000.0;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 4_000.0;
        assert!(mean.abs() < 0.06 && (variance - 1.0).abs() < 0.1, "{mean} {variance}");
    }
}
