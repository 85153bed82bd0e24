//! What survives, and what is said when the disk or a lock stands in the way.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use parcours::config::DatabaseConfig;
use parcours::store::{Store, StoreError, events};

use super::{Db, answer, connect};

const FOLDER: &str = "PARCOURS_TEST_KILL_FOLDER";

/// Acknowledges events, one line each, until it is killed. Runs in a process of its own; alone it does nothing.
#[tokio::test]
async fn child_that_acknowledges_events() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let url = format!("sqlite:{}/test.db", folder.display());
    let db = Db::open(url, None).await;
    for nth in 0.. {
        db.ingest(&[answer(1, "algebra", nth, true), answer(2, "geometry", nth, false)]).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {nth}").and_then(|()| out.flush()).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_nine() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::durability::child_that_acknowledges_events", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = 0;
    while acknowledged < 40 {
        let line = lines.next().expect("the child goes on").unwrap();
        acknowledged += i64::from(line.contains("acknowledged"));
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    // Lines already in the pipe were acknowledged, too.
    acknowledged += lines.map_while(Result::ok).filter(|line| line.contains("acknowledged")).count() as i64;

    let url = format!("sqlite:{}/test.db", folder.path().display());
    let db = Db::open(url, None).await;
    let keys: Vec<_> = (0..acknowledged)
        .flat_map(|nth| [answer(1, "algebra", nth, true), answer(2, "geometry", nth, false)])
        .map(|new| new.event.key)
        .collect();
    let known = events::known(&mut db.read().await, &db.tenant, &keys).await.unwrap();
    assert_eq!(known.len(), keys.len());
    let (stored, _) = events::count(&mut db.read().await, &db.tenant).await.unwrap();
    assert!(stored % 2 == 0 && stored >= acknowledged * 2, "each unit of work is there as a whole: {stored}");
    let counted: i64 =
        parcours::store::counts::all(&mut db.read().await, &db.tenant).await.unwrap().iter().map(|count| count.attempts).sum();
    assert_eq!(counted, stored);
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_then_available_again() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        DatabaseConfig { url: format!("sqlite:{}/test.db", folder.path().display()), busy_timeout_ms: 200, ..DatabaseConfig::default() };
    let db = Db::open(config.url.clone(), None).await;
    let other_process = Store::connect(&config).await.unwrap();

    let lock = db.write().await;
    let blocked = other_process.write().await;
    assert!(matches!(blocked, Err(StoreError::Unavailable(_))), "{blocked:?}");
    let mut reading = other_process.read().await.unwrap();
    assert_eq!(events::count(&mut reading, &db.tenant).await.unwrap(), (0, 0), "readers are not held up");
    drop(lock);
    assert!(other_process.write().await.is_ok());
}

#[tokio::test]
async fn a_writer_that_waits_too_long_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        DatabaseConfig { url: format!("sqlite:{}/test.db", folder.path().display()), busy_timeout_ms: 200, ..DatabaseConfig::default() };
    let store = Store::connect(&config).await.unwrap();
    let _held = store.write().await.unwrap();
    let second = store.write().await;
    assert!(matches!(second, Err(StoreError::Unavailable(_))), "{second:?}");
}

#[tokio::test]
async fn a_full_disk_is_not_writable_and_nothing_is_lost() {
    let db = Db::sqlite().await.unwrap();
    db.ingest(&(0..100).map(|nth| answer(1, "algebra", nth, true)).collect::<Vec<_>>()).await;
    let Store::Sqlite { writer, .. } = &db.store else { unreachable!() };
    sqlx::query("PRAGMA max_page_count = 10").execute(writer).await.unwrap();
    let flood: Vec<_> = (0..20_000).map(|nth| answer(2, "geometry", nth, true)).collect();
    let mut tx = db.write().await;
    let refused = events::insert(&mut tx, &db.tenant, &flood, super::NOW).await;
    assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
    drop(tx);
    assert_eq!(events::count(&mut db.read().await, &db.tenant).await.unwrap(), (100, 100));
    sqlx::query("PRAGMA max_page_count = 4294967294").execute(writer).await.unwrap();
    db.ingest(&flood).await;
    assert_eq!(events::count(&mut db.read().await, &db.tenant).await.unwrap(), (20_100, 20_100));
}

#[tokio::test]
async fn a_read_only_database_is_not_writable() {
    let db = Db::sqlite().await.unwrap();
    let Store::Sqlite { writer, .. } = &db.store else { unreachable!() };
    sqlx::query("PRAGMA query_only = ON").execute(writer).await.unwrap();
    let refused = db.store.write().await;
    assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
    assert_eq!(events::count(&mut db.read().await, &db.tenant).await.unwrap(), (0, 0), "reading goes on");
}

#[tokio::test]
async fn a_postgres_that_is_not_there_is_unavailable() {
    let config = DatabaseConfig { url: "postgres://nobody@127.0.0.1:1/none".into(), busy_timeout_ms: 500, ..DatabaseConfig::default() };
    let outcome = Store::connect(&config).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn several_processes_may_open_a_new_database_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let urls = [Some(format!("sqlite:{}/test.db", folder.path().display())), crate::support::postgres::database().await];
    for url in urls.into_iter().flatten() {
        let stores = futures::future::join_all((0..4).map(|_| connect(&url))).await;
        for store in &stores {
            store.ping().await.unwrap();
            assert_eq!(parcours::store::tenants::list(&mut store.read().await.unwrap()).await.unwrap(), []);
        }
    }
}

#[tokio::test]
async fn a_url_that_cannot_work_says_so() {
    for url in ["mysql://x", "sqlite::memory:", "sqlite:file:x?mode=memory"] {
        let config = DatabaseConfig { url: url.into(), ..DatabaseConfig::default() };
        let outcome = Store::connect(&config).await;
        assert!(matches!(outcome, Err(StoreError::Setup(_))), "{url}: {outcome:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_sqlite_files_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(format!("sqlite:{}/new/test.db", folder.path().display()), None).await;
    db.ingest(&[answer(1, "algebra", 0, true)]).await;
    let modes: Vec<_> = std::fs::read_dir(folder.path().join("new"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert!(modes.len() >= 2 && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
}

#[tokio::test]
async fn an_erased_row_leaves_no_bytes_in_the_sqlite_files() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/test.db", folder.path().display());
    let db = Db::open(url.clone(), None).await;
    db.ingest(&(0..500).map(|nth| answer(1, "an item only they answered", nth, true)).collect::<Vec<_>>()).await;
    db.ingest(&(0..500).map(|nth| answer(2, "algebra", nth, true)).collect::<Vec<_>>()).await;
    let holds = |needle: &[u8]| {
        std::fs::read_dir(folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    let (one, two) = (super::learner(1), super::learner(2));
    assert!(holds(one.as_bytes()));
    let mut tx = db.write().await;
    parcours::store::counts::subtract_learner(&mut tx, &db.tenant, one).await.unwrap();
    parcours::store::learners::delete_everywhere(&mut tx, &db.tenant, one).await.unwrap();
    tx.commit().await.unwrap();
    db.store.scrub().await.unwrap();
    assert!(!holds(one.as_bytes()) && !holds(b"an item only they answered"), "neither in the database nor in its write-ahead log");
    assert!(holds(two.as_bytes()));
    db.store.close().await;
    assert_eq!(events::count(&mut connect(&url).await.read().await.unwrap(), &db.tenant).await.unwrap(), (500, 500));
}
