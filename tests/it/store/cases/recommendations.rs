use parcours::domain::{Micros, TenantId};
use parcours::store::learners;
use parcours::store::recommendations::{self, RecommendationRow};
use uuid::Uuid;

use crate::store::{Db, NOW, bucket, item, learner};

pub fn row(tenant: &TenantId, who: u64) -> RecommendationRow {
    RecommendationRow {
        id: Uuid::now_v7(),
        tenant: tenant.clone(),
        learner: learner(who),
        made_at: NOW,
        model_version: Some("0123456789abcdef".into()),
        personalised: true,
        fallback_reason: None,
        items: serde_json::json!([{ "item_id": "algebra", "score": 0.5 }]),
    }
}

pub async fn recommendations_are_kept_with_their_feedback(db: &Db) {
    let mut tx = db.write().await;
    learners::touch(&mut tx, &db.tenant, &[(learner(1), bucket(1))], NOW).await.unwrap();
    let later = Micros(NOW.0 + 1);
    let fallback = RecommendationRow {
        made_at: later,
        personalised: false,
        model_version: None,
        fallback_reason: Some("cold".into()),
        ..row(&db.tenant, 1)
    };
    let rows = [row(&db.tenant, 1), fallback];
    recommendations::insert(&mut tx, &rows).await.unwrap();
    assert_eq!(recommendations::of_learner(&mut tx, &db.tenant, learner(1)).await.unwrap(), rows);
    assert_eq!(recommendations::get(&mut tx, &db.tenant, rows[1].id).await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(recommendations::get(&mut tx, &TenantId::parse("another").unwrap(), rows[1].id).await.unwrap(), None);
    assert!(recommendations::add_feedback(&mut tx, &db.tenant, rows[0].id, &item("algebra"), "clicked", NOW).await.unwrap());
    assert!(!recommendations::add_feedback(&mut tx, &db.tenant, Uuid::now_v7(), &item("algebra"), "clicked", NOW).await.unwrap());
}

pub async fn nothing_is_written_for_a_learner_who_is_gone(db: &Db) {
    let mut tx = db.write().await;
    learners::touch(&mut tx, &db.tenant, &[(learner(1), bucket(1))], NOW).await.unwrap();
    let rows: Vec<_> = (0..1_100).map(|number| row(&db.tenant, 1 + number % 2)).collect();
    recommendations::insert(&mut tx, &rows).await.unwrap();
    assert_eq!(recommendations::of_learner(&mut tx, &db.tenant, learner(1)).await.unwrap().len(), 550);
    assert_eq!(recommendations::of_learner(&mut tx, &db.tenant, learner(2)).await.unwrap(), []);
    assert!(!recommendations::add_feedback(&mut tx, &db.tenant, rows[1].id, &item("algebra"), "clicked", NOW).await.unwrap());
}
