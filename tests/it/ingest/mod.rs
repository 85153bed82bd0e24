//! What comes in: real logs, good and bad events, catalogues, and what must never reach the disk.

/// Runs each case on SQLite and on Postgres.
macro_rules! on_both {
    ($($case:ident),+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::House::new().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                if let Some(house) = super::House::on_postgres().await {
                    super::$case(house).await;
                }
            })+
        }
    };
}

mod catalogs;
mod events;
mod formats;
mod loads;
mod sample;
mod storage;

use parcours::config::{DatabaseConfig, IngestConfig};
use parcours::domain::{LearnerId, Micros, Pseudonym, TenantId, Verdict};
use parcours::ingest::{IngestError, IngestReport, ingest};
use parcours::privacy::Secrets;
use parcours::store::{self, Store};

use crate::support;

/// 2026-03-01T08:50:00Z.
pub const NOW: Micros = Micros(1_772_355_000_000_000);

/// A tenant in a database of its own.
pub struct House {
    pub folder: tempfile::TempDir,
    pub store: Store,
    pub secrets: Secrets,
    pub config: IngestConfig,
    pub tenant: TenantId,
    pub now: Micros,
}

impl House {
    /// On an SQLite file in `folder`.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("house.db").display());
        Self::open(folder, url).await
    }

    /// `None` where there is no Postgres.
    pub async fn on_postgres() -> Option<Self> {
        let url = support::postgres::database().await?;
        Some(Self::open(tempfile::tempdir().unwrap(), url).await)
    }

    async fn open(folder: tempfile::TempDir, url: String) -> Self {
        let store = Store::connect(&DatabaseConfig { url, busy_timeout_ms: 3_000, ..DatabaseConfig::default() }).await.unwrap();
        let house =
            Self { folder, store, secrets: Secrets::from_seed(7), config: IngestConfig::default(), tenant: TenantId::default(), now: NOW };
        let mut tx = house.store.write().await.unwrap();
        store::tenants::ensure(&mut tx, &house.tenant, NOW).await.unwrap();
        tx.commit().await.unwrap();
        house
    }

    pub async fn try_send(&self, body: impl Into<Vec<u8>>) -> Result<IngestReport, IngestError> {
        ingest(&self.store, &self.secrets, &self.config, self.now, &self.tenant, body.into()).await
    }

    pub async fn send(&self, body: impl Into<Vec<u8>>) -> IngestReport {
        self.try_send(body).await.unwrap()
    }

    pub fn pseudonym(&self, learner: &str, generation: u32) -> Pseudonym {
        self.secrets.pseudonym(&self.tenant, &LearnerId::parse(learner).unwrap(), generation)
    }

    /// (events, answers) stored.
    pub async fn stored(&self) -> (i64, i64) {
        let mut tx = self.store.read().await.unwrap();
        store::events::count(&mut tx, &self.tenant).await.unwrap()
    }

    /// Attempts counted over all items; checked against a recount.
    pub async fn counted(&self) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let counts = store::counts::all(&mut tx, &self.tenant).await.unwrap();
        assert_eq!(counts, store::counts::recount(&mut tx, &self.tenant).await.unwrap());
        counts.iter().map(|count| count.attempts).sum()
    }

    pub async fn quarantined(&self) -> Vec<store::quarantine::QuarantinedEvent> {
        let mut tx = self.store.read().await.unwrap();
        store::quarantine::list(&mut tx, &self.tenant, 1_000).await.unwrap()
    }
}

/// An answer of `learner`, with more fields if wanted (`,"hints":1`).
pub fn answer(id: &str, learner: &str, time: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","learner_id":"{learner}","item_id":"i1","kind":"attempt","occurred_at":"{time}","correct":true{more}}}"#)
}

pub fn at(minute: u32) -> String {
    format!("2026-03-01T08:{minute:02}:00Z")
}

/// One word a verdict: accepted, duplicate, conflict, or the reason.
pub fn words(report: &IngestReport) -> Vec<String> {
    report
        .events
        .iter()
        .map(|event| match &event.verdict {
            Verdict::Accepted => "accepted".into(),
            Verdict::Duplicate => "duplicate".into(),
            Verdict::Conflict { .. } => "conflict".into(),
            Verdict::Quarantined { reason, .. } => reason.clone(),
        })
        .collect()
}
