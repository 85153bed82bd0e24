//! Contract tests of the HTTP API, over a real socket and a real database.

mod answers;
mod bad_input;
mod documents;
mod health;
mod keys;
mod models;
mod rights;
mod xapi;
