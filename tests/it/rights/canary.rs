//! After an erasure no byte on disk speaks of the learner: database, log, artefacts, ledger.

use std::path::{Path, PathBuf};

use parcours::domain::job::JobPayload;
use parcours::store::jobs;
use sqlx::{Connection, PgConnection};

use super::world::{NOW, World, cohort, name};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// Files under `folder` that hold any of `needles`.
fn holding(folder: &Path, needles: &[Vec<u8>]) -> Vec<(PathBuf, usize)> {
    let mut all = Vec::new();
    files(folder, &mut all);
    let mut found = Vec::new();
    for file in all {
        let bytes = std::fs::read(&file).unwrap();
        for (which, needle) in needles.iter().enumerate() {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push((file.clone(), which));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_speaks_of_an_erased_learner() {
    let world = World::sqlite(|_| {}).await;
    world.send(cohort(60)).await;
    world.refresh().await;
    let gone = name(17);
    let pseudonym = world.pseudonym(&gone);
    let commitment = world.app.secrets.commitment(&world.tenant, pseudonym);
    let text = |bytes: &[u8]| hex::encode(bytes).into_bytes();
    let event_key = world.app.secrets.event_key(&world.tenant, &format!("{gone}/7"));
    let needles = [gone.clone().into_bytes(), pseudonym.as_bytes().to_vec(), text(pseudonym.as_bytes()), event_key.as_bytes().to_vec()];

    // The search finds what is there: the pseudonym before the erasure, never the raw id.
    world.app.store.scrub().await.unwrap();
    let before = holding(world.folder.path(), &needles);
    assert!(before.iter().any(|(_, which)| *which == 1) && before.iter().any(|(_, which)| *which == 3), "{before:?}");
    assert!(before.iter().all(|(_, which)| *which != 0), "a raw learner id reached the disk: {before:?}");
    assert!(!holding(&world.folder.path().join("models"), &[text(&commitment.0)]).is_empty());

    world.erase_fully(&gone).await;
    assert_eq!(holding(world.folder.path(), &needles), []);
    // Events that come too late leave nothing behind either.
    let late = cohort(60).into_iter().filter(|event| event.learner_id == gone).collect::<Vec<_>>();
    assert_eq!(world.send(late).await.quarantined, 40);
    world.app.store.scrub().await.unwrap();
    assert_eq!(holding(world.folder.path(), &needles), []);
    // The commitment is in the receipt, and nowhere else.
    assert_eq!(holding(&world.folder.path().join("models"), &[text(&commitment.0)]), []);
}

/// Files of all tables and indexes of this database, and whether any holds a needle.
async fn relations_holding(connection: &mut PgConnection, needles: &[Vec<u8>]) -> Vec<String> {
    sqlx::query("CHECKPOINT").execute(&mut *connection).await.unwrap();
    let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut *connection).await.unwrap();
    let relations: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.relname::text, pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'pg_toast') AND pg_relation_filepath(c.oid) IS NOT NULL",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    let holds = |path: &String| {
        let bytes = std::fs::read(Path::new(&data).join(path)).unwrap();
        needles.iter().any(|needle| bytes.windows(needle.len()).any(|window| window == needle))
    };
    relations.into_iter().filter(|(_, path)| holds(path)).map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_the_purge_leaves_no_byte_in_any_table_or_index() {
    let Some(world) = World::postgres(|_| {}).await else { return };
    world.send(cohort(60)).await;
    world.refresh().await;
    let gone = name(17);
    let event_key = world.app.secrets.event_key(&world.tenant, &format!("{gone}/7"));
    let needles = [gone.clone().into_bytes(), world.pseudonym(&gone).as_bytes().to_vec(), event_key.as_bytes().to_vec()];
    let mut connection = PgConnection::connect(&world.app.config.database.url).await.unwrap();
    let before = relations_holding(&mut connection, &needles).await;
    assert!(before.contains(&"events".to_string()) && before.contains(&"learners".to_string()), "{before:?}");

    world.erase_fully(&gone).await;
    let mut tx = world.app.store.write().await.unwrap();
    jobs::enqueue(&mut tx, &world.tenant, &JobPayload::Purge { dry_run: false }, None, NOW, NOW).await.unwrap();
    tx.commit().await.unwrap();
    world.work().await;
    assert_eq!(world.jobs().await[0].result.as_ref().unwrap()["rewrite"], true);
    assert_eq!(relations_holding(&mut connection, &needles).await, Vec::<String>::new());
}
