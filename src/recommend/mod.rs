//! Recommendations: candidates -> eligibility -> scores -> diversity -> reasons; and paths, knowledge and predictions.
//!
//! Pure functions over a [`Ground`] (predictor, counts, policy) and whom the answer is about ([`Who`]). Nothing here knows the
//! store, so a simulation can be taught by exactly what serves.

pub mod candidates;
pub mod explain;
pub mod fallback;
pub mod ground;
mod knowledge;
mod path;
pub mod policy;
mod recommender;
mod scenario;
pub mod score;
#[cfg(test)]
mod tests;
pub mod types;

pub use ground::{Ground, Popularity, Who};
pub use knowledge::{knowledge, predictions};
pub use path::path;
pub use policy::Policy;
pub use recommender::recommend;
pub use types::*;
