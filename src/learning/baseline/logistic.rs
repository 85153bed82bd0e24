//! Logistic regression on sparse rows: Newton's method, each step solved by conjugate gradients (as liblinear's primal solver
//! does), so that neither a dense matrix nor a Hessian is ever written down.
//!
//! loss(w, b) = Σ ln(1 + e^z) - y z + ridge/2 ‖w‖², z = x·w + b. With ridge = 1/C this is scikit-learn's `LogisticRegression(C)`;
//! the intercept is not penalised.

use ndarray::{Array1, Zip};

/// Compressed rows.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Rows {
    pub fn push(&mut self, row: &[(u32, f32)]) {
        self.columns.extend(row.iter().map(|(column, _)| column));
        self.values.extend(row.iter().map(|(_, value)| value));
        self.ends.push(self.columns.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn iter(&self) -> impl Iterator<Item = (&[u32], &[f32])> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| (&self.columns[start..end], &self.values[start..end]))
    }

    /// x · w + b; the last of `weights` is b.
    fn times(&self, weights: &Array1<f64>) -> Array1<f64> {
        let intercept = weights[weights.len() - 1];
        let dot = |(columns, values): (&[u32], &[f32])| {
            columns.iter().zip(values).map(|(column, value)| weights[*column as usize] * f64::from(*value)).sum::<f64>() + intercept
        };
        self.iter().map(dot).collect()
    }

    /// xᵀ r, and Σ r behind it; `power` 2 squares the values first (for the Hessian's diagonal).
    fn transposed_times(&self, r: &Array1<f64>, width: usize, power: i32) -> Array1<f64> {
        let mut sums = Array1::zeros(width + 1);
        for ((columns, values), r) in self.iter().zip(r) {
            for (column, value) in columns.iter().zip(values) {
                sums[*column as usize] += f64::from(*value).powi(power) * r;
            }
            sums[width] += r;
        }
        sums
    }
}

#[derive(Debug, Clone)]
pub struct Fitted {
    pub weights: Array1<f64>,
    pub intercept: f64,
    /// Newton steps taken.
    pub steps: usize,
}

impl Fitted {
    pub fn p(&self, row: &[(u32, f32)]) -> f32 {
        let z = row.iter().map(|(column, value)| self.weights[*column as usize] * f64::from(*value)).sum::<f64>() + self.intercept;
        sigmoid(z) as f32
    }
}

pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + e^z) without overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

const MOST_STEPS: usize = 40;
const MOST_INNER_STEPS: usize = 200;
/// Done when the gradient is this small beside the one at zero.
const TOLERANCE: f64 = 1e-5;

/// Fits `width` weights and an intercept. `labels`: one a row.
pub fn fit(rows: &Rows, labels: &[bool], width: usize, ridge: f64) -> Fitted {
    let y: Array1<f64> = labels.iter().map(|right| f64::from(u8::from(*right))).collect();
    let mut penalty = Array1::from_elem(width + 1, ridge);
    penalty[width] = 0.0;
    let loss = |z: &Array1<f64>, w: &Array1<f64>| {
        let data: f64 = z.iter().zip(&y).map(|(z, y)| softplus(*z) - y * z).sum();
        data + 0.5 * Zip::from(w).and(&penalty).fold(0.0, |sum, w, ridge| sum + ridge * w * w)
    };
    let mut w = Array1::zeros(width + 1);
    let mut z = Array1::zeros(rows.len());
    let mut value = loss(&z, &w);
    let (mut first, mut steps) = (None, 0);
    while steps < MOST_STEPS {
        let p = z.mapv(sigmoid);
        let gradient = rows.transposed_times(&(&p - &y), width, 1) + &penalty * &w;
        let size = gradient.dot(&gradient).sqrt();
        let first = *first.get_or_insert(size);
        if size <= TOLERANCE * first || size == 0.0 {
            break;
        }
        let curvature = p.mapv(|p| (p * (1.0 - p)).max(1e-9));
        let diagonal = rows.transposed_times(&curvature, width, 2) + &penalty;
        let hessian = |v: &Array1<f64>| rows.transposed_times(&(&curvature * &rows.times(v)), width, 1) + &penalty * v;
        let step = conjugate_gradients(hessian, &diagonal, &-&gradient, (size / first).sqrt().min(0.1));
        let (along, slope) = (rows.times(&step), gradient.dot(&step));
        let mut length = 1.0;
        let moved = loop {
            let (z_next, w_next) = (&z + length * &along, &w + length * &step);
            let next = loss(&z_next, &w_next);
            if next <= value + 1e-4 * length * slope {
                (z, w, value) = (z_next, w_next, next);
                break true;
            }
            length *= 0.5;
            if length < 1e-6 {
                break false;
            }
        };
        steps += 1;
        if !moved {
            break;
        }
    }
    let intercept = w[width];
    Fitted { weights: w.slice(ndarray::s![..width]).to_owned(), intercept, steps }
}

/// Solves `hessian` · x = `right`, preconditioned by the diagonal, until the residual shrank to `share`.
fn conjugate_gradients(
    hessian: impl Fn(&Array1<f64>) -> Array1<f64>,
    diagonal: &Array1<f64>,
    right: &Array1<f64>,
    share: f64,
) -> Array1<f64> {
    let mut x = Array1::zeros(right.len());
    let mut residual = right.clone();
    let goal = share * right.dot(right).sqrt();
    let precondition = |r: &Array1<f64>| Zip::from(r).and(diagonal).map_collect(|r, d| r / d.max(1e-12));
    let mut towards = precondition(&residual);
    let mut direction = towards.clone();
    let mut energy = residual.dot(&towards);
    for _ in 0..MOST_INNER_STEPS {
        if residual.dot(&residual).sqrt() <= goal {
            break;
        }
        let image = hessian(&direction);
        let bend = direction.dot(&image);
        if bend <= 0.0 {
            break;
        }
        let length = energy / bend;
        x.scaled_add(length, &direction);
        residual.scaled_add(-length, &image);
        towards = precondition(&residual);
        let next = residual.dot(&towards);
        direction = &towards + (next / energy) * &direction;
        energy = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_is_the_one_plain_gradient_descent_creeps_to() {
        let mut rows = Rows::default();
        let mut labels = Vec::new();
        for i in 0..60u32 {
            rows.push(&[(i % 3, 1.0), (3 + i % 2, 0.1 * (i % 7) as f32)]);
            labels.push(i * 13 % 7 < 2 + i % 3);
        }
        let fitted = fit(&rows, &labels, 5, 0.5);
        let (mut w, mut b) = ([0.0f64; 5], 0.0f64);
        for _ in 0..20_000 {
            let mut gradient = w.map(|w| 0.5 * w);
            let mut slope = 0.0;
            for ((columns, values), right) in rows.iter().zip(&labels) {
                let z = columns.iter().zip(values).map(|(c, v)| w[*c as usize] * f64::from(*v)).sum::<f64>() + b;
                let miss = sigmoid(z) - f64::from(u8::from(*right));
                columns.iter().zip(values).for_each(|(c, v)| gradient[*c as usize] += miss * f64::from(*v));
                slope += miss;
            }
            w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.05 * g);
            b -= 0.05 * slope;
        }
        assert!((fitted.intercept - b).abs() < 1e-3, "{} {b}", fitted.intercept);
        assert!(fitted.weights.iter().zip(w).all(|(a, b)| (a - b).abs() < 1e-3), "{} {w:?}", fitted.weights);
    }

    #[test]
    fn answers_that_are_all_right_give_finite_weights() {
        let mut rows = Rows::default();
        (0..20).for_each(|i| rows.push(&[(i % 2, 1.0)]));
        let fitted = fit(&rows, &[true; 20], 2, 1.0);
        assert!(fitted.intercept.is_finite() && fitted.weights.iter().all(|w| w.is_finite()));
        assert!(fitted.p(&[(0, 1.0)]) > 0.99);
    }
}
