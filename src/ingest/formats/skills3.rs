//! Three lines a learner: header / skills / 0-1. There are no items: the skill is the item.
//!
//! The header is `index,user`, or a length alone; a learner without a name is called after the file and the line.

use std::path::Path;

use super::lines::{self, Lines};
use super::{Builder, Log, LogError, LoggedAnswer};

pub(super) fn read(path: &Path) -> Result<Log, LogError> {
    let mut rows = Lines::open(path)?;
    let mut builder = Builder::default();
    let stem = lines::stem(path);
    while let Some(header) = rows.next_full()? {
        let learner = match header.split_once(',') {
            Some((_, user)) => builder.learner(user.trim()),
            None => builder.learner(&format!("{stem}:{}", rows.number)),
        };
        let (skills, answers) = (rows.expect("the skills")?, rows.expect("the answers")?);
        let (skills, answers) = (lines::values(&skills), lines::values(&answers));
        if skills.len() != answers.len() {
            return Err(rows.wrong(format!("{} skills and {} answers of one learner", skills.len(), answers.len())));
        }
        for (position, (skill, answer)) in skills.into_iter().zip(answers).enumerate() {
            let item = lines::item(skill).map_err(|why| rows.wrong(why))?;
            let skill = lines::skill(skill).map_err(|why| rows.wrong(why))?;
            let correct = lines::right_or_wrong(answer).map_err(|why| rows.wrong(format!("answer {}: {why}", position + 1)))?;
            builder.exercise(&item, [skill]);
            builder.push(learner, LoggedAnswer::new(item, correct), None);
        }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skill_is_the_item_and_headers_may_lack_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test1.csv");
        std::fs::write(&path, "0,355172\n8,8,1\n1,0,1\n2\n3,4\n0,1\n").unwrap();
        let log = read(&path).unwrap();
        assert_eq!(log.learners.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), ["355172", "test1:4"]);
        assert_eq!(log.answers(), 5);
        assert!(log.catalog.items.values().all(|item| item.skills.len() == 1 && item.skills[0].as_str() == item.id.as_str()));
    }
}
