//! The one integration binary: a folder or file per room.

mod api;
mod architecture;
mod cli;
mod console;
mod ingest;
mod jobs;
mod recommend;
mod rights;
mod store;
mod support;
