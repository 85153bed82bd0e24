//! Parcours: learner modelling and recommendations for online learning, with exact, provable unlearning.
//!
//! Imports run downhill: `cli -> server -> api, console -> app -> recommend -> learning -> store -> domain`;
//! `app -> ingest -> privacy -> store`; `cli, server -> jobs -> app`. See ARCHITECTURE.md.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod ingest;
pub mod jobs;
pub mod learning;
pub mod privacy;
pub mod recommend;
pub mod server;
pub mod simulate;
pub mod store;
pub mod telemetry;
