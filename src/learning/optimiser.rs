//! Adam with an L2 penalty over weights in name order, the gradient's global norm clipped, and the running mean of the weights that is kept.

use std::collections::BTreeMap;

use super::artefact::Tensors;
use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};

struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Running mean of the weight itself.
    mean: Vec<f32>,
}

pub struct Adam {
    moments: BTreeMap<String, Moments>,
    steps: i32,
    weight_decay: f32,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.99;
const EPSILON: f32 = 1e-8;
const LARGEST_NORM: f64 = 1.0;

impl Adam {
    pub fn new(weights: &BTreeMap<String, Var>, weight_decay: f64) -> Result<Self> {
        let moments = weights.iter().map(|(name, weight)| {
            let count = weight.elem_count();
            let mean = weight.flatten_all()?.to_vec1()?;
            Ok((name.clone(), Moments { first: vec![0.0; count], second: vec![0.0; count], mean }))
        });
        Ok(Self { moments: moments.collect::<Result<_>>()?, steps: 0, weight_decay: weight_decay as f32 })
    }

    /// One step. `keep`: how much of the running mean of the weights stays.
    pub fn step(&mut self, weights: &BTreeMap<String, Var>, gradients: &GradStore, learning_rate: f32, keep: f32) -> Result<()> {
        self.steps += 1;
        // Early on the mean forgets faster, or it would remember the weights training began with.
        let keep = keep.min((1 + self.steps) as f32 / (10 + self.steps) as f32);
        let mut all = BTreeMap::new();
        let mut square = 0.0f64;
        for (name, weight) in weights {
            if let Some(gradient) = gradients.get(weight) {
                let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
                square += gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
                all.insert(name, gradient);
            }
        }
        let clip = (LARGEST_NORM / square.sqrt().max(1e-12)).min(1.0) as f32;
        let (unbias_1, unbias_2) = (1.0 - BETA_1.powi(self.steps), 1.0 - BETA_2.powi(self.steps));
        for (name, weight) in weights {
            let Some(moments) = self.moments.get_mut(name) else { continue };
            let Some(gradient) = all.get(name) else { continue };
            let mut values: Vec<f32> = weight.flatten_all()?.to_vec1()?;
            let Moments { first, second, mean } = moments;
            for ((((value, g), first), second), mean) in values.iter_mut().zip(gradient).zip(first).zip(second).zip(mean) {
                let g = g * clip + self.weight_decay * *value;
                *first += (1.0 - BETA_1) * (g - *first);
                *second += (1.0 - BETA_2) * (g * g - *second);
                *value -= learning_rate * (*first / unbias_1) / ((*second / unbias_2).sqrt() + EPSILON);
                *mean += (1.0 - keep) * (*value - *mean);
            }
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// The running mean of each weight.
    pub fn means(&self, weights: &BTreeMap<String, Var>) -> Tensors {
        self.moments.iter().map(|(name, moments)| (name.clone(), (weights[name].dims().to_vec(), moments.mean.clone()))).collect()
    }
}
