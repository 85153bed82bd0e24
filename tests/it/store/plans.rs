//! The statements of hot paths go by an index, on both databases.

use parcours::store::Backend;
use parcours::with_tx;
use sqlx::{AssertSqlSafe, Row};

use super::{Db, answer};

const HOT: &[(&str, &str)] = &[
    (
        "a request about a learner",
        "SELECT t.policy, l.revision FROM tenants t LEFT JOIN learners l ON l.tenant_id = t.tenant_id AND l.learner = 'x' WHERE t.tenant_id = 'lycee'",
    ),
    ("a key", "SELECT name FROM api_keys WHERE secret_hash = 'x' AND revoked_at IS NULL"),
    ("a learner's events", "SELECT item_id FROM events WHERE tenant_id = 'lycee' AND learner = 'x' ORDER BY occurred_at, event_key"),
    (
        "a learner's usable events",
        "SELECT e.item_id FROM events e JOIN learners l ON l.tenant_id = e.tenant_id AND l.learner = e.learner
         WHERE e.tenant_id = 'lycee' AND e.learner = 'x' AND l.consent = 'personalised' AND NOT EXISTS (
            SELECT 1 FROM opt_outs o WHERE o.tenant_id = e.tenant_id AND o.learner = e.learner
              AND e.occurred_at >= o.from_at AND (o.until_at IS NULL OR e.occurred_at < o.until_at))
         ORDER BY e.occurred_at, e.event_key",
    ),
    (
        "a shard's usable events",
        "SELECT e.item_id FROM learners l CROSS JOIN events e
         WHERE l.tenant_id = 'lycee' AND +l.bucket >= 3 AND +l.bucket < 9 AND e.tenant_id = l.tenant_id AND e.learner = l.learner
         AND l.consent = 'personalised' AND NOT EXISTS (
            SELECT 1 FROM opt_outs o WHERE o.tenant_id = e.tenant_id AND o.learner = e.learner
              AND e.occurred_at >= o.from_at AND (o.until_at IS NULL OR e.occurred_at < o.until_at))
         ORDER BY l.learner, e.occurred_at, e.event_key",
    ),
    ("known events", "SELECT content_hash FROM events WHERE tenant_id = 'lycee' AND event_key = 'x'"),
    ("opt-outs", "SELECT 1 FROM opt_outs WHERE tenant_id = 'lycee' AND learner = 'x'"),
    ("recommendations of a learner", "SELECT items FROM recommendations WHERE tenant_id = 'lycee' AND learner = 'x' ORDER BY made_at"),
    ("feedback of a learner", "DELETE FROM feedback WHERE tenant_id = 'lycee' AND learner = 'x'"),
    ("quarantine of a learner", "DELETE FROM quarantine WHERE tenant_id = 'lycee' AND learner = 'x'"),
    ("consents of a learner", "SELECT choice FROM consents WHERE tenant_id = 'lycee' AND learner = 'x' ORDER BY chosen_at"),
    ("newest quarantine", "SELECT reason FROM quarantine WHERE tenant_id = 'lycee' ORDER BY received_at DESC LIMIT 10"),
    ("newest jobs", "SELECT message FROM jobs WHERE tenant_id = 'lycee' ORDER BY created_at DESC LIMIT 10"),
    ("newest audit entry", "SELECT entry_hash FROM audit_log WHERE tenant_id = 'lycee' ORDER BY sequence DESC LIMIT 1"),
    ("open erasures of a shard", "SELECT request_id FROM erasure_requests WHERE tenant_id = 'lycee' AND shard = 3 AND step <> 'completed'"),
];

async fn plan(db: &Db, statement: &str) -> String {
    let mut tx = db.write().await;
    if db.store.backend() == Backend::Postgres {
        // A planner that sees a near-empty table rightly scans it; here we ask whether an index would serve.
        for detour in ["seqscan", "bitmapscan", "sort"] {
            let sql = format!("SET LOCAL enable_{detour} = off");
            with_tx!(&mut tx, |conn| sqlx::query(AssertSqlSafe(sql)).execute(conn).await.map(drop)).unwrap();
        }
    }
    let (prefix, column) = match db.store.backend() {
        Backend::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
        Backend::Postgres => ("EXPLAIN ", 0),
    };
    with_tx!(&mut tx, |conn| {
        let rows = sqlx::query(AssertSqlSafe(format!("{prefix}{statement}"))).fetch_all(conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(column)).collect::<Vec<_>>().join("\n")
    })
}

async fn hot_statements_use_an_index(db: &Db) {
    db.ingest(&(0..50).map(|nth| answer(nth as u64, "algebra", nth, true)).collect::<Vec<_>>()).await;
    for (what, statement) in HOT {
        let plan = plan(db, statement).await;
        let scans = plan.lines().any(|line| line.trim_start().starts_with("SCAN") || line.contains("Seq Scan"));
        let sorts = plan.contains("TEMP B-TREE") || plan.contains("Sort");
        assert!(!scans && !sorts, "{what}: {statement}\n{plan}");
    }
}

#[tokio::test]
async fn hot_statements_use_an_index_on_sqlite() {
    hot_statements_use_an_index(&Db::sqlite().await.unwrap()).await;
}

#[tokio::test]
async fn hot_statements_use_an_index_on_postgres() {
    if let Some(db) = Db::postgres().await {
        hot_statements_use_an_index(&db).await;
    }
}
