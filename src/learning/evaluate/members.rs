//! The ensemble under evaluation: one member a shard, trained side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::learning::train::{Progress, TrainError, TrainedMember, train_member};
use crate::learning::{TrainingConfig, dataset::Dataset};

/// Runs `work` on `0..jobs` over some threads; results in order.
pub fn side_by_side<T: Send>(jobs: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(jobs));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    let result = work(job);
                    done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((job, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The mean of the members' fractions, told as one.
struct Shared<'a> {
    fractions: Mutex<Vec<f64>>,
    listener: &'a dyn Progress,
}

struct Part<'a> {
    shared: &'a Shared<'a>,
    place: usize,
}

impl Progress for Part<'_> {
    fn report(&self, fraction: f64, message: &str) -> bool {
        let mut fractions = self.shared.fractions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        fractions[self.place] = fraction;
        let (sum, count) = (fractions.iter().sum::<f64>(), fractions.len());
        drop(fractions);
        self.shared.listener.report(sum / count as f64, &format!("member {} of {count}: {message}", self.place + 1))
    }
}

/// Trains one member a shard, `threads` shards side by side, each on one thread. `None`: too little data for a member.
///
/// # Errors
/// A member diverged, or `progress` said stop.
pub fn train_members(
    shards: &[(u64, Dataset)],
    config: &TrainingConfig,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Vec<Option<TrainedMember>>, TrainError> {
    let shared = Shared { fractions: Mutex::new(vec![0.0; shards.len()]), listener: progress };
    let train = |place: usize| {
        let (seed, dataset) = &shards[place];
        match train_member(dataset, config, *seed, &Part { shared: &shared, place }) {
            Ok(member) => Ok(Some(member)),
            Err(TrainError::TooLittleData { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    };
    side_by_side(shards.len(), threads, train).into_iter().collect()
}
