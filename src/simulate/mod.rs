//! Simulated learners and courses: seeded, with a truth that is not our model.
//!
//! [`course`] makes a small course on fractions and proportions in French and English. [`learner`] says how a simulated
//! learner knows, forgets, answers and learns, by rules. [`cohort`] lets many of them loose on the course. [`files`] writes what
//! an LMS would send, and the truth beside it. [`sample`] is the cohort that comes with the program. [`truth`] trains the learner
//! model on a cohort and judges it by what the simulated learners truly know.

pub mod chance;
pub mod cohort;
pub mod course;
pub mod files;
pub mod learner;
pub mod sample;
mod titles;
pub mod truth;

pub use cohort::Cohort;
pub use course::CourseWorld;
pub use learner::SimulatedLearner;
