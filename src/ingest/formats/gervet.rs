//! `user_id item_id timestamp correct skill_id`, tab-separated with a header; one row an answer, in order.

use std::collections::BTreeMap;
use std::path::Path;

use super::lines::{self, Lines};
use super::{Builder, Log, LogError, LoggedAnswer};
use crate::domain::{ItemId, SkillId};

pub(super) fn read(path: &Path, item_skill: Option<&Path>) -> Result<Log, LogError> {
    let skills = item_skill.map(table).transpose()?;
    let mut rows = Lines::open(path)?;
    let header = rows.expect("the header")?;
    let names: Vec<&str> = header.split('\t').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|&other| other == name);
    let missing = |name: &str| rows.wrong(format!("the header has no column {name:?}"));
    let user = column("user_id").ok_or_else(|| missing("user_id"))?;
    let item = column("item_id").ok_or_else(|| missing("item_id"))?;
    let correct = column("correct").ok_or_else(|| missing("correct"))?;
    let (time, skill) = (column("timestamp"), column("skill_id"));

    // Times that are all 0 say nothing: they are made up once the whole file was seen.
    let mut parsed: Vec<(usize, LoggedAnswer, f64)> = Vec::new();
    let mut builder = Builder::default();
    let mut fields: Vec<String> = Vec::with_capacity(names.len());
    let mut any_time = false;
    while let Some(line) = rows.next()? {
        if line.is_empty() {
            continue;
        }
        fields.clear();
        fields.extend(line.split('\t').map(|field| field.trim().to_owned()));
        if fields.len() != names.len() {
            return Err(rows.wrong(format!("{} fields where the header has {}", fields.len(), names.len())));
        }
        let item = lines::item(&fields[item]).map_err(|why| rows.wrong(why))?;
        let correct = lines::right_or_wrong(&fields[correct]).map_err(|why| rows.wrong(format!("correct: {why}")))?;
        if fields[user].is_empty() {
            return Err(rows.wrong("user_id is empty"));
        }
        let seconds = match time {
            Some(time) => fields[time]
                .parse::<f64>()
                .map_err(|_| rows.wrong(format!("timestamp: {:?} is not a number", lines::clipped(&fields[time]))))?,
            None => 0.0,
        };
        any_time |= seconds != 0.0;
        match (&skills, skill) {
            (Some(table), _) => builder.exercise(&item, table.get(&item).into_iter().flatten().cloned()),
            (None, Some(skill)) if !fields[skill].is_empty() => {
                let skill = lines::skill(&fields[skill]).map_err(|why| rows.wrong(format!("skill_id: {why}")))?;
                builder.exercise(&item, [skill]);
            }
            (None, _) => builder.item(&item),
        }
        let learner = builder.learner(&fields[user]);
        parsed.push((learner, LoggedAnswer::new(item, correct), seconds));
    }
    for (learner, answer, seconds) in parsed {
        let time = if any_time { Some(lines::moment(seconds).map_err(LogError::Usage)?) } else { None };
        builder.push(learner, answer, time);
    }
    Ok(builder.finish())
}

/// `item_id skill` pairs.
fn table(path: &Path) -> Result<BTreeMap<ItemId, Vec<SkillId>>, LogError> {
    let mut rows = Lines::open(path)?;
    rows.expect("the header")?;
    let mut table: BTreeMap<ItemId, Vec<SkillId>> = BTreeMap::new();
    while let Some(line) = rows.next_full()? {
        let Some((item, skill)) = line.split_once(['\t', ',']) else {
            return Err(rows.wrong("expected an item and a skill"));
        };
        let item = lines::item(item.trim()).map_err(|why| rows.wrong(why))?;
        let skill = lines::skill(skill.trim()).map_err(|why| rows.wrong(why))?;
        table.entry(item).or_default().push(skill);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn rows_become_answers_and_the_table_gives_skills() {
        let folder = tempfile::tempdir().unwrap();
        let log = file(
            folder.path(),
            "train.tsv",
            "user_id\titem_id\ttimestamp\tcorrect\tskill_id\n7\ta\t0\t1\t3\n8\tb\t0\t0\t4\n7\tb\t0\t1\t4\n",
        );
        let skills = file(folder.path(), "item_skill.tsv", "item_id\tskill\na\tx\na\ty\nb\tx\n");
        let read = read(&log, Some(&skills)).unwrap();
        assert_eq!(read.learners.len(), 2);
        assert_eq!(read.learners[0].answers.len(), 2);
        assert_eq!(read.catalog.items[&ItemId::parse("a").unwrap()].skills.len(), 2);
        assert_eq!(read.catalog.skills.len(), 2);
        let times: Vec<i64> = read.learners[0].answers.iter().map(|a| a.occurred_at.0 - super::super::EPOCH.0).collect();
        assert_eq!(times, [0, 60_000_000]);
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = file(folder.path(), "train.tsv", "user_id\titem_id\ttimestamp\tcorrect\tskill_id\n7\ta\t0\t1\t3\n8\tb\t0\t2\t4\n");
        let error = read(&log, None).unwrap_err().to_string();
        assert!(error.ends_with("line 3: correct: \"2\" is neither 0 nor 1"), "{error}");
    }
}
