//! The one benchmark binary: a module per room. `cargo bench` runs them all, `cargo bench -- decode` one group.

mod decode;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, decode::decode);
criterion_main!(benches);
