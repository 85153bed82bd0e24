//! The one benchmark binary: a module per room. `cargo bench` runs them all, `cargo bench -- decode` one group.

mod decode;
mod learning;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, decode::decode, learning::training_step, learning::serving);
criterion_main!(benches);
