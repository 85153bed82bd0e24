//! The system of record: one interface over SQLite (embedded, default) and Postgres.
//!
//! A caller opens a unit of work (`store.read()` or `store.write()`), passes the [`Tx`] to the functions of the
//! table modules, and commits. Rows stay in here; callers get domain values. One SQL text with `$1` serves both
//! databases; where they must differ, both texts sit side by side in one function.

pub mod audit;
mod bulk;
pub mod catalog;
pub mod consents;
pub mod counts;
pub mod error;
pub mod events;
pub mod inventory;
pub mod jobs;
pub mod keys;
pub mod learners;
pub mod limits;
pub mod models;
mod open;
pub mod quarantine;
pub mod recommendations;
pub mod rights;
pub mod shards;
pub mod tenants;
mod tx;
mod values;

pub use error::StoreError;
pub use tx::{Backend, Store, Tx};
use values::{About, Flag, Id, Json};

/// What a store call gives.
pub type Result<T> = std::result::Result<T, StoreError>;
