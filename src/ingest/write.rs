//! From a checked batch to stored events: one unit of work, a verdict per event.
//!
//! Learners are resolved and locked first, so that an erasure is either seen or waits. Then: known ids are compared,
//! learners touched, events inserted, counts of usable answers added, and the unusable kept in quarantine.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Reason;
use super::batch::{Batch, BatchError, Reject};
use super::frame::Finding;
use super::native::Row;
use crate::config::IngestConfig;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Event, EventKey, ItemId, Micros, Pseudonym, TenantId, Verdict};
use crate::privacy::Secrets;
use crate::privacy::identity::{Identity, lock_and_resolve};
use crate::store::counts::ItemCount;
use crate::store::events::NewEvent;
use crate::store::quarantine::QuarantinedEvent;
use crate::store::{self, Store, StoreError, Tx};

/// What became of each event, in the order they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IngestReport {
    pub accepted: usize,
    pub duplicates: usize,
    pub conflicts: usize,
    pub quarantined: usize,
    pub events: Vec<EventVerdict>,
}

/// One event's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventVerdict {
    /// Place in the request, from 0.
    pub index: usize,
    /// The event's id, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("decoding was interrupted")]
    Interrupted,
}

/// Decodes, checks and stores the events of a request's body. Acknowledged means durable.
///
/// # Errors
/// The body as a whole cannot be read, or the database cannot be written; then nothing was.
pub async fn ingest<B>(
    store: &Store,
    secrets: &Secrets,
    config: &IngestConfig,
    now: Micros,
    tenant: &TenantId,
    body: B,
) -> Result<IngestReport, IngestError>
where
    B: AsRef<[u8]> + Send + 'static,
{
    let config = Arc::new(config.clone());
    // Tens of thousands of events are too long a task for a thread that answers requests.
    let batch =
        tokio::task::spawn_blocking(move || Batch::decode(body.as_ref(), &config, now)).await.map_err(|_| IngestError::Interrupted)??;
    Ok(write(store, secrets, now, tenant, batch).await?)
}

/// Stores a checked batch.
///
/// # Errors
/// The database cannot be written; then nothing was.
pub async fn write(store: &Store, secrets: &Secrets, now: Micros, tenant: &TenantId, batch: Batch) -> Result<IngestReport, StoreError> {
    let keys: Vec<EventKey> = batch.rows.iter().map(|row| secrets.event_key(tenant, &row.id)).collect();
    let mut tx = store.write().await?;
    let identities = lock_and_resolve(&mut tx, secrets, tenant, &batch.learners).await?;

    let mut verdicts: Vec<Option<Verdict>> = vec![None; batch.events];
    let accepted = accept(&mut tx, tenant, &batch, &keys, &identities, &mut verdicts).await?;
    let mut learners: Vec<_> = accepted.iter().map(|new| (new.event.learner, new.bucket)).collect();
    learners.sort_unstable();
    learners.dedup();
    store::learners::touch(&mut tx, tenant, &learners, now).await?;
    store::events::insert(&mut tx, tenant, &accepted, now).await?;
    count(&mut tx, tenant, &accepted, &learners).await?;
    let kept = quarantine(&batch.rejects, &identities, now, &mut verdicts);
    store::quarantine::insert(&mut tx, tenant, &kept).await?;
    tx.commit().await?;
    Ok(report(batch, verdicts))
}

/// True when nothing of an event dated `occurred_at` may be kept under this identity.
fn refused(identity: &Identity, occurred_at: Option<Micros>) -> bool {
    match identity {
        Identity::Erased { .. } => true,
        Identity::Live { not_before: Some(fresh), .. } => occurred_at.is_none_or(|time| time < *fresh),
        Identity::Live { not_before: None, .. } => false,
    }
}

fn erased() -> Verdict {
    Verdict::Quarantined { reason: Reason::LearnerErased.as_str().into(), detail: Reason::LearnerErased.sentence().into() }
}

/// Gives every row that the frame let pass its verdict, and returns those to be inserted.
async fn accept(
    tx: &mut Tx,
    tenant: &TenantId,
    batch: &Batch,
    keys: &[EventKey],
    identities: &[Identity],
    verdicts: &mut [Option<Verdict>],
) -> Result<Vec<NewEvent>, StoreError> {
    let identity = |row: &Row| &identities[row.learner as usize];
    let mut open: Vec<usize> = Vec::with_capacity(batch.rows.len());
    for (position, row) in batch.rows.iter().enumerate() {
        match batch.findings[position] {
            Finding::Unusable(_) => {}
            _ if refused(identity(row), Some(row.occurred_at)) => verdicts[row.index] = Some(erased()),
            Finding::Fresh => open.push(position),
            Finding::Repeats(_) | Finding::Contradicts(_) => {}
        }
    }
    let asked: Vec<EventKey> = open.iter().map(|&position| keys[position]).collect();
    let known = store::events::known(tx, tenant, &asked).await?;
    let mut accepted = Vec::with_capacity(open.len());
    for position in open {
        let row = &batch.rows[position];
        let (learner, bucket) = (identity(row).learner(), identity(row).bucket());
        let content_hash = content_hash(&batch.digests[position], learner);
        verdicts[row.index] = Some(match known.get(&keys[position]) {
            Some(stored) if *stored == content_hash => Verdict::Duplicate,
            Some(_) => Verdict::Conflict { reason: "an event with this id is stored with other content".into() },
            None => {
                accepted.push(NewEvent { event: event(row, keys[position], learner), bucket, content_hash });
                Verdict::Accepted
            }
        });
    }
    // A repetition shares the fate of the row it repeats.
    for (position, row) in batch.rows.iter().enumerate().filter(|(_, row)| verdicts[row.index].is_none()).collect::<Vec<_>>() {
        verdicts[row.index] = match batch.findings[position] {
            Finding::Repeats(first) => match &verdicts[batch.rows[first].index] {
                Some(Verdict::Accepted) | None => Some(Verdict::Duplicate),
                other => other.clone(),
            },
            Finding::Contradicts(_) => {
                Some(Verdict::Conflict { reason: "this id comes twice in the batch, with different content".into() })
            }
            Finding::Fresh | Finding::Unusable(_) => None,
        };
    }
    Ok(accepted)
}

fn content_hash(digest: &Digest, learner: Pseudonym) -> Digest {
    Hasher::new("parcours 2026 event content of a learner").part(&digest.0).part(learner.as_bytes()).finish()
}

fn event(row: &Row, key: EventKey, learner: Pseudonym) -> Event {
    // The frame has seen to it that these fit.
    let small = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
    Event {
        key,
        learner,
        item: row.item.clone(),
        kind: row.kind,
        occurred_at: row.occurred_at,
        score: row.graded(),
        correct: row.is_correct(),
        response_ms: row.response_ms,
        attempt_number: small(row.attempt_number),
        hints: small(row.hints),
        skill_hints: row.skills.clone(),
    }
}

/// Adds the usable answers among the accepted events to the counts: learner personalised, event outside every opt-out.
async fn count(
    tx: &mut Tx,
    tenant: &TenantId,
    accepted: &[NewEvent],
    learners: &[(Pseudonym, crate::domain::Bucket)],
) -> Result<(), StoreError> {
    let learners: Vec<Pseudonym> = learners.iter().map(|(learner, _)| *learner).collect();
    let limits: HashMap<Pseudonym, _> = store::limits::of(tx, tenant, &learners).await?;
    let mut sums: BTreeMap<&ItemId, (i64, i64)> = BTreeMap::new();
    for NewEvent { event, .. } in accepted {
        if event.is_answer() && limits.get(&event.learner).is_none_or(|limits| limits.allow(event.occurred_at)) {
            let sum = sums.entry(&event.item).or_default();
            sum.0 += 1;
            sum.1 += i64::from(event.correct == Some(true));
        }
    }
    let deltas: Vec<ItemCount> =
        sums.into_iter().map(|(item, (attempts, correct))| ItemCount { item: item.clone(), attempts, correct }).collect();
    store::counts::add(tx, tenant, &deltas).await
}

/// Verdicts of the unusable events, and what is kept of them: nothing of a learner who was erased.
fn quarantine(rejects: &[Reject], identities: &[Identity], now: Micros, verdicts: &mut [Option<Verdict>]) -> Vec<QuarantinedEvent> {
    let mut kept = Vec::with_capacity(rejects.len());
    for reject in rejects {
        let identity = reject.learner.map(|learner| &identities[learner as usize]);
        if identity.is_some_and(|identity| refused(identity, reject.occurred_at)) {
            verdicts[reject.index] = Some(erased());
            continue;
        }
        verdicts[reject.index] = Some(Verdict::Quarantined { reason: reject.reason.as_str().into(), detail: reject.detail.clone() });
        kept.push(QuarantinedEvent {
            id: Uuid::new_v4(),
            learner: identity.map(Identity::learner),
            reason: reject.reason.as_str().into(),
            detail: reject.detail.clone(),
            payload: reject.payload.clone(),
            received_at: now,
        });
    }
    kept
}

fn report(batch: Batch, verdicts: Vec<Option<Verdict>>) -> IngestReport {
    let mut ids: Vec<Option<String>> = vec![None; batch.events];
    for reject in batch.rejects {
        ids[reject.index] = reject.id;
    }
    for row in batch.rows {
        ids[row.index] = Some(row.id);
    }
    let mut report = IngestReport { events: Vec::with_capacity(batch.events), ..IngestReport::default() };
    for (index, (id, verdict)) in ids.into_iter().zip(verdicts).enumerate() {
        // Every event has one by now: it was a reject, or a row with a finding. Were one forgotten, it is not called stored.
        let verdict = verdict.unwrap_or_else(|| Verdict::Conflict { reason: "no verdict was reached; nothing was stored".into() });
        match verdict {
            Verdict::Accepted => report.accepted += 1,
            Verdict::Duplicate => report.duplicates += 1,
            Verdict::Conflict { .. } => report.conflicts += 1,
            Verdict::Quarantined { .. } => report.quarantined += 1,
        }
        report.events.push(EventVerdict { index, id, verdict });
    }
    report
}
