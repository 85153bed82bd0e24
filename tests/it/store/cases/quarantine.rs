use parcours::domain::Micros;
use parcours::store::quarantine::{self, QuarantinedEvent};
use uuid::Uuid;

use crate::store::{Db, NOW, learner};

pub async fn quarantined_events_are_kept_and_counted(db: &Db) {
    let event = |number: i64| QuarantinedEvent {
        id: Uuid::now_v7(),
        learner: (number % 2 == 0).then(|| learner(number as u64)),
        reason: if number % 3 == 0 { "bad_score".into() } else { "future".into() },
        detail: "the score is 7".into(),
        payload: serde_json::json!({ "kind": "attempt", "number": number }),
        received_at: Micros(NOW.0 + number),
    };
    let all: Vec<_> = (0..1_200).map(event).collect();
    let mut tx = db.write().await;
    quarantine::insert(&mut tx, &db.tenant, &all).await.unwrap();
    let newest: Vec<_> = all.iter().rev().take(10).cloned().collect();
    assert_eq!(quarantine::list(&mut tx, &db.tenant, 10).await.unwrap(), newest);
    assert_eq!(
        quarantine::count_by_reason(&mut tx, &db.tenant).await.unwrap(),
        [("bad_score".to_string(), 400), ("future".to_string(), 800)]
    );
}
