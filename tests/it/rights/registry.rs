//! Versions: reuse, the quality gate, damaged files, going back.

use std::sync::Arc;

use parcours::domain::model::{MemberState, VersionState};
use parcours::learning::registry::{WhyLeftOut, load_predictor};
use parcours::learning::train::Silent;
use parcours::store::models;

use super::world::{World, answer, cohort, id, name, without};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unchanged_shards_keep_their_member_and_unchanged_data_its_version() {
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    let first = world.refresh().await;
    assert_eq!((first.promoted, first.reason.as_str(), first.candidate.trained.len()), (true, "first", 2));
    assert!(first.candidate.held_out.is_some() && first.candidate.baseline.is_some());
    let again = world.refresh().await;
    assert_eq!((again.promoted, again.reason.as_str(), again.candidate.reused.len()), (false, "unchanged", 2));
    // A view changes nothing a member is made of; an answer changes its own shard.
    world.send(vec![answer(&name(3), "item-1", 1, 300, true)]).await;
    let third = world.refresh().await;
    assert_eq!(third.candidate.trained, [world.shard(&name(3))]);
    assert!(third.promoted);
    let full = world.registry().train(&world.tenant, true, Arc::new(Silent)).await.unwrap();
    assert_eq!((full.version, full.trained.len()), (third.candidate.version, 2), "from scratch it is the same to the byte");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worse_candidate_is_rejected_but_those_who_left_leave_all_the_same() {
    // A margin nobody can meet.
    let world = World::sqlite(|config| config.model.promotion_margin = -100.0).await;
    let events = cohort(60);
    world.send(events.clone()).await;
    assert!(world.refresh().await.promoted);
    let serving = world.serving().await.version;
    world.send(vec![answer(&name(3), "item-1", 1, 300, true)]).await;
    let refused = world.refresh().await;
    assert_eq!((refused.promoted, refused.reason.as_str()), (false, "worse"));
    assert_eq!(world.serving().await.version, serving);
    let row = models::get(&mut world.app.store.read().await.unwrap(), &world.tenant, &refused.candidate.version).await.unwrap();
    assert_eq!(row.unwrap().state, VersionState::Rejected);

    world.opt_out(&name(3)).await;
    assert_eq!(world.refresh().await.reason, "worse");
    let never_met = World::sqlite(|_| {}).await;
    never_met.send(without(&events, [&name(3)])).await;
    never_met.refresh().await;
    assert_eq!(world.weights().await, never_met.weights().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_artefact_is_left_out_reported_and_repaired_by_the_next_refresh() {
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    world.refresh().await;
    let artefacts = world.registry().artefacts;
    let load = async || load_predictor(&world.app.store, &artefacts, &world.tenant, 1).await.unwrap();
    assert_eq!(load().await.predictor.members(), 2);
    let weights = world.serving().await.members[1].weights.unwrap();
    std::fs::write(artefacts.weights_file(&world.tenant, &weights), b"not what it was").unwrap();
    let loaded = load().await;
    assert_eq!(loaded.predictor.members(), 1);
    assert_eq!(
        loaded.left_out.iter().map(|left_out| (left_out.shard.0, left_out.why)).collect::<Vec<_>>(),
        [(1, WhyLeftOut::CorruptArtefact)]
    );
    // Below quorum nobody speaks.
    let alone = load_predictor(&world.app.store, &artefacts, &world.tenant, 2).await.unwrap();
    assert_eq!(alone.predictor.members(), 0);
    world.refresh().await;
    assert_eq!(load().await.predictor.members(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_never_brings_back_who_left() {
    let mut worlds = vec![World::sqlite(|_| {}).await];
    worlds.extend(World::postgres(|_| {}).await);
    for world in worlds {
        let events = cohort(60);
        world.send(events.clone()).await;
        world.refresh().await;
        let first = world.serving().await.version;
        world.send(vec![answer(&name(3), "item-1", 1, 300, true), answer(&name(4), "item-1", 1, 300, true)]).await;
        world.refresh().await;
        let second = world.serving().await.version;
        assert_ne!(first, second);
        // Back and forth without anyone leaving: at once, nothing to retrain.
        let back = world.registry().rollback(&world.tenant, None, "test").await.unwrap();
        assert_eq!((back.version, back.retraining.len()), (first.clone(), 0));
        assert!(world.weights().await.iter().all(Option::is_some));
        world.registry().rollback(&world.tenant, Some(&second), "test").await.unwrap();

        world.erase_fully(&name(7)).await;
        // The serving version is now the second one with a member replaced; the one before it is still the first.
        let back = world.registry().rollback(&world.tenant, None, "test").await.unwrap();
        assert_eq!(back.version, first);
        assert_eq!(back.retraining, [world.shard(&name(7))]);
        let states: Vec<_> = world.serving().await.members.iter().map(|member| member.state).collect();
        assert_eq!(states[usize::from(world.shard(&name(7)).0)], MemberState::Destroyed);
        assert_eq!(world.work().await, 1);
        assert!(world.weights().await.iter().all(Option::is_some));
        let commitment = world.app.secrets.commitment(&world.tenant, world.pseudonym(&name(7)));
        for member in world.serving().await.members {
            let tree = world.registry().artefacts.tree(&world.tenant, &member.training_root).unwrap();
            assert!(tree.absence(&commitment).is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_shard_map_is_fenced_too() {
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    world.refresh().await;
    // The configuration moves to three shards; what is served has two until the next refresh.
    let mut config = (*world.app.config).clone();
    config.model.shards = 3;
    let rights = parcours::privacy::Rights::new(world.app.store.clone(), world.app.secrets.clone(), world.app.clock.clone(), &config);
    rights.erase(&world.tenant, &id(&name(6)), "test").await.unwrap();
    let shard = usize::from(world.shard(&name(6)).0);
    assert_eq!(world.serving().await.members[shard].state, MemberState::Quarantined);
    world.work().await;
    assert!(world.weights().await.iter().all(Option::is_some));
}
