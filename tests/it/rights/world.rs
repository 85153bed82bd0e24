//! A small school: a database, secrets, artefacts and a ledger of its own, and simulated answers.

use std::sync::Arc;

use parcours::app::App;
use parcours::config::Config;
use parcours::domain::hash::Digest;
use parcours::domain::job::Job;
use parcours::domain::model::{MemberState, VersionRow};
use parcours::domain::rights::ErasureRequest;
use parcours::domain::{EventKind, FixedClock, LearnerId, Micros, Pseudonym, ShardId, TenantId};
use parcours::ingest::{Batch, IngestReport, NativeEvent, write};
use parcours::learning::registry::artefacts::weights_hash;
use parcours::learning::registry::{Refreshed, Registry};
use parcours::learning::train::Silent;
use parcours::privacy::consent::{Choice, Source};
use parcours::privacy::{Rights, Secrets};
use parcours::store::{Store, counts, jobs, models, rights, tenants};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support;

pub const NOW: Micros = Micros(1_780_000_000_000_000);

pub struct World {
    pub app: App,
    pub tenant: TenantId,
    pub clock: Arc<FixedClock>,
    pub folder: tempfile::TempDir,
}

/// A learner's id, recognisable in any file it should not be in.
pub fn name(number: usize) -> String {
    format!("canary-{number:03}@school.example")
}

pub fn id(name: &str) -> LearnerId {
    LearnerId::parse(name).unwrap()
}

/// Answers of `learners` learners, 40 each, on 30 items of 6 skills; every seventh learner alone answers an item of their own.
pub fn cohort(learners: usize) -> Vec<NativeEvent> {
    let mut events = Vec::new();
    for learner in 0..learners {
        let mut rng = ChaCha8Rng::seed_from_u64(learner as u64);
        let ability: f64 = rng.random_range(-1.5..1.5);
        for place in 0..40 {
            let item = rng.random_range(0..30usize);
            let own = learner % 7 == 0 && place == 11;
            let item_id = if own { format!("own-{learner}") } else { format!("item-{item}") };
            let p = 1.0 / (1.0 + (-(ability + place as f64 * 0.03 - (item % 5) as f64 * 0.4 + 0.8)).exp());
            events.push(answer(&name(learner), &item_id, item % 6, place as i64, rng.random_bool(p)));
        }
    }
    events
}

/// One answer, `place` hours into the term.
pub fn answer(learner: &str, item: &str, skill: usize, place: i64, correct: bool) -> NativeEvent {
    let at = Micros(NOW.0 - 100 * Micros::DAY + place * 3600 * Micros::SECOND);
    NativeEvent {
        id: format!("{learner}/{place}"),
        learner_id: learner.into(),
        item_id: item.into(),
        kind: EventKind::Attempt,
        occurred_at: at.to_rfc3339(),
        correct: Some(correct),
        score: None,
        max_score: None,
        response_ms: Some(1000 + place * 10),
        attempt_number: None,
        hints: None,
        skills: Some(vec![format!("skill-{skill}")]),
        progress: None,
        rating: None,
    }
}

pub fn without<'a>(events: &[NativeEvent], gone: impl IntoIterator<Item = &'a String>) -> Vec<NativeEvent> {
    let gone: Vec<_> = gone.into_iter().collect();
    events.iter().filter(|event| !gone.contains(&&event.learner_id)).cloned().collect()
}

impl World {
    pub async fn sqlite(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("school.db").display());
        Self::open(folder, url, change).await
    }

    /// None, with a printed line, where Postgres is not installed.
    pub async fn postgres(change: impl FnOnce(&mut Config)) -> Option<Self> {
        let url = support::postgres::database().await?;
        Some(Self::open(tempfile::tempdir().unwrap(), url, change).await)
    }

    async fn open(folder: tempfile::TempDir, url: String, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.database.url = url;
        config.storage.artefacts = folder.path().join("models");
        config.storage.secrets = folder.path().join("secrets");
        config.storage.ledger = folder.path().join("ledger.jsonl");
        config.model.shards = 2;
        config.training.width = 8;
        config.training.max_epochs = 2;
        config.training.batch_answers = 256;
        change(&mut config);
        let clock = Arc::new(FixedClock::at(NOW));
        let store = Store::connect(&config.database).await.unwrap();
        let tenant = TenantId::default();
        let mut tx = store.write().await.unwrap();
        tenants::ensure(&mut tx, &tenant, NOW).await.unwrap();
        tx.commit().await.unwrap();
        let app = App::new(config, store, Secrets::from_seed(7), clock.clone());
        Self { app, tenant, clock, folder }
    }

    /// The same folder and clock, opened anew.
    pub async fn reopen(self) -> Self {
        let store = Store::connect(&self.app.config.database).await.unwrap();
        let app = App::new((*self.app.config).clone(), store, Secrets::from_seed(7), self.clock.clone());
        Self { app, ..self }
    }

    pub fn rights(&self) -> Rights {
        Rights::new(self.app.store.clone(), self.app.secrets.clone(), self.app.clock.clone(), &self.app.config)
    }

    pub fn registry(&self) -> Registry {
        Registry::new(self.app.store.clone(), self.app.secrets.clone(), self.app.clock.clone(), &self.app.config)
    }

    pub fn pseudonym(&self, name: &str) -> Pseudonym {
        self.app.secrets.pseudonym(&self.tenant, &id(name), 0)
    }

    pub fn shard(&self, name: &str) -> ShardId {
        self.app.secrets.bucket(self.pseudonym(name)).shard(self.app.config.model.shards)
    }

    pub async fn send(&self, events: Vec<NativeEvent>) -> IngestReport {
        let batch = Batch::of(events, &self.app.config.ingest, self.app.clock.now()).unwrap();
        write::write(&self.app.store, &self.app.secrets, self.app.clock.now(), &self.tenant, batch).await.unwrap()
    }

    /// All of `events`, in an order of `seed`'s, in several batches.
    pub async fn send_shuffled(&self, mut events: Vec<NativeEvent>, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        events.shuffle(&mut rng);
        while !events.is_empty() {
            let piece = events.split_off(events.len().saturating_sub(1 + rng.next_u32() as usize % 900));
            let sent = piece.len();
            assert_eq!(self.send(piece).await.accepted, sent);
        }
    }

    pub async fn refresh(&self) -> Refreshed {
        self.registry().refresh(&self.tenant, false, true, "test", Arc::new(Silent)).await.unwrap()
    }

    pub async fn erase(&self, name: &str) -> ErasureRequest {
        self.rights().erase(&self.tenant, &id(name), "test").await.unwrap()
    }

    /// Erases and sees it through.
    pub async fn erase_fully(&self, name: &str) -> ErasureRequest {
        let request = self.erase(name).await;
        self.work().await;
        self.request(&request).await
    }

    pub async fn request(&self, request: &ErasureRequest) -> ErasureRequest {
        rights::get(&mut self.app.store.read().await.unwrap(), &self.tenant, request.id).await.unwrap().unwrap()
    }

    /// Runs what is queued.
    pub async fn work(&self) -> usize {
        parcours::jobs::run_pending(&self.app).await.unwrap()
    }

    pub async fn jobs(&self) -> Vec<Job> {
        jobs::list(&mut self.app.store.read().await.unwrap(), &self.tenant, 1000).await.unwrap()
    }

    pub async fn opt_out(&self, name: &str) -> Choice {
        self.rights().opt_out(&self.tenant, &id(name), &source()).await.unwrap()
    }

    pub async fn opt_in(&self, name: &str) -> Choice {
        self.rights().opt_in(&self.tenant, &id(name), &source()).await.unwrap()
    }

    pub async fn serving(&self) -> VersionRow {
        models::serving(&mut self.app.store.read().await.unwrap(), &self.tenant).await.unwrap().expect("a served version")
    }

    /// Hashes of the bytes of the served members' files, by shard; none where a member is silent.
    pub async fn weights(&self) -> Vec<Option<Digest>> {
        let serving = self.serving().await;
        let read = |weights: Digest| weights_hash(&std::fs::read(self.registry().artefacts.weights_file(&self.tenant, &weights)).unwrap());
        serving.members.iter().map(|member| member.weights.filter(|_| member.state == MemberState::Active).map(read)).collect()
    }

    /// The counts in the database are those of the events in it.
    pub async fn assert_counts_true(&self) {
        let mut tx = self.app.store.read().await.unwrap();
        let (kept, recounted) = (counts::all(&mut tx, &self.tenant).await.unwrap(), counts::recount(&mut tx, &self.tenant).await.unwrap());
        assert_eq!(kept, recounted);
    }
}

pub fn source() -> Source {
    Source { text_version: None, channel: "test".into(), actor: "test".into() }
}
