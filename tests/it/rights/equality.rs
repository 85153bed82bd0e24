//! The model after erasing a learner is, byte for byte, the model of a database that never met them.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::world::{World, cohort, name, without};

const LEARNERS: usize = 80;

/// `cases` learners in a random order, among them some who alone answered an item.
fn victims(cases: usize) -> Vec<String> {
    let mut numbers: Vec<usize> = (0..LEARNERS).collect();
    numbers.shuffle(&mut ChaCha8Rng::seed_from_u64(20));
    let mut chosen: Vec<usize> = numbers.iter().copied().filter(|number| number % 7 == 0).take(cases.div_ceil(5)).collect();
    chosen.extend(numbers.iter().copied().filter(|number| number % 7 != 0).take(cases - chosen.len()));
    chosen.shuffle(&mut ChaCha8Rng::seed_from_u64(21));
    chosen.into_iter().map(name).collect()
}

async fn assert_equal(erased_from: &World, never_met: &World, what: &str) {
    assert_eq!(erased_from.weights().await, never_met.weights().await, "{what}: other bytes");
    assert!(erased_from.weights().await.iter().all(Option::is_some), "{what}: a member is silent");
    // The name covers configuration, weights and training sets.
    assert_eq!(erased_from.serving().await.version, never_met.serving().await.version, "{what}");
    erased_from.assert_counts_true().await;
    let counts = |world: &World| {
        let (store, tenant) = (world.app.store.clone(), world.tenant.clone());
        async move { parcours::store::counts::all(&mut store.read().await.unwrap(), &tenant).await.unwrap() }
    };
    assert_eq!(counts(erased_from).await, counts(never_met).await, "{what}: other counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_erasures_leave_the_bytes_of_a_world_without_those_learners() {
    let events = cohort(LEARNERS);
    let victims = victims(20);
    let mut erasing = Vec::new();
    for (seed, threads) in [(1, 1), (2, 2), (3, 4)] {
        let world = World::sqlite(|config| config.jobs.training_threads = threads).await;
        world.send_shuffled(events.clone(), seed).await;
        assert!(world.refresh().await.promoted);
        erasing.push((threads, world));
    }
    let mut mattered = 0;
    for case in 0..victims.len() {
        let gone = &victims[..=case];
        let never_met = World::sqlite(|config| config.jobs.training_threads = [1, 2, 4][case % 3]).await;
        never_met.send_shuffled(without(&events, gone), 100 + case as u64).await;
        assert!(never_met.refresh().await.promoted);
        for (threads, world) in &erasing {
            let before = world.weights().await;
            let request = world.erase_fully(&gone[case]).await;
            assert!(request.completed_at.is_some(), "case {case}: {:?}", request.error);
            mattered += usize::from(before != world.weights().await);
            assert_equal(world, &never_met, &format!("case {case}, {threads} threads")).await;
        }
    }
    // All but those who merely validate moved the weights: the cases show something.
    assert!(mattered >= 3 * 15, "only {mattered} of 60 erasures changed a byte");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_over_postgres() {
    let Some(world) = World::postgres(|_| {}).await else { return };
    let events = cohort(LEARNERS);
    world.send_shuffled(events.clone(), 5).await;
    world.refresh().await;
    let victims = victims(3);
    for case in 0..victims.len() {
        let never_met = World::sqlite(|_| {}).await;
        never_met.send_shuffled(without(&events, &victims[..=case]), 6).await;
        never_met.refresh().await;
        world.erase_fully(&victims[case]).await;
        assert_equal(&world, &never_met, &format!("case {case}")).await;
    }
}
