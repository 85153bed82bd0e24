//! An erasure in the middle of a training: the stale result is thrown away, unwritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parcours::domain::TenantId;
use parcours::learning::registry::{Promotion, RegistryError};
use parcours::learning::train::{Progress, Silent};
use parcours::privacy::Rights;

use super::world::{World, cohort, id, name, without};

/// Erases a learner at the n-th report of a training.
struct Interrupter {
    reports: AtomicUsize,
    at: usize,
    rights: Rights,
    tenant: TenantId,
    whom: String,
    runtime: tokio::runtime::Handle,
}

impl Progress for Interrupter {
    fn report(&self, _: f64, _: &str) -> bool {
        if self.reports.fetch_add(1, Ordering::SeqCst) == self.at {
            self.runtime.block_on(self.rights.erase(&self.tenant, &id(&self.whom), "test")).unwrap();
        }
        true
    }
}

fn interrupter(world: &World, whom: &str, at: usize) -> Arc<Interrupter> {
    let runtime = tokio::runtime::Handle::current();
    let (rights, tenant) = (world.rights(), world.tenant.clone());
    Arc::new(Interrupter { reports: AtomicUsize::new(0), at, rights, tenant, whom: whom.into(), runtime })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_in_the_middle_of_a_training_makes_it_stale() {
    let events = cohort(60);
    let gone = name(9);
    let never_met = World::sqlite(|_| {}).await;
    never_met.send_shuffled(without(&events, [&gone]), 3).await;
    never_met.refresh().await;
    let mut worlds = vec![(World::sqlite(|_| {}).await, 0), (World::sqlite(|_| {}).await, 9)];
    worlds.extend(World::postgres(|_| {}).await.map(|world| (world, 4)));
    for (world, at) in worlds {
        world.send_shuffled(events.clone(), 4).await;
        let interrupter = interrupter(&world, &gone, at);
        let refreshed = world.registry().refresh(&world.tenant, false, true, "test", interrupter.clone()).await.unwrap();
        assert!(interrupter.reports.load(Ordering::SeqCst) > at, "the training was not interrupted");
        assert!(refreshed.promoted);
        world.work().await;
        assert_eq!(world.weights().await, never_met.weights().await);
        // Only what is served is on disk: of the stale training nothing was ever written.
        let files = std::fs::read_dir(world.folder.path().join("models/default")).unwrap().count();
        let expected = std::fs::read_dir(never_met.folder.path().join("models/default")).unwrap().count();
        assert_eq!(files, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retrain_overtaken_by_another_erasure_starts_anew() {
    let events = cohort(60);
    let world = World::sqlite(|_| {}).await;
    world.send_shuffled(events.clone(), 4).await;
    world.refresh().await;
    let shard = world.shard(&name(1));
    let together: Vec<_> = (0..60).map(name).filter(|name| world.shard(name) == shard).take(2).collect();
    world.erase(&together[0]).await;
    world.registry().retrain(&world.tenant, &[], interrupter(&world, &together[1], 2)).await.unwrap();
    world.work().await;
    let never_met = World::sqlite(|_| {}).await;
    never_met.send_shuffled(without(&events, &together), 5).await;
    never_met.refresh().await;
    assert_eq!(world.weights().await, never_met.weights().await);
    assert_eq!(world.serving().await.version, never_met.serving().await.version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_older_than_an_erasure_cannot_be_promoted() {
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    let candidate = world.registry().train(&world.tenant, false, Arc::new(Silent)).await.unwrap();
    world.erase(&name(3)).await;
    let outcome = world.registry().promote(&world.tenant, &candidate.version, "test").await;
    assert!(matches!(outcome, Err(RegistryError::NotPromotable(_))), "{outcome:?}");

    // The same for an opt-out, whose policy leaves members speaking until the next refresh.
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    let candidate = world.registry().train(&world.tenant, false, Arc::new(Silent)).await.unwrap();
    world.opt_out(&name(3)).await;
    let outcome = world.registry().promote(&world.tenant, &candidate.version, "test").await.unwrap();
    assert_eq!(outcome, Promotion::Stale(vec![world.shard(&name(3))]));
}
