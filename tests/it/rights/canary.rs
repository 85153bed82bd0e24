//! After an erasure no byte on disk speaks of the learner: database, log, artefacts, ledger.

use std::path::{Path, PathBuf};

use super::world::{World, cohort, name};

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
    // The commitment is in the receipt, and nowhere else.
    assert_eq!(holding(&world.folder.path().join("models"), &[text(&commitment.0)]), []);
}
