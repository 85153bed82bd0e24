//! The additive recurrence with forgetting, over packed runs, as one candle operation with its gradient worked out by hand.
//!
//! For each run (a learner's answers, or those on one skill), with h₀ = 0:
//!
//! ```text
//! h'ₜ = hₜ₋₁ ⊙ σ(G hₜ₋₁ + gₜ)        what is left after the gap gₜ
//! hₜ  = h'ₜ + tanh(U h'ₜ + xₜ)       what the answer xₜ adds
//! yₜ  = tanh(h'ₜ / 2)                what the prediction reads: states add up without bound, and read plainly broke the training
//! ```
//!
//! after ReKT (Shen et al., ACM MM 2024). `xₜ` (the input's product with its weights) and `gₜ` (rows of a table) are made outside
//! of the loop. Runs are *packed*: sorted by length, longest first, rows of step 0 of all runs first, then step 1 of those that
//! have one, …; so no padding is computed, and the rows of one step are those of the first n runs of the step before.

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use multiversion::multiversion;

use super::super::math::{product_at, product_plain, product_wt, sigmoid, tanh};
use super::linear::{cpu, numbers};

/// Where packed rows come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runs {
    /// Packed rows of step t: `offsets[t]..offsets[t + 1]`.
    pub offsets: Arc<Vec<usize>>,
    /// Source row of each packed row.
    pub source: Vec<u32>,
    /// Packed row of each source row.
    pub place: Arc<Vec<u32>>,
}

impl Runs {
    /// `runs`: source rows of each run, in order; together they name every row of `0..rows` once.
    pub fn pack(mut runs: Vec<Vec<u32>>, rows: usize) -> Self {
        runs.retain(|run| !run.is_empty());
        runs.sort_by_key(|run| std::cmp::Reverse(run.len())); // stable: equal lengths keep their order
        let steps = runs.first().map_or(0, Vec::len);
        let (mut offsets, mut source, mut place) = (vec![0], Vec::with_capacity(rows), vec![0; rows]);
        let mut active = runs.len();
        for step in 0..steps {
            while runs[active - 1].len() <= step {
                active -= 1;
            }
            for run in &runs[..active] {
                place[run[step] as usize] = source.len() as u32;
                source.push(run[step]);
            }
            offsets.push(source.len());
        }
        Self { offsets: Arc::new(offsets), source, place: Arc::new(place) }
    }
}

/// What the forward pass leaves to the backward pass, [rows, d] each.
struct Saved {
    /// h'
    faded: Vec<f32>,
    /// tanh(U h' + x)
    added: Vec<f32>,
    /// σ(G h + g)
    kept: Vec<f32>,
    /// h of the step before
    before: Vec<f32>,
}

struct AdditiveRecurrence {
    offsets: Arc<Vec<usize>>,
    saved: Mutex<Option<Saved>>,
}

/// x and gap [rows, d] packed, weights [2d, d] (G above U) -> y [rows, d] packed.
pub fn recur(x: &Tensor, gap: &Tensor, weights: &Tensor, runs: &Runs) -> Result<Tensor> {
    x.apply_op3(gap, weights, AdditiveRecurrence { offsets: runs.offsets.clone(), saved: Mutex::new(None) })
}

/// States add up without bound; what reads them sees tanh(h / 2).
#[inline(always)]
pub fn squash(h: f32) -> f32 {
    tanh(0.5 * h)
}

impl AdditiveRecurrence {
    fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + '_ {
        self.offsets.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

impl CustomOp3 for AdditiveRecurrence {
    fn name(&self) -> &'static str {
        "parcours-additive-recurrence"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        gap: &CpuStorage,
        lg: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, d) = lx.shape().dims2()?;
        let (x, gap, w) = (numbers(x, lx)?, numbers(gap, lg)?, numbers(w, lw)?);
        let (g, u) = w.split_at(d * d);
        let mut faded = vec![0.0f32; rows * d];
        let mut added = x.to_vec();
        let mut kept = gap.to_vec();
        let mut before = vec![0.0f32; rows * d];
        let mut previous = 0;
        for (step, (start, end)) in self.steps().enumerate() {
            let (from, to, n) = (start * d, end * d, end - start);
            if step > 0 {
                let (old_added, new_added) = added.split_at_mut(from);
                let (old_faded, new_faded) = faded.split_at_mut(from);
                let before = &mut before[from..to];
                let last = previous * d..previous * d + n * d;
                sum(&old_faded[last.clone()], &old_added[last], before);
                let gate = &mut kept[from..to];
                product_wt(n, d, d, before, g, gate, true);
                let faded = &mut new_faded[..n * d];
                let_through(gate, before, faded);
                product_wt(n, d, d, faded, u, &mut new_added[..n * d], true);
            }
            bend(&mut added[from..to]);
            previous = start;
        }
        let mut y = vec![0.0f32; rows * d];
        squash_all(&faded, &mut y);
        *self.saved.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Saved { faded, added, kept, before });
        Ok((CpuStorage::F32(y), (rows, d).into()))
    }

    /// With aₜ = tanh(U h'ₜ + xₜ), sₜ = σ(G hₜ₋₁ + gₜ), and ∂ for the gradient of the loss:
    ///
    /// ```text
    /// ∂xₜ = ∂hₜ ⊙ (1 - aₜ²)            ∂h'ₜ = ∂yₜ ⊙ (1 - yₜ²)/2 + ∂hₜ + Uᵀ ∂xₜ     ∂U = Σ ∂xₜ h'ₜᵀ
    /// ∂gₜ = ∂h'ₜ ⊙ hₜ₋₁ ⊙ sₜ(1 - sₜ)   ∂hₜ₋₁ = ∂h'ₜ ⊙ sₜ + Gᵀ ∂gₜ                  ∂G = Σ ∂gₜ hₜ₋₁ᵀ
    /// ```
    fn bwd(
        &self,
        x: &Tensor,
        _gap: &Tensor,
        w: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, d) = x.dims2()?;
        let (s, l) = w.storage_and_layout();
        let (g, u) = cpu(&s, l)?.split_at(d * d);
        let (s, l) = res.storage_and_layout();
        let y = cpu(&s, l)?;
        let grad = grad.contiguous()?;
        let (s, l) = grad.storage_and_layout();
        let outside = cpu(&s, l)?;
        let Some(Saved { faded, added, kept, before }) = self.saved.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() else {
            candle_core::bail!("a recurrence is differentiated once, after its forward pass");
        };
        let (mut dx, mut dgap) = (vec![0.0f32; rows * d], vec![0.0f32; rows * d]);
        let width = self.offsets.get(1).copied().unwrap_or(0);
        // ∂h at the end of the current step; runs that end here start at 0: nothing reads their last h.
        let mut dh = vec![0.0f32; width * d];
        let mut dfaded = vec![0.0f32; width * d];
        for (start, end) in self.steps().rev() {
            let (from, to, n) = (start * d, end * d, end - start);
            let (dh, dfaded) = (&mut dh[..n * d], &mut dfaded[..n * d]);
            through_tanh(dh, &added[from..to], &mut dx[from..to]);
            if start == 0 {
                break; // h' is the constant 0 there
            }
            through_squash(dh, &outside[from..to], &y[from..to], dfaded);
            product_plain(n, d, d, &dx[from..to], u, dfaded, true);
            through_gate(dfaded, &kept[from..to], &before[from..to], &mut dgap[from..to], dh);
            product_plain(n, d, d, &dgap[from..to], g, dh, true);
        }
        let mut dw = vec![0.0f32; 2 * d * d];
        let (dg, du) = dw.split_at_mut(d * d);
        product_at(d, d, rows, &dgap, &before, dg, false);
        product_at(d, d, rows, &dx, &faded, du, false);
        Ok((
            Some(Tensor::from_vec(dx, (rows, d), &Device::Cpu)?),
            Some(Tensor::from_vec(dgap, (rows, d), &Device::Cpu)?),
            Some(Tensor::from_vec(dw, (2 * d, d), &Device::Cpu)?),
        ))
    }
}

/// before = left + more
#[multiversion(targets("x86_64+avx2"))]
fn sum(left: &[f32], more: &[f32], before: &mut [f32]) {
    before.iter_mut().zip(left).zip(more).for_each(|((before, left), more)| *before = left + more);
}

/// gate = σ(gate), left = h ⊙ gate
#[multiversion(targets("x86_64+avx2"))]
fn let_through(gate: &mut [f32], h: &[f32], left: &mut [f32]) {
    for ((left, h), z) in left.iter_mut().zip(h).zip(gate) {
        *z = sigmoid(*z);
        *left = h * *z;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn bend(z: &mut [f32]) {
    z.iter_mut().for_each(|z| *z = tanh(*z));
}

#[multiversion(targets("x86_64+avx2"))]
fn squash_all(h: &[f32], y: &mut [f32]) {
    y.iter_mut().zip(h).for_each(|(y, h)| *y = squash(*h));
}

/// ∂x = ∂h ⊙ (1 - a²)
#[multiversion(targets("x86_64+avx2"))]
fn through_tanh(dh: &[f32], a: &[f32], dx: &mut [f32]) {
    dx.iter_mut().zip(a).zip(dh).for_each(|((dx, a), dh)| *dx = dh * (1.0 - a * a));
}

/// ∂h' = ∂h + ∂y ⊙ (1 - y²)/2
#[multiversion(targets("x86_64+avx2"))]
fn through_squash(dh: &[f32], dy: &[f32], y: &[f32], dfaded: &mut [f32]) {
    for (((dfaded, dh), y), dy) in dfaded.iter_mut().zip(dh).zip(y).zip(dy) {
        *dfaded = dh + 0.5 * dy * (1.0 - y * y);
    }
}

/// ∂g = ∂h' ⊙ h ⊙ s(1 - s), ∂h = ∂h' ⊙ s
#[multiversion(targets("x86_64+avx2"))]
fn through_gate(dfaded: &[f32], s: &[f32], h: &[f32], dgap: &mut [f32], dh: &mut [f32]) {
    for ((((dgap, dh), dfaded), s), h) in dgap.iter_mut().zip(dh).zip(dfaded).zip(s).zip(h) {
        *dgap = dfaded * h * s * (1.0 - s);
        *dh = dfaded * s;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, loss, variable};
    use super::*;
    use candle_core::Var;

    const D: usize = 3;

    fn runs() -> Runs {
        // Six rows of a learner's two skills and one answered once.
        Runs::pack(vec![vec![0, 2], vec![1, 3, 4], vec![5]], 6)
    }

    fn inputs() -> [Var; 3] {
        [variable("x", &[6, D]), variable("gap", &[6, D]), variable("weights", &[2 * D, D])]
    }

    /// The same recurrence, step by step in candle's own operations, as slow and plain as the formula.
    fn slow(x: &Tensor, gap: &Tensor, weights: &Tensor, runs: &Runs) -> Tensor {
        let (g, u) = (weights.narrow(0, 0, D).unwrap(), weights.narrow(0, D, D).unwrap());
        let mut h: Option<Tensor> = None;
        let mut all = Vec::new();
        for pair in runs.offsets.windows(2) {
            let n = pair[1] - pair[0];
            let rows = |t: &Tensor| t.narrow(0, pair[0], n).unwrap();
            let faded = match &h {
                None => Tensor::zeros((n, D), candle_core::DType::F32, &Device::Cpu).unwrap(),
                Some(h) => {
                    let h = h.narrow(0, 0, n).unwrap();
                    let gate = (h.matmul(&g.t().unwrap()).unwrap() + rows(gap)).unwrap();
                    let keep = ((gate * 0.5).unwrap().tanh().unwrap() * 0.5).unwrap().affine(1.0, 0.5).unwrap();
                    (h * keep).unwrap()
                }
            };
            let added = (faded.matmul(&u.t().unwrap()).unwrap() + rows(x)).unwrap().tanh().unwrap();
            h = Some((&faded + added).unwrap());
            all.push((faded * 0.5).unwrap().tanh().unwrap());
        }
        Tensor::cat(&all, 0).unwrap()
    }

    #[test]
    fn packing_puts_long_runs_first_and_loses_no_row() {
        let runs = runs();
        assert_eq!(*runs.offsets, [0, 3, 5, 6]);
        assert_eq!(runs.source, [1, 0, 5, 3, 2, 4]);
        for (row, place) in runs.place.iter().enumerate() {
            assert_eq!(runs.source[*place as usize] as usize, row);
        }
        assert_eq!(*Runs::pack(vec![], 0).offsets, [0]);
    }

    #[test]
    fn the_gradient_agrees_with_autodiff() {
        let [x, gap, weights] = inputs();
        let fast = recur(&x, &gap, &weights, &runs()).unwrap();
        let plain = slow(&x, &gap, &weights, &runs());
        assert!(difference(&fast, &plain) < 1e-6);
        let (fast, plain) = (loss(&fast).backward().unwrap(), loss(&plain).backward().unwrap());
        for variable in [&x, &gap, &weights] {
            assert!(difference(fast.get(variable).unwrap(), plain.get(variable).unwrap()) < 1e-5);
        }
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let variables = inputs();
        let run = || f64::from(loss(&recur(&variables[0], &variables[1], &variables[2], &runs()).unwrap()).to_scalar::<f32>().unwrap());
        let gradients = loss(&recur(&variables[0], &variables[1], &variables[2], &runs()).unwrap()).backward().unwrap();
        for variable in &variables {
            let gradient: Vec<f32> = gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let values: Vec<f32> = variable.flatten_all().unwrap().to_vec1().unwrap();
            for (place, gradient) in gradient.iter().enumerate() {
                let at = |shift: f32| {
                    let mut values = values.clone();
                    values[place] += shift;
                    variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
                    run()
                };
                let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
                at(0.0);
                assert!((slope - f64::from(*gradient)).abs() < 2e-3, "{slope} against {gradient}");
            }
        }
    }
}
