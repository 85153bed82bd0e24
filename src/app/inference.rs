//! Where the model runs: blocking threads, as many at once as there are cores, behind a bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::AppError;

/// Cheap to clone.
#[derive(Clone)]
pub struct Inference {
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    limit: usize,
}

/// Counts a waiting computation for as long as it lives.
struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inference {
    /// At most `limit` computations running or waiting; more are refused.
    pub fn new(limit: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)), waiting: Arc::default(), limit }
    }

    /// Runs `work` on a blocking thread.
    ///
    /// # Errors
    /// `Busy` when the queue is full, `Failed` when `work` panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _ticket = Ticket(self.waiting.clone());
        if waiting >= self.limit {
            return Err(AppError::Busy);
        }
        let permit = self.cores.clone().acquire_owned().await.map_err(|_| AppError::Failed)?;
        // The permit goes along: a caller who gives up does not free a core that is still computing.
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.map_err(|_| AppError::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_panic_is_contained() {
        let inference = Inference::new(1);
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let slow = tokio::spawn({
            let inference = inference.clone();
            async move { inference.run(move || gate.recv().is_ok()).await }
        });
        while inference.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(inference.run(|| ()).await, Err(AppError::Busy)));
        release.send(()).unwrap();
        assert!(slow.await.unwrap().unwrap());
        assert!(matches!(inference.run(|| panic!("on purpose")).await, Err::<(), _>(AppError::Failed)));
        assert_eq!(inference.run(|| 7).await.unwrap(), 7);
    }
}
