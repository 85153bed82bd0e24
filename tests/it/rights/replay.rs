//! A database restored from a backup, beside a ledger that knows more.

use parcours::domain::Consent;
use parcours::domain::rights::ErasureStep;
use parcours::privacy::replay::Replayed;
use parcours::store::{learners, rights};

use super::world::{World, answer, cohort, name, without};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_forgets_again_what_it_had_forgotten() {
    let events = cohort(60);
    let world = World::sqlite(|_| {}).await;
    world.send(events.clone()).await;
    world.refresh().await;
    // The backup, made while all are there.
    world.app.store.scrub().await.unwrap();
    let file = world.folder.path().join("school.db");
    let backup = std::fs::read(&file).unwrap();

    world.opt_out(&name(4)).await;
    world.opt_out(&name(6)).await;
    world.clock.advance(1_000_000);
    world.opt_in(&name(6)).await;
    let request = world.erase_fully(&name(3)).await;
    world.erase_fully(&name(8)).await;
    world.clock.advance(1_000_000);
    world.opt_in(&name(8)).await;
    assert_eq!(world.rights().replay().await.unwrap(), Replayed::default(), "nothing was lost yet");

    world.app.store.close().await;
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.folder.path().join(format!("school.db{ending}")));
    }
    std::fs::write(&file, backup).unwrap();
    let world = world.reopen().await;
    assert_eq!(world.send(vec![answer(&name(3), "item-1", 1, 77, true)]).await.accepted, 1, "the restored database knows nothing");

    let replayed = world.rights().replay().await.unwrap();
    assert_eq!(replayed, Replayed { erasures: 2, opt_outs: 1, tombstones: 1 });
    let mut tx = world.app.store.read().await.unwrap();
    for gone in [3, 8] {
        assert_eq!(learners::standing(&mut tx, &world.tenant, world.pseudonym(&name(gone))).await.unwrap(), None);
    }
    let consent = async |tx: &mut parcours::store::Tx, number| {
        learners::standing(tx, &world.tenant, world.pseudonym(&name(number))).await.unwrap().unwrap().consent
    };
    assert_eq!(consent(&mut tx, 4).await, Consent::OptedOut);
    assert_eq!(consent(&mut tx, 6).await, Consent::Personalised);
    // The same request as before, carried through once more.
    let again = rights::get(&mut tx, &world.tenant, request.id).await.unwrap().unwrap();
    assert_eq!(again.step, ErasureStep::Deleted);
    drop(tx);
    world.assert_counts_true().await;
    world.rights().resume().await.unwrap();
    world.work().await;
    world.refresh().await;
    let never_met = World::sqlite(|_| {}).await;
    never_met.send(without(&events, &[name(3), name(4), name(8)])).await;
    never_met.refresh().await;
    assert_eq!(world.weights().await, never_met.weights().await);
    assert_eq!(world.send(vec![answer(&name(3), "item-1", 1, 78, true)]).await.quarantined, 1);
    // The one who came back after the erasure is welcome, as a new learner.
    let mut new = answer(&name(8), "item-1", 1, 79, true);
    new.occurred_at = parcours::domain::Clock::now(world.clock.as_ref()).to_rfc3339();
    assert_eq!(world.send(vec![new]).await.accepted, 1);
    assert_eq!(world.rights().replay().await.unwrap(), Replayed::default(), "once is enough");
}
