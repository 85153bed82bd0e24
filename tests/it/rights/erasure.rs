//! One erasure from wish to receipt, on both databases.

use parcours::domain::Verdict;
use parcours::domain::model::MemberState;
use parcours::domain::rights::ErasureStep;
use parcours::ingest::Reason;
use parcours::learning::split;
use parcours::privacy::identity::{self, Identity};
use parcours::privacy::ledger::Right;
use parcours::privacy::receipt;
use parcours::store::{events, learners, models};

use super::world::{World, answer, cohort, id, name};

async fn both(story: impl AsyncFn(World)) {
    story(World::sqlite(|_| {}).await).await;
    if let Some(world) = World::postgres(|_| {}).await {
        story(world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_learner_is_unreadable_at_once_and_the_member_that_saw_them_silent() {
    both(async |world| {
        world.send(cohort(60)).await;
        world.refresh().await;
        let revision = async || {
            let mut tx = world.app.store.read().await.unwrap();
            parcours::store::tenants::get(&mut tx, &world.tenant).await.unwrap().unwrap().model_revision
        };
        let before = revision().await;
        let request = world.erase(&name(3)).await;
        assert_eq!(request.step, ErasureStep::Deleted);
        assert!(request.unreadable_at.is_some() && request.clean_at.is_some());
        assert!(revision().await > before, "replicas must notice");

        let mut tx = world.app.store.read().await.unwrap();
        let gone = world.pseudonym(&name(3));
        assert_eq!(learners::standing(&mut tx, &world.tenant, gone).await.unwrap(), None);
        assert_eq!(events::all_of(&mut tx, &world.tenant, gone).await.unwrap(), []);
        let shard = world.shard(&name(3));
        for version in models::list(&mut tx, &world.tenant).await.unwrap() {
            for member in &version.members {
                let expected = if member.shard == shard { MemberState::Quarantined } else { MemberState::Active };
                assert_eq!(member.state, expected);
            }
        }
        drop(tx);
        world.assert_counts_true().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_proves_the_learner_is_gone_and_a_changed_one_proves_nothing() {
    both(async |world| {
        world.send(cohort(60)).await;
        world.refresh().await;
        let old: Vec<_> = world.serving().await.members.iter().filter_map(|member| member.weights).collect();
        let request = world.erase_fully(&name(5)).await;
        assert_eq!(request.step, ErasureStep::Completed);
        assert_eq!(request.subject, None, "the request still knows whom it was about");
        let text = request.receipt.expect("a receipt").to_string();
        let key = hex::encode(world.app.secrets.signing_key().verifying_key().as_bytes());
        let receipt = receipt::verify(text.as_bytes(), Some(&key)).unwrap();
        assert_eq!(receipt.deleted["events"], 40);
        assert_eq!(receipt.deleted["learners"], 1);
        let replacement = receipt.replacement.expect("a replacement");
        let shard = usize::from(world.shard(&name(5)).0);
        let serving = world.serving().await;
        assert_eq!(serving.version, replacement.version);
        assert_eq!(serving.members[shard].weights, replacement.weights);
        assert_eq!(serving.members[shard].training_root, replacement.training_root);
        assert_eq!(receipt.destroyed.len(), 1);
        assert_eq!(receipt.destroyed[0].weights, old[shard]);
        assert!(!world.registry().artefacts.weights_file(&world.tenant, &old[shard]).exists());
        // Someone who is still there cannot be proved absent.
        let tree = world.registry().artefacts.tree(&world.tenant, &replacement.training_root).unwrap();
        let present =
            (0..60).map(name).find(|name| *name != super::world::name(5) && world.shard(name) == world.shard(&super::world::name(5)));
        let commitment = world.app.secrets.commitment(&world.tenant, world.pseudonym(&present.unwrap()));
        assert!(tree.absence(&commitment).is_none() && tree.membership(&commitment).is_some());

        let tampered = text.replace("\"events\":40", "\"events\":41");
        assert_ne!(tampered, text);
        assert_eq!(receipt::verify(tampered.as_bytes(), Some(&key)), Err(receipt::Refused::Signature));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_of_an_erased_learner_are_refused_until_fresh_consent() {
    both(async |world| {
        world.send(cohort(20)).await;
        world.erase_fully(&name(2)).await;
        let refused =
            |verdict: &Verdict| matches!(verdict, Verdict::Quarantined { reason, .. } if reason == Reason::LearnerErased.as_str());
        let again = cohort(20).into_iter().filter(|event| event.learner_id == name(2)).collect::<Vec<_>>();
        let report = world.send(again).await;
        assert_eq!(report.quarantined, 40);
        assert!(report.events.iter().all(|event| refused(&event.verdict)));

        // Fresh consent: another pseudonym, and what is dated before it stays out.
        world.clock.advance(1_000_000);
        let choice = world.opt_in(&name(2)).await;
        assert!(choice.reopened);
        let mut tx = world.app.store.read().await.unwrap();
        let who = identity::resolve(&mut tx, &world.app.secrets, &world.tenant, &[id(&name(2))]).await.unwrap()[0];
        let Identity::Live { learner, generation: 1, not_before: Some(_), .. } = who else { panic!("not reopened") };
        assert!(learner != world.pseudonym(&name(2)));
        drop(tx);
        let old = answer(&name(2), "item-1", 1, 7, true);
        assert!(refused(&world.send(vec![old]).await.events[0].verdict));
        let mut new = answer(&name(2), "item-1", 1, 999, true);
        new.occurred_at = parcours::domain::Micros(super::world::NOW.0 + 2_000_000).to_rfc3339();
        assert_eq!(world.send(vec![new]).await.accepted, 1);
        world.assert_counts_true().await;

        // The second generation can be erased as well.
        assert_eq!(world.erase_fully(&name(2)).await.step, ErasureStep::Completed);
        let rights: Vec<_> = world.rights().ledger.entries().unwrap().iter().map(|entry| entry.right).collect();
        assert_eq!(rights, [Right::Erasure, Right::Reopening, Right::OptIn, Right::Erasure]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_erasures_of_one_shard_share_one_retrain() {
    both(async |world| {
        world.send(cohort(60)).await;
        world.refresh().await;
        let shard = world.shard(&name(1));
        let together: Vec<_> = (0..60).map(name).filter(|name| world.shard(name) == shard).take(4).collect();
        let mut requests = Vec::new();
        for name in &together {
            requests.push(world.erase(name).await);
        }
        assert_eq!(world.work().await, 1, "one job for all");
        for request in &requests {
            assert_eq!(world.request(request).await.step, ErasureStep::Completed);
        }
        assert_eq!(world.jobs().await[0].result.as_ref().unwrap()["retrains"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_twice_gives_the_open_request_and_strangers_get_a_receipt_too() {
    both(async |world| {
        world.send(cohort(60)).await;
        world.refresh().await;
        let version = world.serving().await.version;
        let first = world.erase(&name(4)).await;
        assert_eq!(world.erase(&name(4)).await.id, first.id);
        world.work().await;
        let after = world.serving().await.version;
        assert_ne!(version, after);
        // Erased before, and never met: nothing to delete, nothing to retrain, and still a proof.
        for who in [name(4), "nobody@school.example".to_string()] {
            let request = world.erase_fully(&who).await;
            assert_eq!(request.step, ErasureStep::Completed);
            let receipt = receipt::verify(request.receipt.unwrap().to_string().as_bytes(), None).unwrap();
            assert!(receipt.deleted.is_empty() && receipt.destroyed.is_empty() && receipt.replacement.is_some());
        }
        assert_eq!(world.serving().await.version, after);
        let refused = world.send(vec![answer("nobody@school.example", "item-1", 1, 5, true)]).await;
        assert_eq!(refused.quarantined, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_before_any_model_is_trained_completes() {
    both(async |world| {
        world.send(cohort(10)).await;
        let request = world.erase_fully(&name(4)).await;
        assert_eq!(request.step, ErasureStep::Completed);
        assert!(receipt::verify(request.receipt.unwrap().to_string().as_bytes(), None).unwrap().replacement.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_moved_no_weight_leaves_the_very_bytes_and_the_receipt_says_so() {
    both(async |world| {
        world.send(cohort(60)).await;
        world.refresh().await;
        // Held out for validation, and too few of them for early stopping; and without an item of their own.
        let held_out: Vec<_> = (0..60).map(name).filter(|name| split::validates(world.pseudonym(name))).collect();
        let unwatched = |shard| held_out.iter().filter(|name| world.shard(name) == shard).count() * 40 < 200;
        let silent = (0..60)
            .filter(|number| number % 7 != 0)
            .map(name)
            .find(|name| held_out.contains(name) && unwatched(world.shard(name)))
            .unwrap();
        let before = world.weights().await;
        let request = world.erase_fully(&silent).await;
        assert_eq!(world.weights().await, before);
        let receipt = receipt::verify(request.receipt.unwrap().to_string().as_bytes(), None).unwrap();
        assert!(receipt.destroyed.is_empty());
        let replacement = receipt.replacement.unwrap();
        assert!(replacement.unchanged);
        assert_eq!(replacement.weights, before[usize::from(world.shard(&silent).0)]);
    })
    .await;
}
