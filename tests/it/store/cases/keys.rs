use parcours::domain::hash::Hasher;
use parcours::domain::key::ApiKey;
use parcours::domain::{Micros, Scope, TenantId};
use parcours::store::{StoreError, keys, tenants};
use uuid::Uuid;

use crate::store::{Db, NOW};

fn key(tenant: &TenantId, name: &str, age: i64) -> ApiKey {
    let scopes = vec![Scope::Ingest, Scope::Recommend];
    ApiKey { id: Uuid::now_v7(), tenant: tenant.clone(), name: name.into(), scopes, created_at: Micros(NOW.0 - age), revoked_at: None }
}

pub async fn a_key_is_found_by_its_secret_until_revoked(db: &Db) {
    let secret = Hasher::new("parcours test secret").finish();
    let key = key(&db.tenant, "lms", 0);
    let mut tx = db.write().await;
    keys::insert(&mut tx, &key, &secret).await.unwrap();
    assert_eq!(keys::find(&mut tx, &secret).await.unwrap(), Some(key.clone()));
    assert_eq!(keys::find(&mut tx, &Hasher::new("parcours test secret").number(1).finish()).await.unwrap(), None);
    assert!(keys::revoke(&mut tx, key.id, NOW).await.unwrap());
    assert!(!keys::revoke(&mut tx, key.id, NOW).await.unwrap(), "revoked once");
    assert_eq!(keys::find(&mut tx, &secret).await.unwrap(), None);
    assert_eq!(keys::list(&mut tx, None).await.unwrap()[0].revoked_at, Some(NOW));
    assert!(matches!(keys::insert(&mut tx, &key, &secret).await, Err(StoreError::Database(_))), "a secret is unique");
}

pub async fn keys_are_listed_by_tenant(db: &Db) {
    let other = TenantId::parse("another").unwrap();
    let mut tx = db.write().await;
    tenants::ensure(&mut tx, &other, NOW).await.unwrap();
    for (number, key) in [key(&db.tenant, "young", 1), key(&db.tenant, "old", 2), key(&other, "theirs", 3)].iter().enumerate() {
        keys::insert(&mut tx, key, &Hasher::new("parcours test secret").number(number as u64).finish()).await.unwrap();
    }
    let names = |keys: Vec<ApiKey>| keys.into_iter().map(|key| key.name).collect::<Vec<_>>();
    assert_eq!(names(keys::list(&mut tx, Some(&db.tenant)).await.unwrap()), ["old", "young"]);
    assert_eq!(names(keys::list(&mut tx, None).await.unwrap()), ["theirs", "old", "young"]);
}
