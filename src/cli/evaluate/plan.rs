//! From the flags to exams.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Args, Setting, Split};
use crate::domain::TenantId;
use crate::ingest::formats::{self, Format, Log, ReadOptions};
use crate::learning::evaluate::leak::{Repeats, repeats};
use crate::learning::evaluate::{Exam, partition};

/// How the answers are divided; read once, sat for once a fold.
pub struct Plan {
    format: Format,
    options: ReadOptions,
    groups: Option<HashMap<String, String>>,
    source: Source,
}

enum Source {
    /// Where every learner's answers are cut.
    Cut(Log, partition::Cuts, &'static str),
    Folds(Log, usize),
    /// (train, test) of each fold.
    Files(Vec<(PathBuf, PathBuf)>),
}

/// One exam, and what was noticed about its log.
pub struct Sitting {
    pub exam: Exam,
    pub groups: Option<Vec<String>>,
    pub split: String,
    /// Rows the reader folded into the attempt they repeat.
    pub repeated_rows: usize,
    pub repeats: Repeats,
}

impl Plan {
    pub fn new(args: &Args) -> anyhow::Result<Self> {
        let options = ReadOptions { item_skill: args.item_skill.clone(), columns: args.columns.clone() };
        let read = |path: &Path| formats::read(args.format, path, &options);
        let alone = || read(&args.train).context("reading the log");
        let source = match (args.split, &args.test, args.hold_out_every, args.cv) {
            (Split::Time, None, None, None) => {
                if !(args.at > 0.0 && args.at < 1.0) {
                    bail!("--at must lie between 0 and 1");
                }
                let log = alone()?;
                let cuts = partition::by_time(&log, args.at);
                Source::Cut(log, cuts, "time")
            }
            (Split::Time, ..) => bail!("--split time divides the one log of --train: leave out --test, --hold-out-every and --cv"),
            (_, Some(test), ..) => {
                let train = read(&args.train).context("reading the training log")?;
                let (log, cuts) = partition::merge(train, read(test).context("reading the test log")?)?;
                Source::Cut(log, cuts, "learner")
            }
            (_, None, Some(n), _) => {
                if n < 2 {
                    bail!("--hold-out-every must be at least 2");
                }
                let log = alone()?;
                let cuts = partition::hold_out_every(&log, n);
                Source::Cut(log, cuts, "learner")
            }
            (_, None, None, Some(folds)) => {
                if !(2..=100).contains(&folds) {
                    bail!("--cv must be 2 to 100");
                }
                // A folder is one data set in the mikt layout, and a set of folds in the others.
                if args.train.is_dir() && args.format != Format::Mikt {
                    Source::Files(files(&args.train, folds)?)
                } else {
                    Source::Folds(alone()?, folds)
                }
            }
            (_, None, None, None) => bail!("what is to be scored? Give --test, --hold-out-every, --cv or --split time"),
        };
        let groups = args.groups.as_deref().map(groups).transpose()?;
        Ok(Self { format: args.format, options, groups, source })
    }

    pub fn folds(&self) -> usize {
        match &self.source {
            Source::Cut(..) => 1,
            Source::Folds(_, folds) => *folds,
            Source::Files(files) => files.len(),
        }
    }

    pub fn sitting(&self, fold: usize, setting: &Setting) -> anyhow::Result<Sitting> {
        match &self.source {
            Source::Cut(log, cuts, split) => self.sit(log, cuts, (*split).into(), setting),
            Source::Folds(log, folds) => {
                let cuts = partition::fold(log, fold, *folds);
                self.sit(log, &cuts, format!("learner, fold {} of {folds}", fold + 1), setting)
            }
            Source::Files(files) => {
                let (train, test) = &files[fold];
                let read = |path: &Path| formats::read(self.format, path, &self.options);
                let (log, cuts) = partition::merge(read(train)?, read(test)?)?;
                self.sit(&log, &cuts, format!("learner, fold {} of {}", fold + 1, files.len()), setting)
            }
        }
    }

    fn sit(&self, log: &Log, cuts: &[usize], split: String, setting: &Setting) -> anyhow::Result<Sitting> {
        let repeats = repeats(log, cuts);
        if log.repeated_rows > 0 {
            tracing::info!(rows = log.repeated_rows, "rows repeating an attempt for another skill were folded into it");
        }
        if repeats.suspicious() {
            eprintln!(
                "warning: {} of {} scored answers repeat the item and the result of the answer before, {} the item alone: if the log repeats \
                 an attempt for each of its skills, the answer before gives this one away, and these figures are too good",
                repeats.same_result,
                repeats.answers,
                repeats.same_item - repeats.same_result
            );
        }
        let exam = Exam::new(log, cuts, &setting.secrets, &TenantId::default())?;
        let group = |groups: &HashMap<String, String>| {
            exam.candidates.iter().map(|candidate| groups.get(&candidate.id).cloned().unwrap_or_else(|| "(none)".into())).collect()
        };
        Ok(Sitting { groups: self.groups.as_ref().map(group), exam, split, repeated_rows: log.repeated_rows, repeats })
    }
}

/// `NAME_train1.csv` and `NAME_test1.csv`, and so on to `folds`; gzipped or not.
fn files(folder: &Path, folds: usize) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        names.push(entry?.path());
    }
    names.sort();
    let find = |ending: String| {
        let ends = |path: &&PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.trim_end_matches(".gz").split('.').next().is_some_and(|stem| stem.ends_with(&ending))
        };
        names.iter().find(ends).cloned().with_context(|| format!("{} holds no *{ending}.csv", folder.display()))
    };
    (1..=folds).map(|fold| Ok((find(format!("_train{fold}"))?, find(format!("_test{fold}"))?))).collect()
}

/// Learner -> group.
fn groups(path: &Path) -> anyhow::Result<HashMap<String, String>> {
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(formats::open(path)?);
    let header = table.headers()?.clone();
    let column =
        |name: &str| header.iter().position(|other| other == name).with_context(|| format!("{} has no column {name:?}", path.display()));
    let (learner, group) = (column("learner")?, column("group")?);
    let mut groups = HashMap::new();
    for row in table.records() {
        let row = row.with_context(|| format!("reading {}", path.display()))?;
        groups.insert(row[learner].to_owned(), row[group].to_owned());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_found_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x_train1.csv.gz", "x_test1.csv.gz", "x_train2.csv", "x_test2.csv", "x_valid1.csv", "x_test12.csv"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = files(folder.path(), 2).unwrap();
        let names: Vec<_> = found.iter().map(|(a, b)| (a.file_name().unwrap().to_owned(), b.file_name().unwrap().to_owned())).collect();
        assert_eq!(names, [("x_train1.csv.gz".into(), "x_test1.csv.gz".into()), ("x_train2.csv".into(), "x_test2.csv".into())]);
        assert!(files(folder.path(), 3).unwrap_err().to_string().contains("_train3"));
    }

    #[test]
    fn groups_need_their_two_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.csv");
        std::fs::write(&path, "group,learner\nnorth, 7\nsouth,8\n").unwrap();
        assert_eq!(groups(&path).unwrap()["7"], "north");
        std::fs::write(&path, "who,group\n7,north\n").unwrap();
        assert!(groups(&path).unwrap_err().to_string().contains("learner"));
    }
}
