//! All rows of a batch as one Polars frame: the numbers are checked and the ids compared column by column.
//!
//! Columns: `row` (u32), `id` (string), `learner` (u32), `digest_high` and `digest_low` (u64, the first half of the content
//! hash), `kind` (i32), `occurred_at` (i64, µs), `has_result` (bool), `score`, `max_score`, `progress`, `rating` (f64),
//! `response_ms`, `attempt_number`, `hints` (i64).

use polars::prelude::*;

use super::Reason;
use super::native::Row;
use crate::config::IngestConfig;
use crate::domain::hash::Digest;
use crate::domain::{EventKind, Micros};

/// What the frame says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// To be stored.
    Fresh,
    /// The same event as an earlier row (its position among the rows).
    Repeats(usize),
    /// Another event under the id of an earlier row.
    Contradicts(usize),
    Unusable(Reason),
}

/// 2000-01-01T00:00:00Z: nothing a learning platform sends happened before.
const OLDEST: i64 = 946_684_800_000_000;
const MAX_COUNT: i64 = 10_000;

/// A row a frame, in order.
pub(super) fn from_rows(rows: &[Row], digests: &[Digest]) -> PolarsResult<DataFrame> {
    let half = |digest: &Digest, from: usize| u64::from_le_bytes(std::array::from_fn(|byte| digest.0[from + byte]));
    let numbers = |of: fn(&Row) -> Option<f64>| rows.iter().map(of).collect::<Vec<_>>();
    let wholes = |of: fn(&Row) -> Option<i64>| rows.iter().map(of).collect::<Vec<_>>();
    df!(
        "row" => (0..rows.len() as u32).collect::<Vec<_>>(),
        "id" => rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        "learner" => rows.iter().map(|row| row.learner).collect::<Vec<_>>(),
        "digest_high" => digests.iter().map(|digest| half(digest, 0)).collect::<Vec<_>>(),
        "digest_low" => digests.iter().map(|digest| half(digest, 8)).collect::<Vec<_>>(),
        "kind" => rows.iter().map(|row| i32::from(row.kind.code())).collect::<Vec<_>>(),
        "occurred_at" => rows.iter().map(|row| row.occurred_at.0).collect::<Vec<_>>(),
        "has_result" => rows.iter().map(|row| row.correct.is_some() || row.score.is_some()).collect::<Vec<_>>(),
        "score" => numbers(|row| row.score),
        "max_score" => numbers(|row| row.max_score),
        "progress" => numbers(|row| row.progress),
        "rating" => numbers(|row| row.rating),
        "response_ms" => wholes(|row| row.response_ms),
        "attempt_number" => wholes(|row| row.attempt_number),
        "hints" => wholes(|row| row.hints),
    )
}

/// True where the reason applies. A condition over a missing value is false.
fn applies(reason: Reason, config: &IngestConfig, now: Micros) -> Expr {
    let kind = |kind: EventKind| col("kind").eq(lit(i32::from(kind.code())));
    let outside = |column: &str, low: i64, high: i64| col(column).lt(lit(low)).or(col(column).gt(lit(high)));
    match reason {
        Reason::TimeInFuture => {
            col("occurred_at").gt(lit(now.0.saturating_add(config.max_future_minutes.saturating_mul(60 * Micros::SECOND))))
        }
        Reason::TimeTooOld => col("occurred_at").lt(lit(OLDEST)),
        Reason::BadMaxScore => col("max_score")
            .lt_eq(lit(0.0))
            .or(col("max_score").gt(lit(1e6)))
            .or(col("max_score").is_not_null().and(col("score").is_null())),
        Reason::NegativeScore => col("score").lt(lit(0.0)),
        Reason::ScoreAboveMax => col("score").gt(col("max_score").fill_null(lit(1.0))),
        Reason::NegativeResponseTime => col("response_ms").lt(lit(0i64)),
        Reason::ResponseTimeTooLong => col("response_ms").gt(lit(config.max_response_hours.saturating_mul(3_600_000))),
        Reason::BadAttemptNumber => outside("attempt_number", 1, MAX_COUNT),
        Reason::BadHints => outside("hints", 0, MAX_COUNT),
        Reason::BadProgress => col("progress")
            .lt(lit(0.0))
            .or(col("progress").gt(lit(1.0)))
            .or(col("progress").is_not_null().and(kind(EventKind::Progress).or(kind(EventKind::Complete)).not())),
        Reason::BadRating => col("rating")
            .lt(lit(1.0))
            .or(col("rating").gt(lit(5.0)))
            .or(col("rating").is_not_null().and(kind(EventKind::Rate).not()))
            .or(kind(EventKind::Rate).and(col("rating").is_null()).and(col("score").is_null())),
        Reason::MissingResult => kind(EventKind::Attempt).and(col("has_result").not()),
        // Everything else is found while decoding.
        _ => lit(false),
    }
}

/// Checks the frame made by [`from_rows`]; one finding a row.
pub(super) fn check(frame: DataFrame, config: &IngestConfig, now: Micros) -> PolarsResult<Vec<Finding>> {
    let height = frame.height();
    // Number of the first reason that applies, from 1; 0: none.
    let reason = Reason::CHECKED
        .iter()
        .enumerate()
        .rev()
        .fold(lit(0i32), |rest, (number, reason)| when(applies(*reason, config, now)).then(lit(number as i32 + 1)).otherwise(rest));
    let checked = frame.lazy().with_column(reason.alias("reason")).collect()?;
    let reasons: Vec<i32> = checked.column("reason")?.i32()?.iter().map(Option::unwrap_or_default).collect();
    let mut findings: Vec<Finding> = reasons
        .iter()
        .map(|&number| match usize::try_from(number - 1).ok().and_then(|number| Reason::CHECKED.get(number)) {
            Some(reason) => Finding::Unusable(*reason),
            None => Finding::Fresh,
        })
        .collect();
    debug_assert_eq!(findings.len(), height);

    // Among the usable rows, the first of an id counts; the others are held against it.
    let first = |column: &str| col(column).first().over([col("id")]);
    let same = ["learner", "digest_high", "digest_low"]
        .into_iter()
        .try_fold(lit(true), |same, column| PolarsResult::Ok(same.and(col(column).eq(first(column)?))))?;
    let repeats = checked
        .lazy()
        .filter(col("reason").eq(lit(0i32)))
        .select([col("row"), first("row")?.alias("first"), same.alias("same")])
        .filter(col("row").neq(col("first")))
        .collect()?;
    let (row, first, same) = (repeats.column("row")?.u32()?, repeats.column("first")?.u32()?, repeats.column("same")?.bool()?);
    for ((row, first), same) in row.iter().zip(first.iter()).zip(same.iter()) {
        if let (Some(row), Some(first), Some(same)) = (row, first, same) {
            findings[row as usize] = if same { Finding::Repeats(first as usize) } else { Finding::Contradicts(first as usize) };
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_772_355_000_000_000); // 2026-03-01T08:50:00Z

    fn find(events: &[(&str, u32, &str)]) -> Vec<Finding> {
        let rows: Vec<Row> = events
            .iter()
            .enumerate()
            .map(|(index, (id, learner, rest))| {
                let time = if rest.contains("occurred_at") { "" } else { r#""occurred_at":"2026-03-01T08:00:00Z","# };
                let json = format!(r#"{{"id":"{id}","learner_id":"l","item_id":"i",{time}{rest}}}"#);
                Row::parse(index, *learner, serde_json::from_str(&json).unwrap()).unwrap()
            })
            .collect();
        let digests: Vec<Digest> = rows.iter().map(Row::digest).collect();
        check(from_rows(&rows, &digests).unwrap(), &IngestConfig::default(), NOW).unwrap()
    }

    fn reason(rest: &str) -> Finding {
        find(&[("1", 0, rest)])[0]
    }

    #[test]
    fn absurd_numbers_are_found_by_name() {
        use Finding::{Fresh, Unusable};
        let attempt = |more: &str| reason(&format!(r#""kind":"attempt",{more}"#));
        assert_eq!(attempt(r#""correct":true"#), Fresh);
        assert_eq!(attempt(r#""score":7,"max_score":10"#), Fresh);
        assert_eq!(reason(r#""kind":"attempt""#), Unusable(Reason::MissingResult));
        assert_eq!(attempt(r#""score":-0.1"#), Unusable(Reason::NegativeScore));
        assert_eq!(attempt(r#""score":1e300"#), Unusable(Reason::ScoreAboveMax));
        assert_eq!(attempt(r#""score":7"#), Unusable(Reason::ScoreAboveMax));
        assert_eq!(attempt(r#""score":1,"max_score":0"#), Unusable(Reason::BadMaxScore));
        assert_eq!(attempt(r#""correct":true,"max_score":10"#), Unusable(Reason::BadMaxScore));
        assert_eq!(attempt(r#""correct":true,"response_ms":-1"#), Unusable(Reason::NegativeResponseTime));
        assert_eq!(attempt(r#""correct":true,"response_ms":86400001"#), Unusable(Reason::ResponseTimeTooLong));
        assert_eq!(attempt(r#""correct":true,"attempt_number":0"#), Unusable(Reason::BadAttemptNumber));
        assert_eq!(attempt(r#""correct":true,"hints":-2"#), Unusable(Reason::BadHints));
        assert_eq!(attempt(r#""correct":true,"progress":0.5"#), Unusable(Reason::BadProgress));
        assert_eq!(reason(r#""kind":"progress","progress":1.5"#), Unusable(Reason::BadProgress));
        assert_eq!(reason(r#""kind":"progress","progress":0.5"#), Fresh);
        assert_eq!(reason(r#""kind":"rate","rating":6"#), Unusable(Reason::BadRating));
        assert_eq!(reason(r#""kind":"rate""#), Unusable(Reason::BadRating));
        assert_eq!(reason(r#""kind":"view""#), Fresh);
    }

    #[test]
    fn times_in_the_future_are_found_but_clocks_may_drift() {
        assert_eq!(reason(r#""kind":"view","occurred_at":"2026-03-01T08:54:00Z""#), Finding::Fresh);
        assert_eq!(reason(r#""kind":"view","occurred_at":"2026-03-01T08:56:00Z""#), Finding::Unusable(Reason::TimeInFuture));
        assert_eq!(reason(r#""kind":"view","occurred_at":"2126-03-01T08:56:00Z""#), Finding::Unusable(Reason::TimeInFuture));
        assert_eq!(reason(r#""kind":"view","occurred_at":"1969-12-31T23:59:59Z""#), Finding::Unusable(Reason::TimeTooOld));
    }

    #[test]
    fn ids_are_compared_within_the_batch_among_usable_rows() {
        let found = find(&[
            ("a", 0, r#""kind":"attempt""#),
            ("a", 0, r#""kind":"attempt","correct":true"#),
            ("b", 0, r#""kind":"view""#),
            ("a", 0, r#""kind":"attempt","correct":true"#),
            ("a", 0, r#""kind":"attempt","correct":false"#),
            ("b", 1, r#""kind":"view""#),
        ]);
        use Finding::{Contradicts, Fresh, Repeats, Unusable};
        assert_eq!(found, [Unusable(Reason::MissingResult), Fresh, Fresh, Repeats(1), Contradicts(1), Contradicts(2)]);
    }

    #[test]
    fn an_empty_batch_is_no_trouble() {
        assert_eq!(find(&[]), []);
    }
}
