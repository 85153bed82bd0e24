//! The HTTP API: `auth` and `extract` at the door, one file per endpoint under `v1`, `problem` for every failure.

pub mod auth;
