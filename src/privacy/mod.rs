//! What a learner may ask, and how it is done and proved.

pub mod consent;
pub mod erasure;
pub mod identity;
pub mod ledger;
pub mod merkle;
pub mod pseudonym;
pub mod receipt;
pub mod replay;
pub mod rights;

pub use pseudonym::Secrets;
pub use rights::{Rights, RightsError};
