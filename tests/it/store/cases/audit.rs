use parcours::domain::{Micros, TenantId};
use parcours::store::audit::{self, AuditEntry};

use crate::store::{Db, NOW};

pub async fn the_audit_log_is_a_chain(db: &Db) {
    let entry = |number: i64| AuditEntry {
        at: Micros(NOW.0 + number),
        actor: "cli".into(),
        action: "model.promote".into(),
        object: format!("v{number}"),
    };
    let other = TenantId::parse("another").unwrap();
    let mut tx = db.write().await;
    for number in 0..5 {
        audit::append(&mut tx, &db.tenant, &entry(number)).await.unwrap();
        audit::append(&mut tx, &other, &entry(100 + number)).await.unwrap();
    }
    let mut log = audit::list(&mut tx, &db.tenant, 100).await.unwrap();
    assert_eq!(log.len(), 5);
    assert_eq!(audit::list(&mut tx, &db.tenant, 2).await.unwrap(), log[..2]);
    log.reverse();
    let mut previous = None;
    for (number, (found, hash)) in log.into_iter().enumerate() {
        assert_eq!(found, entry(number as i64));
        assert_eq!(hash, found.chained(&db.tenant, previous));
        previous = Some(hash);
    }
}
