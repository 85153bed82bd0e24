//! Writes recommendations down in batches, so that one costs no disk flush of its own.
//!
//! Rows wait at most [`PAUSE`]; a full queue makes askers wait rather than lose rows. Rows of learners erased meanwhile are
//! dropped by the insert itself. A crash loses the last few rows: they are a log of answers, not the learner's data.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::store::{self, Store, recommendations::RecommendationRow};

/// Longest wait of a row before it is written.
const PAUSE: Duration = Duration::from_millis(50);
/// Rows that may wait.
const QUEUE: usize = 4096;
/// Rows in one transaction.
const BATCH: usize = 256;
/// Tries before a batch is given up.
const TRIES: u32 = 5;

enum Message {
    Row(Box<RecommendationRow>),
    /// Answered once all before it is written.
    Flush(oneshot::Sender<()>),
}

/// Cheap to clone; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct Recorder(mpsc::Sender<Message>);

impl Recorder {
    /// Starts the background writer on the current runtime.
    pub fn start(store: Store) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(store, receiver));
        Self(sender)
    }

    pub async fn record(&self, row: RecommendationRow) {
        if self.0.send(Message::Row(Box::new(row))).await.is_err() {
            tracing::error!("the recorder is gone: a recommendation was not written down");
        }
    }

    /// Returns when all that was recorded before is written: before feedback on it, or before a learner's export.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.0.send(Message::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }

    /// As `flush`; the last thing before the database closes.
    pub async fn close(&self) {
        self.flush().await;
    }
}

async fn write(store: Store, mut messages: mpsc::Receiver<Message>) {
    let mut rows: Vec<RecommendationRow> = Vec::new();
    let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
    loop {
        // Nothing waits: sleep until something comes. Then gather for a moment.
        match messages.recv().await {
            Some(Message::Row(row)) => rows.push(*row),
            Some(Message::Flush(done)) => waiting.push(done),
            None => return,
        }
        let deadline = tokio::time::Instant::now() + PAUSE;
        while waiting.is_empty() && rows.len() < BATCH {
            match tokio::time::timeout_at(deadline, messages.recv()).await {
                Ok(Some(Message::Row(row))) => rows.push(*row),
                Ok(Some(Message::Flush(done))) => waiting.push(done),
                Ok(None) | Err(_) => break,
            }
        }
        if !rows.is_empty() {
            insert(&store, &rows).await;
            rows.clear();
        }
        for done in waiting.drain(..) {
            // Whoever asked may have gone: nothing to tell them.
            let _ = done.send(());
        }
    }
}

/// Tries a few times: a busy database is no reason to lose rows.
async fn insert(store: &Store, rows: &[RecommendationRow]) {
    for attempt in 1..=TRIES {
        let result: store::Result<()> = async {
            let mut tx = store.write().await?;
            store::recommendations::insert(&mut tx, rows).await?;
            tx.commit().await
        }
        .await;
        match result {
            Ok(()) => return,
            Err(error) if attempt == TRIES => tracing::error!(%error, rows = rows.len(), "recommendations were not written down"),
            Err(_) => tokio::time::sleep(PAUSE * attempt).await,
        }
    }
}
