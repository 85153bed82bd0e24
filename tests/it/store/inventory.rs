//! No table may hold learner data that the inventory does not know how to export and delete.

use std::collections::BTreeMap;

use parcours::domain::{Consent, Pseudonym};
use parcours::store::consents::{self, ConsentEntry};
use parcours::store::inventory::{Handling, TABLES};
use parcours::store::quarantine::{self, QuarantinedEvent};
use parcours::store::{Backend, recommendations};
use parcours::with_tx;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Db, NOW, answer, item, learner};

/// Tables of the schema with their columns.
async fn schema(db: &Db) -> BTreeMap<String, Vec<String>> {
    let sql = match db.store.backend() {
        Backend::Sqlite => {
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
        }
        Backend::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'"
        }
    };
    let rows: Vec<(String, String)> = with_tx!(&mut db.read().await, |conn| sqlx::query_as(sql).fetch_all(conn).await).unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in rows {
        tables.entry(table).or_default().push(column);
    }
    tables
}

async fn the_inventory_is_the_schema(db: &Db) {
    let schema = schema(db).await;
    let listed: Vec<_> = TABLES.iter().map(|(table, _)| table.to_string()).collect();
    assert_eq!(schema.keys().cloned().collect::<Vec<_>>(), listed, "store/inventory.rs lists every table, sorted");
    for (table, handling) in TABLES {
        let has_learner = schema[*table].iter().any(|column| column == "learner");
        let by_pseudonym = matches!(handling, Handling::ByPseudonym { .. });
        assert_eq!(has_learner, by_pseudonym, "table {table}: a learner column and deletion by pseudonym go together");
        if let Handling::ByPseudonym { column, .. } = handling {
            assert!(schema[*table].iter().any(|name| name == column), "table {table} has the column it is deleted by");
        }
    }
    // The one other place a pseudonym may lie: an erasure request that is not completed yet.
    for (table, columns) in &schema {
        assert_eq!(columns.iter().any(|column| column == "subject"), table == "erasure_requests", "table {table}");
    }
}

#[tokio::test]
async fn the_inventory_is_the_sqlite_schema() {
    the_inventory_is_the_schema(&Db::sqlite().await.unwrap()).await;
}

#[tokio::test]
async fn the_inventory_is_the_postgres_schema() {
    if let Some(db) = Db::postgres().await {
        the_inventory_is_the_schema(&db).await;
    }
}

/// Gives learner `who` at least one row in every table of the inventory that holds learners.
pub async fn fill_every_learner_table(db: &Db, who: u64) {
    db.ingest(&[answer(who, "algebra", 0, true), answer(who, "geometry", 1, false)]).await;
    let mut tx = db.write().await;
    let entry = ConsentEntry {
        purpose: "personalisation".into(),
        choice: Consent::OptedOut,
        text_version: "1".into(),
        source: "api".into(),
        chosen_at: NOW,
    };
    consents::record(&mut tx, &db.tenant, learner(who), &entry).await.unwrap();
    let back = ConsentEntry { choice: Consent::Personalised, ..entry };
    consents::record(&mut tx, &db.tenant, learner(who), &back).await.unwrap();
    let quarantined = QuarantinedEvent {
        id: Uuid::now_v7(),
        learner: Some(learner(who)),
        reason: "future".into(),
        detail: String::new(),
        payload: serde_json::json!({}),
        received_at: NOW,
    };
    quarantine::insert(&mut tx, &db.tenant, &[quarantined]).await.unwrap();
    let row = super::cases::recommendations::row(&db.tenant, who);
    recommendations::insert(&mut tx, std::slice::from_ref(&row)).await.unwrap();
    assert!(recommendations::add_feedback(&mut tx, &db.tenant, row.id, &item("algebra"), "clicked", NOW).await.unwrap());
    tx.commit().await.unwrap();
}

/// How many rows the learner has in each table that may hold any.
pub async fn rows_of(db: &Db, who: Pseudonym) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for (table, handling) in TABLES {
        if let Handling::ByPseudonym { column, .. } = handling {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = $1 AND {column} = $2");
            let count: i64 = with_tx!(&mut db.read().await, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(&db.tenant)
                .bind(who)
                .fetch_one(conn)
                .await)
            .unwrap();
            rows.push((*table, count));
        }
    }
    rows
}
