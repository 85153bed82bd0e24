//! Why an event was put in quarantine: stable codes, and a sentence each.

use std::fmt;

/// The codes are part of the interface: they are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    MalformedJson,
    NotAnObject,
    UnknownField,
    RepeatedField,
    MissingField,
    WrongType,
    UnknownKind,
    BadId,
    BadLearnerId,
    BadItemId,
    BadSkill,
    BadTime,
    TimeInFuture,
    TimeTooOld,
    MissingResult,
    NegativeScore,
    ScoreAboveMax,
    BadMaxScore,
    NegativeResponseTime,
    ResponseTimeTooLong,
    BadAttemptNumber,
    BadHints,
    BadProgress,
    BadRating,
    LearnerErased,
    UnmappedVerb,
    NotAnItem,
    NoLearner,
    VoidingUnsupported,
}

impl Reason {
    /// What the vectorised check can find; their position is their number in the frame.
    pub(super) const CHECKED: [Reason; 12] = [
        Self::TimeInFuture,
        Self::TimeTooOld,
        Self::BadMaxScore,
        Self::NegativeScore,
        Self::ScoreAboveMax,
        Self::NegativeResponseTime,
        Self::ResponseTimeTooLong,
        Self::BadAttemptNumber,
        Self::BadHints,
        Self::BadProgress,
        Self::BadRating,
        Self::MissingResult,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::UnknownField => "unknown_field",
            Self::RepeatedField => "repeated_field",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::UnknownKind => "unknown_kind",
            Self::BadId => "bad_id",
            Self::BadLearnerId => "bad_learner_id",
            Self::BadItemId => "bad_item_id",
            Self::BadSkill => "bad_skill",
            Self::BadTime => "bad_time",
            Self::TimeInFuture => "time_in_future",
            Self::TimeTooOld => "time_too_old",
            Self::MissingResult => "missing_result",
            Self::NegativeScore => "negative_score",
            Self::ScoreAboveMax => "score_above_max",
            Self::BadMaxScore => "bad_max_score",
            Self::NegativeResponseTime => "negative_response_time",
            Self::ResponseTimeTooLong => "response_time_too_long",
            Self::BadAttemptNumber => "bad_attempt_number",
            Self::BadHints => "bad_hints",
            Self::BadProgress => "bad_progress",
            Self::BadRating => "bad_rating",
            Self::LearnerErased => "learner_erased",
            Self::UnmappedVerb => "unmapped_verb",
            Self::NotAnItem => "not_an_item",
            Self::NoLearner => "no_learner",
            Self::VoidingUnsupported => "voiding_unsupported",
        }
    }

    /// A sentence for those that need no more than themselves.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::MalformedJson => "this line is not valid JSON",
            Self::NotAnObject => "an event must be a JSON object",
            Self::UnknownField => "the event has an unknown field",
            Self::RepeatedField => "a field is given twice",
            Self::MissingField => "a field is missing",
            Self::WrongType => "a field has the wrong type",
            Self::UnknownKind => "`kind` must be attempt, start, progress, complete, view or rate",
            Self::BadId => "`id` must be 1 to 512 bytes without control characters",
            Self::BadLearnerId => "`learner_id` must be 1 to 1024 bytes without control characters",
            Self::BadItemId => "`item_id` must be 1 to 512 bytes without control characters",
            Self::BadSkill => "`skills` must be at most 32 texts of 1 to 256 bytes without control characters",
            Self::BadTime => "`occurred_at` must be an RFC 3339 time such as 2026-03-01T09:30:00Z",
            Self::TimeInFuture => "`occurred_at` lies in the future",
            Self::TimeTooOld => "`occurred_at` lies before the year 2000",
            Self::MissingResult => "an attempt needs `correct` or `score`",
            Self::NegativeScore => "`score` is negative",
            Self::ScoreAboveMax => "`score` is above `max_score` (1 when it is not given)",
            Self::BadMaxScore => "`max_score` must be above 0, at most a million, and come with `score`",
            Self::NegativeResponseTime => "`response_ms` is negative",
            Self::ResponseTimeTooLong => "`response_ms` is longer than the longest plausible response",
            Self::BadAttemptNumber => "`attempt_number` must be 1 to 10,000",
            Self::BadHints => "`hints` must be 0 to 10,000",
            Self::BadProgress => "`progress` must be 0 to 1, on an event of kind progress or complete",
            Self::BadRating => "`rating` must be 1 to 5, on an event of kind rate, which needs it",
            Self::LearnerErased => "the learner's data were erased; nothing of this event was kept",
            Self::UnmappedVerb => "the mapping has no such verb",
            Self::NotAnItem => "its object is no item, or an address that names the learner",
            Self::NoLearner => "the statement's actor is a group, or has no name of its own",
            Self::VoidingUnsupported => "statements are not voided here: send the corrected event under a new id",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
