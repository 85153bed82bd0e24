//! Any table with a header, read through a column mapping such as `learner=user,item=problem,correct=score,time=at,skills=kc`.
//!
//! Some exports repeat an attempt once a skill (ASSISTments does): such rows become one attempt, as in the akt layout; where rows
//! have times, only rows of one moment.

use std::path::Path;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::lines;
use super::{Builder, Log, LogError, LoggedAnswer};
use crate::domain::{Micros, SkillId};

/// Which column holds what. `learner`, `item` and `correct` are needed; the rest is read when the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub learner: String,
    pub item: String,
    /// 0 or 1, true or false, or a score in 0..=1 (0.5 and more is right).
    pub correct: String,
    /// RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC), or a number (see the module above).
    pub time: Option<String>,
    /// Separated by `;`, `|` or `~`.
    pub skills: Option<String>,
    pub response_ms: Option<String>,
    pub attempt_number: Option<String>,
    pub hints: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            learner: "learner".into(),
            item: "item".into(),
            correct: "correct".into(),
            time: None,
            skills: None,
            response_ms: None,
            attempt_number: None,
            hints: None,
        }
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (field, column) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not FIELD=COLUMN"))?;
            let column = column.trim().to_owned();
            match field.trim() {
                "learner" => columns.learner = column,
                "item" => columns.item = column,
                "correct" => columns.correct = column,
                "time" => columns.time = Some(column),
                "skills" => columns.skills = Some(column),
                "response_ms" => columns.response_ms = Some(column),
                "attempt_number" => columns.attempt_number = Some(column),
                "hints" => columns.hints = Some(column),
                other => {
                    return Err(format!(
                        "unknown field {other:?}: learner, item, correct, time, skills, response_ms, attempt_number or hints"
                    ));
                }
            }
        }
        Ok(columns)
    }
}

pub(super) fn read(path: &Path, columns: &Columns) -> Result<Log, LogError> {
    let mut reader = lines::open(path)?;
    let io = |source| LogError::Io { path: path.to_owned(), source };
    let at = |line: u64, why: String| LogError::Line { path: path.to_owned(), line, why };
    let delimiter = {
        let start = std::io::BufRead::fill_buf(&mut reader).map_err(io)?;
        let first = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let count = |wanted: u8| first.iter().filter(|&&byte| byte == wanted).count();
        [b'\t', b';', b','].into_iter().max_by_key(|&wanted| count(wanted)).unwrap_or(b',')
    };
    let mut table = ::csv::ReaderBuilder::new().delimiter(delimiter).trim(::csv::Trim::All).from_reader(reader);
    let header = table.headers().map_err(|error| at(1, error.to_string()))?.clone();
    let place = |name: &str| {
        header
            .iter()
            .position(|other| other.trim_start_matches('\u{feff}') == name)
            .ok_or_else(|| at(1, format!("no column {name:?}; there are: {}", header.iter().collect::<Vec<_>>().join(", "))))
    };
    let optional = |name: &Option<String>| name.as_deref().map(place).transpose();
    let (learner, item, correct) = (place(&columns.learner)?, place(&columns.item)?, place(&columns.correct)?);
    let (time, skills) = (optional(&columns.time)?, optional(&columns.skills)?);
    let (response_ms, attempt_number, hints) =
        (optional(&columns.response_ms)?, optional(&columns.attempt_number)?, optional(&columns.hints)?);

    let mut rows: Vec<(usize, LoggedAnswer, Vec<SkillId>, Option<Micros>)> = Vec::new();
    let mut builder = Builder::default();
    let mut record = ::csv::StringRecord::new();
    loop {
        let more = table.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(0, |position| position.line());
            at(line, error.to_string())
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(0, |position| position.line());
        let wrong = |field: &str, why: String| at(line, format!("{field}: {why}"));
        let field = |column: usize| record.get(column).unwrap_or_default();
        if field(learner).is_empty() {
            return Err(wrong("learner", "is empty".into()));
        }
        let item = lines::item(field(item)).map_err(|why| at(line, why))?;
        let score = grade(field(correct)).map_err(|why| wrong("correct", why))?;
        let time = time.map(field).filter(|text| !text.is_empty());
        let time = time.map(when).transpose().map_err(|why| wrong("time", why))?;
        let mut named = Vec::new();
        for text in skills.map(field).unwrap_or_default().split([';', '|', '~']).map(str::trim).filter(|text| !text.is_empty()) {
            named.push(lines::skill(text).map_err(|why| wrong("skills", why))?);
        }
        let mut answer = LoggedAnswer::new(item, score >= 0.5);
        answer.score = (score != 0.0 && score != 1.0).then_some(score);
        answer.response_ms = whole(response_ms.map(field)).map_err(|why| wrong("response_ms", why))?;
        answer.attempt_number =
            whole(attempt_number.map(field)).map_err(|why| wrong("attempt_number", why))?.map(|n| n.min(i64::from(i32::MAX)) as i32);
        answer.hints = whole(hints.map(field)).map_err(|why| wrong("hints", why))?.map(|n| n.min(i64::from(i32::MAX)) as i32);
        let position = builder.learner(field(learner));
        rows.push((position, answer, named, time));
    }
    // A table need not be in order; one with times is put in order, rows of one moment staying as they are.
    if time.is_some() {
        rows.sort_by_key(|(_, _, _, time)| *time);
    }
    for (position, answer, skills, time) in rows {
        builder.attempt(position, answer, skills, time);
    }
    Ok(builder.finish())
}

fn grade(text: &str) -> Result<f32, String> {
    if let Ok(correct) = lines::right_or_wrong(text) {
        return Ok(f32::from(u8::from(correct)));
    }
    match text.parse::<f32>() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err(format!("{:?} is neither 0 or 1 nor a score in 0..=1", lines::clipped(text))),
    }
}

fn when(text: &str) -> Result<Micros, String> {
    if let Ok(number) = text.parse::<f64>() {
        return lines::moment(number);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc).into());
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
        .map(|time| time.and_utc().into())
        .ok_or_else(|| format!("{:?} is not a time", lines::clipped(text)))
}

/// A whole number of zero or more; empty: none. Decimals are rounded.
fn whole(text: Option<&str>) -> Result<Option<i64>, String> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => match text.parse::<f64>() {
            Ok(number) if (0.0..1e15).contains(&number) => Ok(Some(number.round() as i64)),
            _ => Err(format!("{:?} is not a number of zero or more", lines::clipped(text))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, columns: &str) -> Result<Log, LogError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, &columns.parse().unwrap())
    }

    #[test]
    fn a_mapped_table_is_read_in_order_of_time() {
        let text = "user;problem;score;at;kc\nada;b;0.75;2024-03-01 10:00:05;x|y\nada;a;0;2024-03-01T10:00:00Z;x\n";
        let log = parse(text, "learner=user,item=problem,correct=score,time=at,skills=kc").unwrap();
        let answers = &log.learners[0].answers;
        assert_eq!((answers[0].item.as_str(), answers[1].item.as_str()), ("a", "b"));
        assert_eq!((answers[0].correct, answers[1].correct, answers[1].score), (false, true, Some(0.75)));
        assert_eq!(answers[1].occurred_at.0 - answers[0].occurred_at.0, 5_000_000);
        assert_eq!(log.catalog.skills.len(), 2);
    }

    #[test]
    fn an_attempt_repeated_for_another_skill_at_the_same_moment_is_one() {
        let mapping = "time=at,skills=kc";
        let log = parse("learner,item,correct,at,kc\nada,a,1,5,x\nada,a,1,5,y\nada,a,1,9,z\nada,a,1,10,x|z\n", mapping).unwrap();
        assert_eq!((log.learners[0].answers.len(), log.repeated_rows), (3, 1));
        let log = parse("learner,item,correct,kc\nada,a,1,x\nbob,a,1,y\nada,a,1,y\nada,a,0,z\n", "skills=kc").unwrap();
        assert_eq!((log.answers(), log.repeated_rows), (3, 1));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = parse("user,item,correct\nada,a,1\n", "").unwrap_err().to_string();
        assert!(error.ends_with("line 1: no column \"learner\"; there are: user, item, correct"), "{error}");
        let error = parse("learner,item,correct\nada,a,1\nada,a,3\n", "").unwrap_err().to_string();
        assert!(error.contains("line 3: correct: \"3\""), "{error}");
        assert!("learner=a,pupil=b".parse::<Columns>().unwrap_err().contains("pupil"));
    }
}
