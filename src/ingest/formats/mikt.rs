//! Three lines a learner: length / question ids / 0-1, in `*_question.txt`. Skills of questions are in `*_ques_skill.csv`
//! beside it (one pair a row); where that is missing, the same lines of `*_skill.txt` name a skill combination per answer.
//! Learners have no names: they are called after the file and the line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::lines::{self, Lines};
use super::{Builder, Log, LogError, LoggedAnswer};
use crate::domain::{ItemId, SkillId};

pub(super) fn read(path: &Path) -> Result<Log, LogError> {
    let io = |source| LogError::Io { path: path.to_owned(), source };
    let mut builder = Builder::default();
    if path.is_dir() {
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if lines::stem(&file).ends_with("_question") {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(LogError::Usage(format!("{} holds no *_question.txt", path.display())));
        }
        for file in files {
            read_one(&file, &mut builder)?;
        }
    } else {
        read_one(path, &mut builder)?;
    }
    Ok(builder.finish())
}

fn read_one(path: &Path, builder: &mut Builder) -> Result<(), LogError> {
    let stem = lines::stem(path);
    let skills = pairs(path, &stem)?;
    let mut combinations = match &skills {
        Some(_) => None,
        None => sibling(path, &format!("{}_skill.txt", stem.trim_end_matches("_question"))).map(|file| Lines::open(&file)).transpose()?,
    };
    let mut rows = Lines::open(path)?;
    while let Some(header) = rows.next_full()? {
        let length: usize = header.trim().parse().map_err(|_| rows.wrong(format!("{:?} is not a length", lines::clipped(&header))))?;
        let learner = builder.learner(&format!("{stem}:{}", rows.number));
        let (questions, answers) = (rows.expect("the questions")?, rows.expect("the answers")?);
        let (questions, answers) = (lines::values(&questions), lines::values(&answers));
        if questions.len() != length || answers.len() != length {
            return Err(rows.wrong(format!("{} questions and {} answers where {length} were announced", questions.len(), answers.len())));
        }
        let combined = match &mut combinations {
            Some(file) => {
                file.expect("a length")?;
                let line = file.expect("the skills")?;
                file.expect("the answers")?;
                Some(line)
            }
            None => None,
        };
        let combined = combined.as_deref().map(lines::values);
        for position in 0..length {
            let item = lines::item(questions[position]).map_err(|why| rows.wrong(why))?;
            let correct = lines::right_or_wrong(answers[position]).map_err(|why| rows.wrong(format!("answer {}: {why}", position + 1)))?;
            match (&skills, &combined) {
                (Some(table), _) => builder.exercise(&item, table.get(&item).into_iter().flatten().cloned()),
                (None, Some(line)) => {
                    let skill = line.get(position).ok_or_else(|| rows.wrong("the skill file has a shorter line here"))?;
                    builder.exercise(&item, [lines::skill(skill).map_err(|why| rows.wrong(why))?]);
                }
                (None, None) => builder.item(&item),
            }
            builder.push(learner, LoggedAnswer::new(item, correct), None);
        }
    }
    Ok(())
}

/// Question -> skills, from `NAME_ques_skill.csv` or `ques_skill.csv` beside the question file.
fn pairs(path: &Path, stem: &str) -> Result<Option<HashMap<ItemId, Vec<SkillId>>>, LogError> {
    let data_set = stem.trim_end_matches("_question").rsplit_once('_').map(|(name, _)| name);
    let named = data_set.and_then(|name| sibling(path, &format!("{name}_ques_skill.csv")));
    let Some(file) = named.or_else(|| sibling(path, "ques_skill.csv")) else { return Ok(None) };
    let mut rows = Lines::open(&file)?;
    rows.expect("the header")?;
    let mut table: HashMap<ItemId, Vec<SkillId>> = HashMap::new();
    while let Some(line) = rows.next_full()? {
        let Some((question, skill)) = line.split_once(',') else {
            return Err(rows.wrong("expected a question and a skill"));
        };
        let item = lines::item(question.trim()).map_err(|why| rows.wrong(why))?;
        let skill = lines::skill(skill.trim()).map_err(|why| rows.wrong(why))?;
        table.entry(item).or_default().push(skill);
    }
    Ok(Some(table))
}

/// `name` or `name.gz` in the folder of `path`.
fn sibling(path: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")].into_iter().map(|name| path.with_file_name(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skills_come_from_the_pairs_beside() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("school_train_question.txt", "2\n10,11\n1,0\n1\n10\n1\n");
        write("school_ques_skill.csv", "ques,skill\n10,1\n10,2\n11,2\n");
        let log = read(folder.path()).unwrap();
        assert_eq!(log.learners.len(), 2);
        assert_eq!(log.learners[0].id, "school_train_question:1");
        assert_eq!(log.catalog.items[&ItemId::parse("10").unwrap()].skills.len(), 2);
    }

    #[test]
    fn without_pairs_the_skill_lines_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("school_train_question.txt", "2\n10,11\n1,0\n");
        write("school_train_skill.txt", "2\n7,8\n1,0\n");
        let log = read(&folder.path().join("school_train_question.txt")).unwrap();
        assert_eq!(log.catalog.items[&ItemId::parse("11").unwrap()].skills[0].as_str(), "8");
    }
}
