//! Chance as an argument: ChaCha streams named by what they are for, so that one use never shifts another.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::hash::Hasher;

/// A stream of its own for (seed, purpose, name).
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn new(seed: u64, purpose: &str, name: &[u8]) -> Self {
        let digest = Hasher::new("parcours 2026 training stream").number(seed).part(purpose.as_bytes()).part(name).finish();
        Self(ChaCha8Rng::from_seed(digest.0))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// `count` numbers, uniform in ±`bound`.
    pub fn around_zero(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| (2.0 * self.unit() - 1.0) * bound).collect()
    }

    /// Zero with probability `rate`, else 1 / (1 - rate).
    pub fn dropout_mask(&mut self, count: usize, rate: f32) -> Vec<f32> {
        let kept = 1.0 / (1.0 - rate);
        (0..count).map(|_| if self.unit() < rate { 0.0 } else { kept }).collect()
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, (self.0.next_u64() % (i as u64 + 1)) as usize);
        }
    }
}
