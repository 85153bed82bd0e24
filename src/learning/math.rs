//! The few numeric kernels everything else is made of: matrix products in a fixed order, tanh and sigmoid without libm.
//!
//! Every product here runs on the calling thread alone and sums in an order that depends on the shapes only, so that a
//! training repeats to the byte with any number of threads. Matrices are row-major slices.

//! Loops marked `multiversion` are compiled twice, for any processor and for one with wide registers; nothing in them is fused
//! or reordered, so both give the same numbers.

use gemm::{Parallelism, gemm};
use multiversion::multiversion;

/// Longest reduction handed to one product: beyond 512 the blocking of `gemm` follows the cache sizes of the machine,
/// and with it the last bits of the result.
pub const LONGEST_REDUCTION: usize = 512;

struct View<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
}

/// c[m, n] = (accumulate ? c : 0) + a[m, k] b[k, n], strides as the views say; k in blocks of [`LONGEST_REDUCTION`], first to last.
fn product(m: usize, n: usize, k: usize, a: View<'_>, b: View<'_>, c: &mut [f32], mut accumulate: bool) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(c.len() >= m * n, "product writes {m} x {n}");
    if k == 0 {
        if !accumulate {
            c[..m * n].fill(0.0);
        }
        return;
    }
    assert!(a.data.len() > (m - 1) * a.row + (k - 1) * a.column, "left side holds {m} x {k}");
    assert!(b.data.len() > (k - 1) * b.row + (n - 1) * b.column, "right side holds {k} x {n}");
    let mut start = 0;
    while start < k {
        let block = (k - start).min(LONGEST_REDUCTION);
        // SAFETY: the asserts above keep every element the strides can reach inside its slice; `c` is borrowed mutably.
        unsafe {
            gemm(
                m,
                n,
                block,
                c.as_mut_ptr(),
                1,
                n as isize,
                accumulate,
                a.data.as_ptr().add(start * a.column),
                a.column as isize,
                a.row as isize,
                b.data.as_ptr().add(start * b.row),
                b.column as isize,
                b.row as isize,
                1.0f32,
                1.0f32,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
        accumulate = true;
        start += block;
    }
}

/// c[m, n] (+)= a[m, k] w[n, k]ᵀ: a layer's forward pass.
pub fn product_wt(m: usize, n: usize, k: usize, a: &[f32], w: &[f32], c: &mut [f32], accumulate: bool) {
    product(m, n, k, View { data: a, row: k, column: 1 }, View { data: w, row: 1, column: k }, c, accumulate);
}

/// c[m, n] (+)= a[m, k] b[k, n]: the gradient with respect to a layer's input.
pub fn product_plain(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
    product(m, n, k, View { data: a, row: k, column: 1 }, View { data: b, row: n, column: 1 }, c, accumulate);
}

/// c[m, n] (+)= a[k, m]ᵀ b[k, n]: the gradient of a weight, reduced over the rows in blocks.
pub fn product_at(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
    product(m, n, k, View { data: a, row: 1, column: m }, View { data: b, row: n, column: 1 }, c, accumulate);
}

/// y += x W, W [inputs, outputs]: one row times a matrix, where serving needs no more. `w` may have more rows than `x` has numbers.
#[multiversion(targets("x86_64+avx2"))]
pub fn add_product(x: &[f32], w: &[f32], y: &mut [f32]) {
    /// A stretch of y that stays in registers while all of x goes by.
    #[inline(always)]
    fn stretch<const N: usize>(x: &[f32], w: &[f32], y: &mut [f32], from: usize) {
        let outputs = y.len();
        let mut sums = [0.0f32; N];
        sums.copy_from_slice(&y[from..from + N]);
        for (x, row) in x.iter().zip(w.chunks_exact(outputs)) {
            let row = &row[from..from + N];
            for lane in 0..N {
                sums[lane] += x * row[lane];
            }
        }
        y[from..from + N].copy_from_slice(&sums);
    }
    let mut from = 0;
    while from + 64 <= y.len() {
        stretch::<64>(x, w, y, from);
        from += 64;
    }
    while from + 8 <= y.len() {
        stretch::<8>(x, w, y, from);
        from += 8;
    }
    while from < y.len() {
        stretch::<1>(x, w, y, from);
        from += 1;
    }
}

/// tanh as a ratio of polynomials (the coefficients Eigen uses), within 4e-7: vectorises, and is the same on every libm.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.905_311, 7.905_311);
    let x2 = x * x;
    let mut p = -2.760_768_5e-16f32;
    p = p * x2 + 2.000_188e-13;
    p = p * x2 - 8.604_672e-11;
    p = p * x2 + 5.122_297e-8;
    p = p * x2 + 1.485_722_4e-5;
    p = p * x2 + 6.372_619e-4;
    p = p * x2 + 4.893_525e-3;
    let mut q = 1.198_258_4e-6f32;
    q = q * x2 + 1.185_347e-4;
    q = q * x2 + 2.268_434_6e-3;
    q = q * x2 + 4.893_525_4e-3;
    x * p / q
}

/// 1 / (1 + e^-x), through [`tanh`].
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    0.5 * tanh(0.5 * x) + 0.5
}

/// Sum of max(x, 0) · w, in eight running sums: one alone would wait for each addition.
#[multiversion(targets("x86_64+avx2"))]
pub fn positive_dot(x: &[f32], w: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (xs, ws) = (x.chunks_exact(8), w.chunks_exact(8));
    let rest: f32 = xs.remainder().iter().zip(ws.remainder()).map(|(x, w)| x.max(0.0) * w).sum();
    for (x, w) in xs.zip(ws) {
        for lane in 0..8 {
            sums[lane] += x[lane].max(0.0) * w[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// ln(p / (1 - p)), p kept away from 0 and 1.
#[inline]
pub fn logit(p: f32) -> f32 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_and_sigmoid_agree_with_libm() {
        for step in -3000..=3000 {
            let x = step as f32 * 0.01;
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "tanh({x})");
            assert!((sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "sigmoid({x})");
        }
    }

    #[test]
    fn products_agree_with_three_loops() {
        let (m, n, k) = (3, 5, 1100);
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 50.0;
        let a: Vec<f32> = (0..m * k).map(value).collect();
        let b: Vec<f32> = (0..k * n).map(|i| value(i + 7)).collect();
        let transpose = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            (0..rows * columns).map(|i| x[(i % rows) * columns + i / rows]).collect()
        };
        let mut slow = vec![1.0f32; m * n];
        for i in 0..m {
            for j in 0..n {
                slow[i * n + j] += (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum::<f32>();
            }
        }
        let close = |x: &[f32]| x.iter().zip(&slow).all(|(x, y)| (x - y).abs() < 1e-3);
        let mut c = vec![1.0; m * n];
        product_plain(m, n, k, &a, &b, &mut c, true);
        assert!(close(&c));
        let mut c = vec![1.0; m * n];
        product_wt(m, n, k, &a, &transpose(&b, k, n), &mut c, true);
        assert!(close(&c));
        let mut c = vec![1.0; m * n];
        product_at(m, n, k, &transpose(&a, m, k), &b, &mut c, true);
        assert!(close(&c));
    }
}
