//! Four lines a learner: `index,user` / items / skills / 0-1.
//!
//! The source repeats a problem once a skill, one row after the other, with the same answer: read as it stands, the row
//! before gives the answer away. Such rows (same item, another skill, same answer) become one attempt with several skills.

use std::path::Path;

use super::lines::{self, Lines};
use super::{Builder, Log, LogError, LoggedAnswer};

pub(super) fn read(path: &Path) -> Result<Log, LogError> {
    let mut rows = Lines::open(path)?;
    let mut builder = Builder::default();
    while let Some(header) = rows.next_full()? {
        let Some((_, user)) = header.split_once(',') else {
            return Err(rows.wrong("expected `index,user`; for files with three lines a learner use skills3"));
        };
        let learner = builder.learner(user.trim());
        let (items, skills, answers) = (rows.expect("the items")?, rows.expect("the skills")?, rows.expect("the answers")?);
        let (items, skills, answers) = (lines::values(&items), lines::values(&skills), lines::values(&answers));
        if items.len() != skills.len() || items.len() != answers.len() {
            return Err(rows.wrong(format!("{} items, {} skills and {} answers of one learner", items.len(), skills.len(), answers.len())));
        }
        for row in 0..items.len() {
            let item = lines::item(items[row]).map_err(|why| rows.wrong(why))?;
            let skill = lines::skill(skills[row]).map_err(|why| rows.wrong(why))?;
            let correct = lines::right_or_wrong(answers[row]).map_err(|why| rows.wrong(format!("answer {}: {why}", row + 1)))?;
            builder.attempt(learner, LoggedAnswer::new(item, correct), vec![skill], None);
        }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ItemId;

    fn parse(text: &str) -> Result<Log, LogError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_row_repeated_for_another_skill_is_one_attempt() {
        // Item 5 twice with skills 1, 2 (one attempt), then again with skill 1 (a second one), then item 6 with another answer.
        let log = parse("0,42\n5,5,5,6,6\n1,2,1,3,4\n1,1,1,0,1\n").unwrap();
        let answers: Vec<(&str, bool)> = log.learners[0].answers.iter().map(|a| (a.item.as_str(), a.correct)).collect();
        assert_eq!(answers, [("5", true), ("5", true), ("6", false), ("6", true)]);
        assert_eq!(log.catalog.items[&ItemId::parse("5").unwrap()].skills.len(), 2);
        assert_eq!((log.learners[0].id.as_str(), log.repeated_rows), ("42", 1));
    }

    #[test]
    fn lines_of_different_length_are_refused_with_their_line() {
        let error = parse("0,42\n5,5\n1,2\n1\n").unwrap_err().to_string();
        assert!(error.ends_with("line 4: 2 items, 2 skills and 1 answers of one learner"), "{error}");
        let error = parse("0,42\n5,5\n").unwrap_err().to_string();
        assert!(error.ends_with("line 3: the file ends where the skills should be"), "{error}");
    }
}
