use parcours::domain::{Consent, ShardId, TenantId};
use parcours::store::tenants::{self, OptOutPolicy, TenantPolicy};
use parcours::store::{learners, shards};
use parcours::with_tx;
use sqlx::AssertSqlSafe;

use crate::store::inventory::fill_every_learner_table;
use crate::store::{Db, NOW, bucket, learner};

pub async fn a_tenant_is_made_once(db: &Db) {
    let mut tx = db.write().await;
    tenants::set_policy(&mut tx, &db.tenant, &TenantPolicy { opt_out: OptOutPolicy::Immediate }).await.unwrap();
    tenants::ensure(&mut tx, &db.tenant, NOW).await.unwrap();
    tenants::ensure(&mut tx, &TenantId::parse("another").unwrap(), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.read().await;
    let all = tenants::list(&mut tx).await.unwrap();
    assert_eq!(all.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["another", "lycee"]);
    assert_eq!(all[1].policy.opt_out, OptOutPolicy::Immediate, "ensuring again changes nothing");
    assert_eq!(tenants::get(&mut tx, &TenantId::parse("nobody").unwrap()).await.unwrap(), None);
}

pub async fn a_policy_is_kept(db: &Db) {
    let policy = TenantPolicy { opt_out: OptOutPolicy::Immediate };
    let mut tx = db.write().await;
    assert!(tenants::set_policy(&mut tx, &db.tenant, &policy).await.unwrap());
    assert!(!tenants::set_policy(&mut tx, &TenantId::parse("nobody").unwrap(), &policy).await.unwrap());
    assert_eq!(tenants::get(&mut tx, &db.tenant).await.unwrap().unwrap().policy, policy);
}

pub async fn revisions_count_up(db: &Db) {
    let mut tx = db.write().await;
    assert_eq!(tenants::bump_model_revision(&mut tx, &db.tenant).await.unwrap(), 1);
    assert_eq!(tenants::bump_model_revision(&mut tx, &db.tenant).await.unwrap(), 2);
    assert_eq!(tenants::bump_catalog_revision(&mut tx, &db.tenant).await.unwrap(), 1);
    let tenant = tenants::get(&mut tx, &db.tenant).await.unwrap().unwrap();
    assert_eq!((tenant.model_revision, tenant.catalog_revision), (2, 1));
}

pub async fn a_request_learns_all_it_needs_in_one_query(db: &Db) {
    let mut tx = db.write().await;
    learners::touch(&mut tx, &db.tenant, &[(learner(7), bucket(7))], NOW).await.unwrap();
    tenants::bump_model_revision(&mut tx, &db.tenant).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.store.glance().await.unwrap();
    let known = tenants::request_context(&mut tx, &db.tenant, Some(learner(7))).await.unwrap().unwrap();
    assert_eq!(known.tenant.model_revision, 1);
    let standing = known.standing.unwrap();
    assert_eq!((standing.learner, standing.bucket, standing.consent, standing.revision), (learner(7), bucket(7), Consent::Personalised, 1));
    assert_eq!((standing.first_seen_at, standing.last_seen_at), (NOW, NOW));
    assert_eq!(Some(standing), learners::standing(&mut tx, &db.tenant, learner(7)).await.unwrap());

    assert_eq!(tenants::request_context(&mut tx, &db.tenant, Some(learner(8))).await.unwrap().unwrap().standing, None);
    assert_eq!(tenants::request_context(&mut tx, &db.tenant, None).await.unwrap().unwrap().standing, None);
    assert_eq!(tenants::request_context(&mut tx, &TenantId::parse("nobody").unwrap(), None).await.unwrap(), None);
}

pub async fn a_removed_tenant_leaves_no_row(db: &Db) {
    use parcours::store::inventory::TABLES;
    fill_every_learner_table(db, 1).await;
    let other = TenantId::parse("another").unwrap();
    let mut tx = db.write().await;
    tenants::ensure(&mut tx, &other, NOW).await.unwrap();
    shards::bump(&mut tx, &db.tenant, ShardId(0)).await.unwrap();
    tenants::remove(&mut tx, &db.tenant).await.unwrap();
    tx.commit().await.unwrap();
    for (table, _) in TABLES {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = $1");
        let left: i64 =
            with_tx!(&mut db.read().await, |conn| sqlx::query_scalar(AssertSqlSafe(sql)).bind(&db.tenant).fetch_one(conn).await).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(tenants::list(&mut db.read().await).await.unwrap().len(), 1);
}
