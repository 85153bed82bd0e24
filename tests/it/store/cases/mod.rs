//! What holds on either database, by table module.

pub mod audit;
pub mod catalog;
pub mod consents;
pub mod counts;
pub mod events;
pub mod jobs;
pub mod keys;
pub mod learners;
pub mod models;
pub mod quarantine;
pub mod recommendations;
pub mod rights;
pub mod shards;
pub mod tenants;
