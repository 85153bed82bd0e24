//! Judging models on answers they were not trained on, as they are served: every answer is predicted before it is taken in.
//!
//! `partition` says which of a log's answers train and which are scored; `exam` makes datasets of them; `score` lets a model say its
//! p for each scored answer; `report` measures those: metrics with `bootstrap` intervals, `reliability`, `slices` (cold items, first
//! answers, groups of learners), `spread` (what disagreement of the members is worth). `leak` looks for answers given away.
//!
//! Whatever the split, what feeds a prediction is the training answers' counts and the learner's own earlier answers.

pub mod bootstrap;
pub mod exam;
pub mod leak;
mod members;
pub mod partition;
pub mod reliability;
pub mod report;
pub mod score;
pub mod slices;
pub mod spread;

pub use exam::{Candidate, Exam};
pub use members::{side_by_side, train_members};
pub use report::Judgement;
pub use score::{Scored, score_baseline, score_served, served};
