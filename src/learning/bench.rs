//! What training costs on this machine, beside what its matrix products could do at best.

use std::time::Instant;

use super::math::product_plain;
use super::network::operations_per_answer;
use super::sample::Class;
use super::train::{Silent, TrainError, train_member};
use super::{TrainingConfig, dataset::Dataset};

/// One training, measured.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct TrainingSpeed {
    /// Answers trained on (each epoch counts) per second, on one thread.
    pub events_per_second: f64,
    /// Operations in the network's own products per second, in 10⁹.
    pub gflops: f64,
    /// What a product of two 512 x 512 matrices reaches on the same thread.
    pub gemm_peak_gflops: f64,
}

/// A shard of a good size: about what `parcours bench train` and the criterion bench train on.
pub fn shard(learners: usize) -> Dataset {
    Class { learners, answers: 90, items: 2_000, skills: 100 }.dataset(2026)
}

/// # Errors
/// As [`train_member`].
pub fn training_speed(dataset: &Dataset, config: &TrainingConfig) -> Result<TrainingSpeed, TrainError> {
    let started = Instant::now();
    let member = train_member(dataset, config, 1, &Silent)?;
    let rate = member.report.steps as f64 / started.elapsed().as_secs_f64();
    Ok(TrainingSpeed {
        events_per_second: rate,
        gflops: rate * operations_per_answer(config.width) as f64 / 1e9,
        gemm_peak_gflops: gemm_peak(),
    })
}

/// The best of several runs, in 10⁹ operations a second.
fn gemm_peak() -> f64 {
    const N: usize = 512;
    let (a, b) = (vec![0.5f32; N * N], vec![0.25f32; N * N]);
    let mut c = vec![0.0; N * N];
    let run = |c: &mut Vec<f32>| {
        let started = Instant::now();
        product_plain(N, N, N, &a, &b, c, false);
        (2 * N * N * N) as f64 / started.elapsed().as_secs_f64() / 1e9
    };
    (0..20).map(|_| run(&mut c)).fold(0.0, f64::max)
}
