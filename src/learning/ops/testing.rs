//! Holding an operation to candle's own: same values, same slopes.

use candle_core::{Device, Tensor, Var};

use crate::learning::random::Stream;

pub fn variable(name: &str, shape: &[usize]) -> Var {
    let values = Stream::new(1, "test", name.as_bytes()).around_zero(shape.iter().product(), 0.8);
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub fn difference(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap()
}

/// A loss that tells all outputs apart: a fixed random weighting.
pub fn loss(output: &Tensor) -> Tensor {
    (output * variable("loss", output.dims()).as_tensor()).unwrap().sum_all().unwrap()
}

pub fn assert_same_slopes(fast: &Tensor, slow: &Tensor, variables: &[&Var]) {
    assert!(difference(fast, slow) < 1e-5);
    let (fast, slow) = (loss(fast).backward().unwrap(), loss(slow).backward().unwrap());
    for variable in variables {
        assert!(difference(fast.get(variable).unwrap(), slow.get(variable).unwrap()) < 1e-5);
    }
}
