//! A dense layer as a candle operation: y = x wᵀ + b, on the calling thread, its weight gradient summed in row blocks of fixed order.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::super::math::{product_at, product_plain, product_wt};

struct Linear;

/// x [rows, inputs], weight [outputs, inputs], bias [outputs] -> [rows, outputs].
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, Linear)
}

/// The contiguous numbers of a tensor that an operation was handed.
pub fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("this operation reads contiguous tensors only"),
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "parcours-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, inputs), (outputs, _)) = (lx.shape().dims2()?, lw.shape().dims2()?);
        let (x, w, b) = (numbers(x, lx)?, numbers(w, lw)?, numbers(b, lb)?);
        let mut y = Vec::with_capacity(rows * outputs);
        for _ in 0..rows {
            y.extend_from_slice(b);
        }
        product_wt(rows, outputs, inputs, x, w, &mut y, true);
        Ok((CpuStorage::F32(y), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let (dx, dw) = slopes(x, w, &dy)?;
        let outputs = w.dim(0)?;
        let (dy_store, dy_layout) = dy.storage_and_layout();
        let dy = cpu(&dy_store, dy_layout)?;
        let mut db = vec![0.0f32; outputs];
        for row in dy.chunks_exact(outputs) {
            db.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        Ok((dx, Some(dw), Some(Tensor::from_vec(db, outputs, &candle_core::Device::Cpu)?)))
    }
}

/// The slopes of x wᵀ with respect to x, where anything asks for it, and to w.
fn slopes(x: &Tensor, w: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Tensor)> {
    let ((rows, inputs), outputs) = (x.dims2()?, w.dim(0)?);
    let (x_store, x_layout) = x.storage_and_layout();
    let (w_store, w_layout) = w.storage_and_layout();
    let (dy_store, dy_layout) = dy.storage_and_layout();
    let (xs, ws, dy) = (cpu(&x_store, x_layout)?, cpu(&w_store, w_layout)?, cpu(&dy_store, dy_layout)?);
    let mut dw = vec![0.0; outputs * inputs];
    product_at(outputs, inputs, rows, dy, xs, &mut dw, false);
    let dw = Tensor::from_vec(dw, (outputs, inputs), &candle_core::Device::Cpu)?;
    if !x.track_op() {
        return Ok((None, dw));
    }
    let mut dx = vec![0.0; rows * inputs];
    product_plain(rows, inputs, outputs, dy, ws, &mut dx, false);
    Ok((Some(Tensor::from_vec(dx, (rows, inputs), &candle_core::Device::Cpu)?), dw))
}

/// As [`numbers`], from a tensor's storage.
pub fn cpu<'a>(storage: &'a candle_core::Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        candle_core::Storage::Cpu(storage) => numbers(storage, layout),
        _ => bail!("this operation runs on the CPU only"),
    }
}

struct Product;

/// x [rows, inputs], weight [outputs, inputs] -> [rows, outputs].
pub fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op2(weight, Product)
}

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        "parcours-product"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((rows, inputs), (outputs, _)) = (lx.shape().dims2()?, lw.shape().dims2()?);
        let mut y = vec![0.0; rows * outputs];
        product_wt(rows, outputs, inputs, numbers(x, lx)?, numbers(w, lw)?, &mut y, false);
        Ok((CpuStorage::F32(y), (rows, outputs).into()))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, dw) = slopes(x, w, &dy.contiguous()?)?;
        Ok((dx, Some(dw)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::random::Stream;
    use candle_core::{Device, Var};

    #[test]
    fn a_layer_and_its_gradients_agree_with_candle_over_several_row_blocks() {
        let variable = |name: &str, shape: &[usize]| {
            let count = shape.iter().product();
            Var::from_vec(Stream::new(3, "test", name.as_bytes()).around_zero(count, 1.0), shape, &Device::Cpu).unwrap()
        };
        let (x, w, b) = (variable("x", &[1100, 5]), variable("w", &[4, 5]), variable("b", &[4]));
        let fast = linear(&x, &w, &b).unwrap();
        let plain = x.matmul(&w.t().unwrap()).unwrap().broadcast_add(&b).unwrap();
        let difference = |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(difference(&fast, &plain) < 1e-5);
        let loss = |y: &Tensor| y.sqr().unwrap().mean_all().unwrap().backward().unwrap();
        let (fast, plain) = (loss(&fast), loss(&plain));
        for variable in [&x, &w, &b] {
            assert!(difference(fast.get(variable).unwrap(), plain.get(variable).unwrap()) < 1e-5);
        }
    }
}
