//! What the network is made of, as candle operations with gradients worked out by hand, each on the calling thread and in an order
//! of sums that depends on the shapes only.
//!
//! Candle keeps the graph and walks it back; the loops are here, because one fused loop costs a third of the same sums as
//! separate tensors. Each operation is held to slow maths by its tests.

mod gather;
mod linear;
mod output;
mod recurrence;
#[cfg(test)]
mod testing;

pub use gather::{mean_rows, sum2, sum3};
pub use linear::{linear, product};
pub use output::{States, head, read};
pub use recurrence::{Runs, recur, squash};
