//! The output layer's own operations: reading packed states into rows, and the last dot product.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Tensor};
use multiversion::multiversion;

use super::super::math::positive_dot;
use super::linear::{cpu, numbers};

/// How packed states become one row an answer.
pub struct States {
    /// Packed row of each answer, of each (answer, skill) pair.
    pub domain: Arc<Vec<u32>>,
    pub skill: Arc<Vec<u32>>,
    /// The pairs of answer i: `pairs[i]..pairs[i + 1]`.
    pub pairs: Arc<Vec<u32>>,
    /// [answers, features], put beside the states.
    pub features: Vec<f32>,
    /// Dropout of the states, [answers, 2d].
    pub mask: Option<Vec<f32>>,
}

/// domain [answers, d] and skill [pairs, d], packed -> [answers, 2d + features]: the domain's state, the mean of the skills', features.
pub fn read(domain: &Tensor, skill: &Tensor, states: States) -> Result<Tensor> {
    domain.apply_op2(skill, states)
}

impl States {
    fn width(&self, answers: usize, d: usize) -> usize {
        2 * d + self.features.len() / answers.max(1)
    }

    /// Packed rows of the pairs of answer `i`, and the weight of each.
    fn pairs(&self, i: usize) -> (&[u32], f32) {
        let (from, to) = (self.pairs[i] as usize, self.pairs[i + 1] as usize);
        (&self.skill[from..to], 1.0 / (to - from).max(1) as f32)
    }

    fn drop(&self, i: usize, states: &mut [f32]) {
        if let Some(mask) = &self.mask {
            let width = states.len();
            states.iter_mut().zip(&mask[i * width..]).for_each(|(state, mask)| *state *= mask);
        }
    }
}

impl CustomOp2 for States {
    fn name(&self) -> &'static str {
        "parcours-read-states"
    }

    fn cpu_fwd(&self, domain: &CpuStorage, ld: &Layout, skill: &CpuStorage, ls: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, d) = ld.shape().dims2()?;
        let (domain, skill) = (numbers(domain, ld)?, numbers(skill, ls)?);
        let width = self.width(n, d);
        let mut rows = vec![0.0f32; n * width];
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            let (states, features) = row.split_at_mut(2 * d);
            let (of_domain, of_skills) = states.split_at_mut(d);
            of_domain.copy_from_slice(&domain[self.domain[i] as usize * d..][..d]);
            let (pairs, weight) = self.pairs(i);
            for pair in pairs {
                of_skills.iter_mut().zip(&skill[*pair as usize * d..][..d]).for_each(|(mean, value)| *mean += weight * value);
            }
            self.drop(i, states);
            features.copy_from_slice(&self.features[i * features.len()..][..features.len()]);
        }
        Ok((CpuStorage::F32(rows), (n, width).into()))
    }

    fn bwd(&self, domain: &Tensor, skill: &Tensor, _: &Tensor, slope: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (n, d) = domain.dims2()?;
        let (storage, layout) = slope.storage_and_layout();
        let slope = cpu(&storage, layout)?;
        let (mut of_domain, mut of_skill) = (vec![0.0f32; domain.elem_count()], vec![0.0f32; skill.elem_count()]);
        let mut states = vec![0.0f32; 2 * d];
        for (i, row) in slope.chunks_exact(self.width(n, d)).enumerate() {
            states.copy_from_slice(&row[..2 * d]);
            self.drop(i, &mut states);
            of_domain[self.domain[i] as usize * d..][..d].copy_from_slice(&states[..d]);
            let (pairs, weight) = self.pairs(i);
            for pair in pairs {
                of_skill[*pair as usize * d..][..d].iter_mut().zip(&states[d..]).for_each(|(sum, value)| *sum = weight * value);
            }
        }
        let tensor = |values: Vec<f32>, of: &Tensor| Tensor::from_vec(values, of.shape().clone(), &Device::Cpu);
        Ok((Some(tensor(of_domain, domain)?), Some(tensor(of_skill, skill)?)))
    }
}

/// logit = base + w · (relu(z) ⊙ mask) + b.  z [answers, hidden], w [1, hidden], b [1], base [answers] -> [answers].
pub fn head(z: &Tensor, w: &Tensor, b: &Tensor, base: Vec<f32>, mask: Option<Vec<f32>>) -> Result<Tensor> {
    z.apply_op3(w, b, Head { base, mask })
}

struct Head {
    base: Vec<f32>,
    mask: Option<Vec<f32>>,
}

impl CustomOp3 for Head {
    fn name(&self) -> &'static str {
        "parcours-output"
    }

    fn cpu_fwd(
        &self,
        z: &CpuStorage,
        lz: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, _) = lz.shape().dims2()?;
        let (z, w, b) = (numbers(z, lz)?, numbers(w, lw)?, numbers(b, lb)?[0]);
        let mut logits: Vec<f32> = self.base.iter().map(|base| base + b).collect();
        read_out(z, w, self.mask.as_deref(), &mut logits);
        Ok((CpuStorage::F32(logits), n.into()))
    }

    fn bwd(
        &self,
        z: &Tensor,
        w: &Tensor,
        _b: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (n, h) = z.dims2()?;
        let (z_storage, z_layout) = z.storage_and_layout();
        let (w_storage, w_layout) = w.storage_and_layout();
        let (s_storage, s_layout) = slope.storage_and_layout();
        let (z, w, slope) = (cpu(&z_storage, z_layout)?, cpu(&w_storage, w_layout)?, cpu(&s_storage, s_layout)?);
        let (mut dz, mut dw) = (vec![0.0f32; n * h], vec![0.0f32; h]);
        read_back(slope, z, w, self.mask.as_deref(), &mut dz, &mut dw);
        let cpu = &Device::Cpu;
        let db = slope.iter().sum::<f32>();
        Ok((Some(Tensor::from_vec(dz, (n, h), cpu)?), Some(Tensor::from_vec(dw, (1, h), cpu)?), Some(Tensor::from_vec(vec![db], 1, cpu)?)))
    }
}

/// logit += w · (relu(z) ⊙ mask)
#[multiversion(targets("x86_64+avx2"))]
fn read_out(z: &[f32], w: &[f32], mask: Option<&[f32]>, logits: &mut [f32]) {
    const LANES: usize = 8;
    let h = w.len();
    for (i, (z, logit)) in z.chunks_exact(h).zip(logits).enumerate() {
        let Some(mask) = mask.map(|mask| &mask[i * h..][..h]) else {
            *logit += positive_dot(z, w);
            continue;
        };
        let mut sums = [0.0f32; LANES];
        for ((z, w), mask) in z.chunks(LANES).zip(w.chunks(LANES)).zip(mask.chunks(LANES)) {
            sums.iter_mut().zip(z).zip(w).zip(mask).for_each(|(((sum, z), w), mask)| *sum += z.max(0.0) * w * mask);
        }
        *logit += sums.iter().sum::<f32>();
    }
}

/// ∂z = ∂logit w ⊙ mask where z is above 0, ∂w = Σ ∂logit relu(z) ⊙ mask
#[multiversion(targets("x86_64+avx2"))]
fn read_back(slopes: &[f32], z: &[f32], w: &[f32], mask: Option<&[f32]>, dz: &mut [f32], dw: &mut [f32]) {
    let h = w.len();
    let everything = vec![1.0f32; h];
    for (i, (slope, (dz, z))) in slopes.iter().zip(dz.chunks_exact_mut(h).zip(z.chunks_exact(h))).enumerate() {
        let mask = mask.map_or(&everything[..], |mask| &mask[i * h..][..h]);
        for ((((dz, dw), z), w), mask) in dz.iter_mut().zip(dw.iter_mut()).zip(z).zip(w).zip(mask) {
            let through = if *z > 0.0 { slope * mask } else { 0.0 };
            *dz = through * w;
            *dw += through * z;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_same_slopes, variable};
    use super::*;

    fn tensor(values: &[f32], shape: (usize, usize)) -> Tensor {
        Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn reading_states_agrees_with_candle() {
        // Three answers: one skill, none, two skills.
        let (domain, skill) = (variable("domain", &[3, 2]), variable("skill", &[3, 2]));
        let features = vec![0.1, 0.2, 0.3];
        let mask = vec![2.0, 0.0, 2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.0];
        let states = States {
            domain: Arc::new(vec![2, 0, 1]),
            skill: Arc::new(vec![1, 0, 2]),
            pairs: Arc::new(vec![0, 1, 1, 3]),
            features: features.clone(),
            mask: Some(mask.clone()),
        };
        let fast = read(&domain, &skill, states).unwrap();
        let row = |of: &Tensor, at: usize| of.narrow(0, at, 1).unwrap();
        let nothing = Tensor::zeros((1, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let of_domain = Tensor::cat(&[row(&domain, 2), row(&domain, 0), row(&domain, 1)], 0).unwrap();
        let of_skill = Tensor::cat(&[row(&skill, 1), nothing, ((row(&skill, 0) + row(&skill, 2)).unwrap() * 0.5).unwrap()], 0).unwrap();
        let states = (Tensor::cat(&[of_domain, of_skill], 1).unwrap() * tensor(&mask, (3, 4))).unwrap();
        assert_same_slopes(&fast, &Tensor::cat(&[states, tensor(&features, (3, 1))], 1).unwrap(), &[&domain, &skill]);
    }

    #[test]
    fn the_last_layer_agrees_with_candle() {
        let (z, w, b) = (variable("z", &[3, 4]), variable("w", &[1, 4]), variable("b", &[1]));
        let base = vec![0.5, -1.0, 2.0];
        for mask in [None, Some(vec![2.0, 0.0, 2.0, 2.0, 0.0, 2.0, 2.0, 0.0, 2.0, 2.0, 2.0, 0.0])] {
            let fast = head(&z, &w, &b, base.clone(), mask.clone()).unwrap();
            let mask = tensor(&mask.unwrap_or(vec![1.0; 12]), (3, 4));
            let dot = (z.relu().unwrap() * mask).unwrap().matmul(&w.t().unwrap()).unwrap().broadcast_add(&b).unwrap();
            let slow = (dot.flatten_all().unwrap() + Tensor::from_slice(&base, 3, &Device::Cpu).unwrap()).unwrap();
            assert_same_slopes(&fast, &slow, &[&z, &w, &b]);
        }
    }
}
