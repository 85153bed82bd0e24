//! The readers against the real logs, held to the numbers their sources publish. Skipped where the logs are not at hand.

use std::path::PathBuf;

use parcours::domain::TenantId;
use parcours::ingest::formats::{EPOCH, Format, Log, ReadOptions, read};
use parcours::privacy::Secrets;

/// A file or folder of the shared data; `None`, said aloud, when it is not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let base =
        std::env::var_os("PARCOURS_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let file = base.join("data").join(path);
    if !file.exists() {
        println!("skipped: {path} is not at hand");
        return None;
    }
    Some(file)
}

fn log(format: Format, path: &str, item_skill: Option<&str>) -> Option<Log> {
    let options = ReadOptions { item_skill: item_skill.and_then(shared), ..ReadOptions::default() };
    Some(read(format, &shared(path)?, &options).unwrap())
}

#[test]
fn gervet_rows_are_all_there() {
    let table = Some("assist2009/gervet/item_skill.tsv.gz");
    let Some(train) = log(Format::Gervet, "assist2009/gervet/train.tsv.gz", table) else { return };
    let Some(test) = log(Format::Gervet, "assist2009/gervet/test.tsv.gz", table) else { return };
    assert_eq!((train.answers(), test.answers()), (220_070, 58_266));
    assert!((train.learners.len() as i64 - 2_491).abs() <= 1 && test.learners.len() == 623);
    assert!(train.catalog.skills.len() <= 123 && train.catalog.items.values().any(|item| item.skills.len() > 1));
    assert_eq!(train.learners[0].answers[0].occurred_at, EPOCH);
    let known: std::collections::HashSet<&str> = train.learners.iter().map(|learner| learner.id.as_str()).collect();
    assert!(test.learners.iter().all(|learner| !known.contains(learner.id.as_str())));

    let (secrets, tenant) = (Secrets::from_seed(1), TenantId::default());
    let events = test.events(&secrets, &tenant);
    assert_eq!(events.len(), 58_266);
    let order = |a: &parcours::domain::Event| (a.learner, a.occurred_at, a.key);
    assert!(events.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])));
}

#[test]
fn akt_rows_repeated_for_a_second_skill_are_one_attempt() {
    let mut answers = 0;
    let mut learners = 0;
    for fold in 1..=5 {
        let Some(log) = log(Format::Akt, &format!("assist2009/akt5fold/assist2009_pid_test{fold}.csv.gz"), None) else { return };
        answers += log.answers();
        learners += log.learners.len();
    }
    // 325,589 rows, of which 51,033 repeat the row before; five of those come back to a skill the attempt already has.
    assert_eq!((learners, answers), (4_150, 325_589 - 51_028));
}

#[test]
fn mikt_files_find_their_skills() {
    let Some(log) = log(Format::Mikt, "assist2009/mikt", None) else { return };
    assert_eq!((log.learners.len(), log.answers()), (4_160, 259_105));
    assert!(log.catalog.items.values().all(|item| !item.skills.is_empty()));
    assert_eq!(log.catalog.skills.len(), 123);
}

#[test]
fn skills3_covers_logs_of_skills_alone() {
    let (mut learners, mut answers) = (0, 0);
    for fold in 1..=5 {
        let Some(log) = log(Format::Skills3, &format!("assist2015/akt5fold/assist2015_test{fold}.csv.gz"), None) else { return };
        learners += log.learners.len();
        answers += log.answers();
        assert!(log.catalog.items.len() <= 100);
    }
    assert_eq!((learners, answers), (19_840, 683_801));
    let Some(statics) = log(Format::Skills3, "statics2011/akt5fold/statics_test1.csv.gz", None) else { return };
    assert_eq!(statics.learners.len(), 66);
}

#[test]
fn times_in_seconds_are_read() {
    let Some(log) = log(Format::Gervet, "algebra2005_timed/interactions.tsv.gz", Some("algebra2005_timed/item_skill.tsv.gz")) else {
        return;
    };
    assert_eq!((log.learners.len(), log.answers()), (114, 129_998));
    assert_eq!(log.learners[0].answers[0].occurred_at.0 - EPOCH.0, 11_622_000_000);
}
