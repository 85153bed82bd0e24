//! Chance as an argument: ChaCha streams named by what they are for, so that one use never shifts another.

use multiversion::multiversion;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::hash::Hasher;

/// Steps between 0 and 1: as fine as a single-precision number has them.
const UNITS: f32 = (1 << 24) as f32;

/// Zero where the number drawn is below a bound.
#[multiversion(targets("x86_64+avx2"))]
fn blank(mask: &mut [f32], drawn: &[u8], below: u32) {
    let (drawn, _) = drawn.as_chunks::<4>();
    for (mask, drawn) in mask.iter_mut().zip(drawn) {
        *mask = if u32::from_le_bytes(*drawn) >> 8 < below { 0.0 } else { *mask };
    }
}

/// A stream of its own for (seed, purpose, name).
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn new(seed: u64, purpose: &str, name: &[u8]) -> Self {
        let digest = Hasher::new("parcours 2026 training stream").number(seed).part(purpose.as_bytes()).part(name).finish();
        Self(ChaCha8Rng::from_seed(digest.0))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / UNITS
    }

    /// `count` numbers, uniform in ±`bound`.
    pub fn around_zero(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| (2.0 * self.unit() - 1.0) * bound).collect()
    }

    /// Zero with probability `rate`, else 1 / (1 - rate): as `unit() < rate` would draw it, many at a time.
    pub fn dropout_mask(&mut self, count: usize, rate: f32) -> Vec<f32> {
        let dropped_below = (rate * UNITS).ceil() as u32;
        let mut mask = vec![1.0 / (1.0 - rate); count];
        let mut drawn = [0u8; 4 * 256];
        for stretch in mask.chunks_mut(256) {
            let drawn = &mut drawn[..4 * stretch.len()];
            self.0.fill_bytes(drawn);
            blank(stretch, drawn, dropped_below);
        }
        mask
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, (self.0.next_u64() % (i as u64 + 1)) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_what_its_numbers_drawn_one_by_one_would_make_it() {
        for rate in [0.0, 0.1, 0.2, 1.0 / 3.0, 0.5] {
            let mask = Stream::new(7, "mask", b"").dropout_mask(1_000, rate);
            let mut stream = Stream::new(7, "mask", b"");
            assert!(mask.iter().all(|kept| (*kept == 0.0) == (stream.unit() < rate)), "at {rate}");
        }
    }
}
