//! A whole log into the database: its catalogue merged, its answers through the same check and the same writing as any
//! event. Loading it again changes nothing, because an answer's event id follows from the log alone.
//! Native events, one a line, come the same way as over HTTP, piece by piece.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::NativeEvent;
use super::batch::Batch;
use super::catalog::{self, CatalogReport, Update};
use super::formats::{Log, LoggedAnswer};
use super::write::{self, IngestError, IngestReport, ingest};
use crate::config::IngestConfig;
use crate::domain::{EventKind, Micros, TenantId, Verdict};
use crate::privacy::Secrets;
use crate::store::{self, Store};

/// Events in one unit of work: long enough to be fast, short enough that others get their turn.
const CHUNK: usize = 10_000;

/// What came of a load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReport {
    pub learners: usize,
    pub events: usize,
    pub accepted: usize,
    pub duplicates: usize,
    pub conflicts: usize,
    pub quarantined: usize,
    /// How many events were quarantined, by reason.
    pub reasons: std::collections::BTreeMap<String, usize>,
    pub catalog: CatalogReport,
}

impl LoadReport {
    fn add(&mut self, report: &IngestReport) {
        self.events += report.events.len();
        self.accepted += report.accepted;
        self.duplicates += report.duplicates;
        self.conflicts += report.conflicts;
        self.quarantined += report.quarantined;
        for event in &report.events {
            if let Verdict::Quarantined { reason, .. } = &event.verdict {
                *self.reasons.entry(reason.clone()).or_default() += 1;
            }
        }
    }
}

/// Loads the log for `tenant`, which is made if it is not there. `progress` is told the number of events done so far.
///
/// # Errors
/// The database cannot be written. What was done before stays; loading again goes on from there.
pub async fn load(
    store: &Store,
    secrets: &Secrets,
    config: &IngestConfig,
    now: Micros,
    tenant: &TenantId,
    log: &Log,
    mut progress: impl FnMut(usize),
) -> Result<LoadReport, IngestError> {
    let mut tx = store.write().await?;
    store::tenants::ensure(&mut tx, tenant, now).await?;
    tx.commit().await?;
    let mut report = LoadReport { learners: log.learners.len(), ..LoadReport::default() };
    report.catalog = catalog::apply(store, tenant, &Update::of_log(&log.catalog)).await?;

    let size = CHUNK.min(config.max_batch).max(1);
    let mut chunk: Vec<NativeEvent> = Vec::with_capacity(size);
    for learner in &log.learners {
        for answer in &learner.answers {
            chunk.push(event(&learner.id, answer));
            if chunk.len() == size {
                flush(store, secrets, config, now, tenant, &mut chunk, &mut report).await?;
                progress(report.events);
            }
        }
    }
    flush(store, secrets, config, now, tenant, &mut chunk, &mut report).await?;
    progress(report.events);
    Ok(report)
}

/// Why native events could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the events cannot be read")]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

/// Loads native events, one a line, adding to `report`. `progress` is told the number of events done so far.
///
/// # Errors
/// The lines cannot be read, or the database cannot be written. What was done before stays; loading again goes on from there.
#[expect(clippy::too_many_arguments, reason = "the handles of a request, a source and who is told")]
pub async fn load_lines(
    store: &Store,
    secrets: &Secrets,
    config: &IngestConfig,
    now: Micros,
    tenant: &TenantId,
    mut lines: impl BufRead,
    report: &mut LoadReport,
    mut progress: impl FnMut(usize),
) -> Result<(), LoadError> {
    let size = CHUNK.min(config.max_batch).max(1);
    loop {
        let mut chunk = Vec::new();
        let mut count = 0;
        while count < size && lines.read_until(b'\n', &mut chunk)? > 0 {
            count += 1;
        }
        if chunk.trim_ascii().is_empty() {
            if count == 0 {
                return Ok(());
            }
            continue;
        }
        report.add(&ingest(store, secrets, config, now, tenant, chunk).await?);
        progress(report.events);
    }
}

async fn flush(
    store: &Store,
    secrets: &Secrets,
    config: &IngestConfig,
    now: Micros,
    tenant: &TenantId,
    chunk: &mut Vec<NativeEvent>,
    report: &mut LoadReport,
) -> Result<(), IngestError> {
    if !chunk.is_empty() {
        let (events, config) = (std::mem::take(chunk), config.clone());
        let batch = tokio::task::spawn_blocking(move || Batch::of(events, &config, now)).await.map_err(|_| IngestError::Interrupted)??;
        report.add(&write::write(store, secrets, now, tenant, batch).await?);
    }
    Ok(())
}

fn event(learner: &str, answer: &LoggedAnswer) -> NativeEvent {
    NativeEvent {
        id: Log::event_id(learner, answer),
        learner_id: learner.to_owned(),
        item_id: answer.item.as_str().to_owned(),
        kind: EventKind::Attempt,
        occurred_at: answer.occurred_at.to_rfc3339(),
        correct: Some(answer.correct),
        score: answer.score.map(f64::from),
        max_score: None,
        response_ms: answer.response_ms,
        attempt_number: answer.attempt_number.map(i64::from),
        hints: answer.hints.map(i64::from),
        skills: None,
        progress: None,
        rating: None,
    }
}

/// The reasons in words, most frequent first, for people.
pub fn words(report: &LoadReport) -> String {
    let mut reasons: Vec<(&String, &usize)> = report.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}
