//! The store, held to one contract on both databases. `cases` touch every statement; what only one database can show follows.

mod cases;
mod concurrency;
mod durability;
mod inventory;
mod plans;

use parcours::config::DatabaseConfig;
use parcours::domain::hash::Hasher;
use parcours::domain::{Bucket, Event, EventKey, EventKind, ItemId, Micros, Pseudonym, SkillId, TenantId};
use parcours::store::events::NewEvent;
use parcours::store::{Store, Tx, counts, events, learners, tenants};
use tempfile::TempDir;

use crate::support;

/// An open store with one tenant, `lycee`.
pub struct Db {
    pub store: Store,
    pub tenant: TenantId,
    _folder: Option<TempDir>,
}

pub const NOW: Micros = Micros(1_780_000_000_000_000);

impl Db {
    pub async fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Some(Self::open(url, Some(folder)).await)
    }

    pub async fn postgres() -> Option<Self> {
        Some(Self::open(support::postgres::database().await?, None).await)
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let store = connect(&url).await;
        let tenant = TenantId::parse("lycee").unwrap();
        let mut tx = store.write().await.unwrap();
        tenants::ensure(&mut tx, &tenant, NOW).await.unwrap();
        tx.commit().await.unwrap();
        Self { store, tenant, _folder: folder }
    }

    pub async fn write(&self) -> Tx {
        self.store.write().await.unwrap()
    }

    pub async fn read(&self) -> Tx {
        self.store.read().await.unwrap()
    }

    /// Stores events as ingest does: learners, events, counts, one commit.
    pub async fn ingest(&self, new: &[NewEvent]) {
        let mut tx = self.write().await;
        let who: Vec<_> = new.iter().map(|new| (new.event.learner, new.bucket)).collect();
        learners::lock(&mut tx, &self.tenant, &who.iter().map(|(learner, _)| *learner).collect::<Vec<_>>()).await.unwrap();
        learners::touch(&mut tx, &self.tenant, &who, NOW).await.unwrap();
        events::insert(&mut tx, &self.tenant, new, NOW).await.unwrap();
        let deltas: Vec<_> = new
            .iter()
            .filter(|new| new.event.is_answer())
            .map(|new| counts::ItemCount { item: new.event.item.clone(), attempts: 1, correct: i64::from(new.event.correct == Some(true)) })
            .collect();
        counts::add(&mut tx, &self.tenant, &deltas).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub async fn connect(url: &str) -> Store {
    Store::connect(&DatabaseConfig { url: url.into(), ..DatabaseConfig::default() }).await.unwrap()
}

pub fn learner(number: u64) -> Pseudonym {
    Pseudonym(Hasher::new("parcours test learner").number(number).finish16())
}

pub fn bucket(number: u64) -> Bucket {
    Bucket((number % 1024) as u16)
}

pub fn item(name: &str) -> ItemId {
    ItemId::parse(name).unwrap()
}

pub fn skill(name: &str) -> SkillId {
    SkillId::parse(name).unwrap()
}

/// Learner `who` answers `what` for the `nth` time, `nth` minutes after the epoch of the tests.
pub fn answer(who: u64, what: &str, nth: i64, correct: bool) -> NewEvent {
    let key = Hasher::new("parcours test event").number(who).part(what.as_bytes()).number(nth as u64).finish16();
    let event = Event {
        key: EventKey(key),
        learner: learner(who),
        item: item(what),
        kind: EventKind::Attempt,
        occurred_at: Micros(NOW.0 + nth * 60 * Micros::SECOND),
        score: Some(if correct { 1.0 } else { 0.25 }),
        correct: Some(correct),
        response_ms: Some(1_500 + nth),
        attempt_number: Some(nth as i32 + 1),
        hints: None,
        skill_hints: Vec::new(),
    };
    NewEvent { event, bucket: bucket(who), content_hash: Hasher::new("parcours test content").number(nth as u64).finish() }
}

/// Every case on one database. A case that is not listed here is dead code, which the lints refuse.
macro_rules! store_conforms {
    ($backend:ident) => {
        mod $backend {
            use super::{Db, cases};

            store_conforms! { $backend,
                tenants: [a_tenant_is_made_once, a_policy_is_kept, revisions_count_up, a_request_learns_all_it_needs_in_one_query, a_removed_tenant_leaves_no_row];
                keys: [a_key_is_found_by_its_secret_until_revoked, keys_are_listed_by_tenant];
                learners: [touching_makes_and_moves_learners, consent_is_set_for_known_and_unknown_learners, deleting_everywhere_leaves_no_row];
                events: [events_come_back_as_they_went_in, known_events_are_told_with_their_content, a_batch_of_any_size_is_stored,
                    usable_events_leave_out_opted_out_learners_and_times, a_shard_reads_its_own_learners_in_order, an_event_can_be_rectified,
                    the_same_event_id_twice_asks_to_try_again, limits_say_the_same_as_the_sql];
                counts: [counts_add_up_and_subtract_exactly, counts_follow_consent];
                catalog: [a_catalogue_round_trips, patches_add_change_and_remove, tenants_do_not_see_each_other];
                quarantine: [quarantined_events_are_kept_and_counted];
                consents: [the_ledger_keeps_every_choice_in_order, opt_outs_open_and_close];
                recommendations: [recommendations_are_kept_with_their_feedback, nothing_is_written_for_a_learner_who_is_gone];
                shards: [epochs_start_at_zero_and_count_up];
                models: [a_version_round_trips, one_version_is_served, a_shard_is_silenced_in_every_version, a_member_is_replaced_and_its_weights_destroyed];
                jobs: [jobs_are_claimed_oldest_first_and_one_a_tenant, waiting_work_is_queued_once, scheduled_work_is_queued_once_for_ever,
                    a_silent_worker_loses_its_job, jobs_are_cancelled, a_failed_job_waits_for_its_turn];
                rights: [a_request_round_trips_and_is_forgotten_when_completed, tombstones_are_found_among_many];
                audit: [the_audit_log_is_a_chain];
            }
        }
    };
    ($backend:ident, $($room:ident: [$($case:ident),+ $(,)?]);+ $(;)?) => {
        $(mod $room {
            use super::{Db, cases};

            $(#[tokio::test]
            async fn $case() {
                if let Some(db) = Db::$backend().await {
                    cases::$room::$case(&db).await;
                    db.store.close().await;
                }
            })+
        })+
    };
}

store_conforms!(sqlite);
store_conforms!(postgres);
