//! A crash between any two steps leaves a state from which the job goes on.

use std::sync::Arc;

use parcours::domain::rights::ErasureStep;
use parcours::learning::train::Silent;
use parcours::privacy::receipt;

use super::world::{World, cohort, id, name, without};

/// What a crash left, by where it came.
#[derive(Debug, Clone, Copy, PartialEq)]
enum CrashAfter {
    Recording,
    Deleting,
    Retraining,
    Completing,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_carried_on_from_every_step() {
    let events = cohort(60);
    let gone = name(9);
    let never_met = World::sqlite(|_| {}).await;
    never_met.send_shuffled(without(&events, [&gone]), 3).await;
    never_met.refresh().await;
    for crash in [CrashAfter::Recording, CrashAfter::Deleting, CrashAfter::Retraining, CrashAfter::Completing] {
        let mut worlds = vec![World::sqlite(|_| {}).await];
        worlds.extend(World::postgres(|_| {}).await);
        for world in worlds {
            world.send_shuffled(events.clone(), 4).await;
            world.refresh().await;
            let rights = world.rights();
            let request = rights.record_erasure(&world.tenant, &id(&gone), "test").await.unwrap();
            assert_eq!(request.step, ErasureStep::Recorded);
            assert_eq!(rights.ledger.entries().unwrap(), []);
            if crash != CrashAfter::Recording {
                rights.delete(&world.tenant, request.id).await.unwrap();
                assert_eq!(rights.ledger.entries().unwrap().len(), 1);
            }
            if crash == CrashAfter::Retraining {
                world.registry().retrain(&world.tenant, &[world.shard(&gone)], Arc::new(Silent)).await.unwrap();
            }
            if crash == CrashAfter::Completing {
                world.work().await;
            }
            // The process starts again: what is unfinished is queued, more than once perhaps.
            rights.resume().await.unwrap();
            rights.resume().await.unwrap();
            world.work().await;
            let request = world.request(&request).await;
            assert_eq!(request.step, ErasureStep::Completed, "{crash:?}: {:?}", request.error);
            receipt::verify(request.receipt.unwrap().to_string().as_bytes(), None).unwrap();
            assert_eq!(world.weights().await, never_met.weights().await, "{crash:?}");
            assert_eq!(rights.ledger.entries().unwrap().len(), 1, "{crash:?}");
            assert_eq!(rights.resume().await.unwrap(), 0);
        }
    }
}
