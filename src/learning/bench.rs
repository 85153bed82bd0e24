//! What training costs on this machine, beside what its matrix products could do at best.

use std::time::Instant;

use super::math::product_plain;
use super::network::operations_per_answer;
use super::sample::Class;
use super::train::{Silent, TrainError, train_member};
use super::{TrainingConfig, dataset::Dataset};

/// How operations are counted, for whoever reads the figure.
pub const COUNTING: &str = "2 x multiply-adds of the products each answer needs, forward and twice backward: 6 x (2 (I d + 2 d^2) + (2 d + F) h + h), \
                            h = 2 d; products made once a skill set or an item, and all that is no product, count nothing";

/// One training, measured.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct TrainingSpeed {
    /// Answers of the log.
    pub answers: usize,
    /// Shards trained, one after the other, on one thread.
    pub shards: usize,
    pub seconds: f64,
    /// Answers trained on (each epoch counts) per second, on one thread.
    pub events_per_second: f64,
    /// Operations in the network's own products per second, in 10⁹: see [`COUNTING`].
    pub gflops: f64,
}

/// Answers of each learner, as in assist2009.
const ANSWERS: usize = 90;

/// A shard of a good size: about what `parcours bench train` and the criterion bench train on.
pub fn shard(learners: usize) -> Dataset {
    shard_number(learners, 0)
}

fn shard_number(learners: usize, number: u64) -> Dataset {
    Class { learners, answers: ANSWERS, items: 2_000, skills: 100 }.dataset(2026 + number)
}

/// Trains a log of about `answers`, in shards of at most `largest_shard`, each made, trained and dropped before the next: what is in
/// memory is a shard, however long the log.
///
/// # Errors
/// As [`train_member`].
pub fn training_speed(answers: usize, largest_shard: usize, config: &TrainingConfig) -> Result<TrainingSpeed, TrainError> {
    let shards = answers.div_ceil(largest_shard.max(1)).max(1);
    let learners = (answers / shards / ANSWERS).max(1);
    let (mut seconds, mut steps, mut total) = (0.0, 0, 0);
    for number in 0..shards {
        let dataset = shard_number(learners, number as u64);
        total += dataset.answers();
        let started = Instant::now();
        steps += train_member(&dataset, config, number as u64, &Silent)?.report.steps;
        seconds += started.elapsed().as_secs_f64();
    }
    let events_per_second = steps as f64 / seconds;
    let gflops = events_per_second * operations_per_answer(config.width) as f64 / 1e9;
    Ok(TrainingSpeed { answers: total, shards, seconds, events_per_second, gflops })
}

/// What a product of two 512 x 512 matrices reaches on one thread, the best of several runs, in 10⁹ operations a second.
pub fn gemm_peak() -> f64 {
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
