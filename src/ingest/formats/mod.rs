//! Learner logs in the layouts people really have, read into one plain [`Log`]: no database, no pseudonyms yet.
//!
//! `gervet` (tab-separated rows), `akt` (four lines a learner), `mikt` (three lines, skills in files beside),
//! `skills3` (three or four lines, the skill being the item) and `csv` (any table with a column mapping).
//! Plain text or gzip, told apart by their first bytes.
//!
//! **Times.** Within a learner they always increase, in the order of the file: equal or earlier times are moved to one
//! microsecond after the answer before. A log without times gets [`EPOCH`] plus one minute per answer of the learner.
//! Small whole numbers (below 10^9) are seconds after [`EPOCH`]; larger ones Unix times in s, ms or µs, by magnitude.

mod akt;
mod csv;
mod events;
mod gervet;
mod lines;
mod mikt;
mod skills3;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use self::csv::Columns;
use crate::domain::catalog::ItemState;
use crate::domain::{Catalog, Item, ItemId, Micros, Skill, SkillId, Titles};

/// 2020-01-01T00:00:00Z, where logs without a calendar begin.
pub const EPOCH: Micros = Micros(1_577_836_800_000_000);
const MINUTE: i64 = 60 * Micros::SECOND;

/// The layout of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Tab-separated `user_id item_id timestamp correct skill_id`; skills of items in a table of their own (`--item-skill`).
    Gervet,
    /// Four lines a learner: `index,user` / items / skills / 0-1. Rows repeated for a second skill become one attempt.
    Akt,
    /// Three lines a learner: length / questions / 0-1, with `*_ques_skill.csv` beside. PATH: the question file, or the folder.
    Mikt,
    /// Lines of one learner: header / skills / 0-1. The skill is the item.
    Skills3,
    /// Any table with a header (comma, semicolon or tab), read through `--columns`.
    Csv,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gervet => "gervet",
            Self::Akt => "akt",
            Self::Mikt => "mikt",
            Self::Skills3 => "skills3",
            Self::Csv => "csv",
        }
    }
}

/// What a reader may need beside the path.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// `item_id skill` pairs, tab-separated with a header (gervet); without it the `skill_id` column is used.
    pub item_skill: Option<PathBuf>,
    /// Which column is what (csv).
    pub columns: Columns,
}

/// A log that cannot be read: where, and why.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {why}", path.display())]
    Line { path: PathBuf, line: u64, why: String },
    #[error("{0}")]
    Usage(String),
}

/// One answer of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedAnswer {
    pub item: ItemId,
    pub correct: bool,
    /// 0..=1, when the log grades finer than right or wrong.
    pub score: Option<f32>,
    pub occurred_at: Micros,
    pub response_ms: Option<i64>,
    pub attempt_number: Option<i32>,
    pub hints: Option<i32>,
}

impl LoggedAnswer {
    fn new(item: ItemId, correct: bool) -> Self {
        Self { item, correct, score: None, occurred_at: Micros(0), response_ms: None, attempt_number: None, hints: None }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoggedLearner {
    /// What the log calls the learner.
    pub id: String,
    /// In order; `occurred_at` strictly increases.
    pub answers: Vec<LoggedAnswer>,
}

/// A log: the items and skills it speaks of, and every learner's answers, learners in order of appearance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    pub catalog: Catalog,
    pub learners: Vec<LoggedLearner>,
    /// Rows that repeated the attempt before for another of its skills, and were folded into it.
    pub repeated_rows: usize,
}

impl Log {
    pub fn answers(&self) -> usize {
        self.learners.iter().map(|learner| learner.answers.len()).sum()
    }
}

/// Opens a text file, unpacking gzip when it starts like one.
///
/// # Errors
/// The file cannot be opened.
pub fn open(path: &Path) -> Result<Box<dyn std::io::BufRead>, LogError> {
    lines::open(path)
}

/// Reads the log at `path`.
///
/// # Errors
/// A file that cannot be read, or the line that makes no sense.
pub fn read(format: Format, path: &Path, options: &ReadOptions) -> Result<Log, LogError> {
    match format {
        Format::Gervet => gervet::read(path, options.item_skill.as_deref()),
        Format::Akt => akt::read(path),
        Format::Mikt => mikt::read(path),
        Format::Skills3 => skills3::read(path),
        Format::Csv => csv::read(path, &options.columns),
    }
}

/// Puts a log together, answer by answer.
#[derive(Default)]
struct Builder {
    log: Log,
    by_id: HashMap<String, usize>,
    /// By learner: skills the log's rows have named for the attempt last pushed through [`Builder::attempt`].
    named: HashMap<usize, Vec<SkillId>>,
}

impl Builder {
    /// Position of the learner called `id`.
    fn learner(&mut self, id: &str) -> usize {
        if let Some(&position) = self.by_id.get(id) {
            return position;
        }
        let position = self.log.learners.len();
        self.log.learners.push(LoggedLearner { id: id.to_owned(), answers: Vec::new() });
        self.by_id.insert(id.to_owned(), position);
        position
    }

    /// Adds an answer; `time` is `None` when the log has none.
    fn push(&mut self, learner: usize, mut answer: LoggedAnswer, time: Option<Micros>) {
        let answers = &mut self.log.learners[learner].answers;
        let wanted = time.unwrap_or(Micros(EPOCH.0 + answers.len() as i64 * MINUTE));
        answer.occurred_at = match answers.last() {
            Some(last) => Micros(wanted.0.max(last.occurred_at.0 + 1)),
            None => wanted,
        };
        answers.push(answer);
    }

    /// Adds an answer whose row names `skills`, unless the row repeats the attempt before for other skills: same learner, item and
    /// result, and no skill that was named already (a skill that comes back starts a new attempt).
    fn attempt(&mut self, learner: usize, answer: LoggedAnswer, skills: Vec<SkillId>, time: Option<Micros>) {
        let last = self.log.learners[learner].answers.last();
        let same_time = |last: &LoggedAnswer| time.is_none_or(|time| time.0 <= last.occurred_at.0);
        let same = last.is_some_and(|last| last.item == answer.item && last.correct == answer.correct && same_time(last));
        let named = self.named.entry(learner).or_default();
        let repeats = same && !skills.is_empty() && !skills.iter().any(|skill| named.contains(skill));
        if repeats {
            named.extend(skills.iter().cloned());
        } else {
            named.clone_from(&skills);
        }
        self.exercise(&answer.item, skills);
        if repeats {
            self.log.repeated_rows += 1;
        } else {
            self.push(learner, answer, time);
        }
    }

    fn item(&mut self, item: &ItemId) {
        self.exercise(item, std::iter::empty());
    }

    /// The item exists and exercises these skills, beside those already known.
    fn exercise(&mut self, item: &ItemId, skills: impl IntoIterator<Item = SkillId>) {
        if !self.log.catalog.items.contains_key(item) {
            self.log.catalog.items.insert(item.clone(), plain_item(item.clone()));
        }
        let Some(known) = self.log.catalog.items.get_mut(item) else { return };
        for skill in skills {
            if let Err(place) = known.skills.binary_search(&skill) {
                if !self.log.catalog.skills.contains_key(&skill) {
                    self.log.catalog.skills.insert(skill.clone(), Skill { id: skill.clone(), titles: Titles::default() });
                }
                known.skills.insert(place, skill);
            }
        }
    }

    fn finish(self) -> Log {
        self.log
    }
}

fn plain_item(id: ItemId) -> Item {
    Item {
        id,
        titles: Titles::default(),
        skills: Vec::new(),
        kind: "exercise".into(),
        course: None,
        module: None,
        position: 0,
        duration_minutes: None,
        language: None,
        tags: Vec::new(),
        state: ItemState::Active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_increase_within_a_learner_whatever_the_log_says() {
        let mut builder = Builder::default();
        let ada = builder.learner("ada");
        let answer = LoggedAnswer::new(ItemId::parse("a").unwrap(), true);
        for time in [Some(Micros(50)), Some(Micros(50)), Some(Micros(20)), Some(Micros(70))] {
            builder.push(ada, answer.clone(), time);
        }
        let times: Vec<i64> = builder.finish().learners[0].answers.iter().map(|a| a.occurred_at.0).collect();
        assert_eq!(times, [50, 51, 52, 70]);
    }
}
