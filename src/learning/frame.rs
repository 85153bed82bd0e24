//! Events as a Polars frame: one row an event, sorted by (learner, occurred_at, event key).

use polars::prelude::{DataFrame, PolarsResult};

use crate::domain::Event;

/// Columns: `learner` and `event_key` (binary), `item` and `kind` (string), `occurred_at` (i64, microseconds), `correct` (boolean),
/// `score` (f32), `response_ms` (i64), `attempt_number` and `hints` (i32), `skill_hints` (string, joined by U+001F).
/// Sorted, so that the order of arrival leaves no trace.
pub fn from_events(events: &[Event]) -> PolarsResult<DataFrame> { todo!() }
