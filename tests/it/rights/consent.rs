//! Opting out and back in: exact both ways.

use parcours::domain::model::MemberState;
use parcours::domain::{Consent, Micros};
use parcours::privacy::ledger::Right;
use parcours::store::tenants::{self, OptOutPolicy, TenantPolicy};
use parcours::store::{counts, events};

use super::world::{NOW, World, answer, cohort, id, name, without};

async fn worlds() -> Vec<World> {
    let mut worlds = vec![World::sqlite(|_| {}).await];
    worlds.extend(World::postgres(|_| {}).await);
    worlds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_and_back_gives_the_model_of_one_who_never_left() {
    let events = cohort(60);
    let absent = name(12);
    let never_met = World::sqlite(|_| {}).await;
    never_met.send_shuffled(without(&events, [&absent]), 3).await;
    never_met.refresh().await;
    for world in worlds().await {
        world.send_shuffled(events.clone(), 4).await;
        world.refresh().await;
        let (whole, bytes) = (world.serving().await, world.weights().await);

        let choice = world.opt_out(&absent).await;
        assert!(choice.changed && choice.retrain.is_none());
        assert_eq!(choice.standing.consent, Consent::OptedOut);
        world.assert_counts_true().await;
        let mut tx = world.app.store.read().await.unwrap();
        let mut other = never_met.app.store.read().await.unwrap();
        assert_eq!(counts::all(&mut tx, &world.tenant).await.unwrap(), counts::all(&mut other, &world.tenant).await.unwrap());
        assert_eq!(events::usable_of(&mut tx, &world.tenant, world.pseudonym(&absent)).await.unwrap(), []);
        drop((tx, other));
        // Only the shard they left is trained anew.
        let refreshed = world.refresh().await;
        assert_eq!(refreshed.candidate.trained, [world.shard(&absent)]);
        assert_eq!(world.weights().await, never_met.weights().await);
        assert_eq!(world.serving().await.version, never_met.serving().await.version);

        // What happens meanwhile is never used, not even after coming back.
        world.clock.advance(Micros::DAY);
        let mut meanwhile = answer(&absent, "item-3", 3, 500, true);
        meanwhile.occurred_at = Micros(NOW.0 + Micros::DAY / 2).to_rfc3339();
        assert_eq!(world.send(vec![meanwhile]).await.accepted, 1);
        world.clock.advance(Micros::DAY);
        assert!(world.opt_in(&absent).await.changed);
        world.assert_counts_true().await;
        let mut tx = world.app.store.read().await.unwrap();
        assert_eq!(events::usable_of(&mut tx, &world.tenant, world.pseudonym(&absent)).await.unwrap().len(), 40);
        drop(tx);
        world.refresh().await;
        assert_eq!(world.weights().await, bytes);
        assert_eq!(world.serving().await.version, whole.version);

        let rights: Vec<_> = world.rights().ledger.entries().unwrap().iter().map(|entry| entry.right).collect();
        assert_eq!(rights, [Right::OptOut, Right::OptIn]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_policy_says_so_the_member_falls_silent_at_once() {
    for world in worlds().await {
        let mut tx = world.app.store.write().await.unwrap();
        tenants::set_policy(&mut tx, &world.tenant, &TenantPolicy { opt_out: OptOutPolicy::Immediate }).await.unwrap();
        tx.commit().await.unwrap();
        let events = cohort(60);
        world.send(events.clone()).await;
        world.refresh().await;
        let choice = world.opt_out(&name(8)).await;
        assert!(choice.retrain.is_some());
        let shard = usize::from(world.shard(&name(8)).0);
        assert_eq!(world.serving().await.members[shard].state, MemberState::Quarantined);
        assert_eq!(world.serving().await.members[1 - shard].state, MemberState::Active);
        assert_eq!(world.work().await, 1);
        let never_met = World::sqlite(|_| {}).await;
        never_met.send(without(&events, [&name(8)])).await;
        never_met.refresh().await;
        assert_eq!(world.weights().await, never_met.weights().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_twice_changes_nothing_and_the_erased_cannot_opt_out() {
    for world in worlds().await {
        world.send(cohort(10)).await;
        assert!(world.opt_out(&name(1)).await.changed);
        assert!(!world.opt_out(&name(1)).await.changed);
        assert_eq!(world.rights().ledger.entries().unwrap().len(), 1);
        world.assert_counts_true().await;
        // A newcomer may opt out before the first event; it is kept, and not counted.
        world.opt_out("newcomer").await;
        world.send(vec![answer("newcomer", "item-1", 1, 3, true)]).await;
        world.assert_counts_true().await;
        // Erasing someone who opted out subtracts nothing twice.
        world.erase_fully(&name(1)).await;
        world.assert_counts_true().await;
        let refused = world.rights().opt_out(&world.tenant, &id(&name(1)), &super::world::source()).await;
        assert!(matches!(refused, Err(parcours::privacy::RightsError::Erased)));
    }
}
