//! Adam with an L2 penalty over weights in name order, the gradient's global norm clipped, and the running mean of the weights that
//! is kept. Items' rows are touched by the batches that hold the item only: a step costs what its batch costs, however long the
//! catalogue.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};
use multiversion::multiversion;

use super::artefact::Tensors;
use super::network::{ITEM_ROWS, Network};

/// What the optimiser remembers of some numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// Running mean of the number itself.
    pub mean: Vec<f32>,
}

impl Moments {
    fn new(values: Vec<f32>) -> Self {
        Self { first: vec![0.0; values.len()], second: vec![0.0; values.len()], mean: values }
    }
}

/// How fast items' rows learn, against the other weights. They are many and see little: at full speed they learn the training
/// answers by heart (AUC on assist2009's validation learners 0.784 against 0.791, on statics2011's the same).
const ITEM_PACE: f32 = 0.1;
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.99;
const EPSILON: f32 = 1e-8;
const LARGEST_NORM: f64 = 1.0;

pub struct Adam {
    pub(super) dense: BTreeMap<String, Moments>,
    pub(super) items: Moments,
    /// Of each item row: the step that last touched it, and how many did.
    pub(super) touched: Vec<(u32, u32)>,
    /// After each step, the sum so far of ln(keep): what the running mean of an untouched row forgot since.
    pub(super) forgotten: Vec<f32>,
    weight_decay: f32,
}

/// One update's constants.
#[derive(Clone, Copy)]
struct Rate {
    learning_rate: f32,
    weight_decay: f32,
    clip: f32,
    unbias_1: f32,
    unbias_2: f32,
    into_mean: f32,
}

impl Rate {
    /// For weights updated `times` times, this one included.
    fn after(self, times: u32) -> Self {
        let unbias = |beta: f32| 1.0 / (1.0 - beta.powi(times.min(i32::MAX as u32) as i32));
        Self { unbias_1: unbias(BETA_1), unbias_2: unbias(BETA_2), ..self }
    }

    fn update(self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], mean: &mut [f32]) {
        update(self, values, gradient, first, second, mean);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn update(rate: Rate, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], mean: &mut [f32]) {
    for ((((value, g), first), second), mean) in values.iter_mut().zip(gradient).zip(first).zip(second).zip(mean) {
        let g = g * rate.clip + rate.weight_decay * *value;
        *first += (1.0 - BETA_1) * (g - *first);
        *second += (1.0 - BETA_2) * (g * g - *second);
        *value -= rate.learning_rate * (*first * rate.unbias_1) / ((*second * rate.unbias_2).sqrt() + EPSILON);
        *mean += rate.into_mean * (*value - *mean);
    }
}

/// The rows of items a batch has touched.
pub struct ItemRows<'a> {
    /// Which, as positions in the vocabulary.
    pub items: &'a [u32],
    /// How much of each row the network saw.
    pub fade: &'a [f32],
    /// What the network saw, [items of the batch, d].
    pub seen: &'a Var,
}

/// In eight running sums a stretch, the stretches in double precision.
#[multiversion(targets("x86_64+avx2"))]
fn square_sum(values: &[f32]) -> f64 {
    let stretch = |values: &[f32]| {
        let mut sums = [0.0f32; 8];
        values.chunks(8).for_each(|values| sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * value));
        f64::from(sums.iter().sum::<f32>())
    };
    values.chunks(256).map(stretch).sum()
}

impl Adam {
    pub fn new(network: &Network, weight_decay: f64) -> Result<Self> {
        let dense = network.weights.iter().map(|(name, weight)| Ok((name.clone(), Moments::new(weight.flatten_all()?.to_vec1()?))));
        Ok(Self {
            dense: dense.collect::<Result<_>>()?,
            items: Moments::new(network.items.clone()),
            touched: vec![(0, 0); network.items.len() / network.width],
            forgotten: vec![0.0],
            weight_decay: weight_decay as f32,
        })
    }

    fn steps(&self) -> u32 {
        self.forgotten.len() as u32 - 1
    }

    /// One step. `keep`: how much of the running mean of the weights stays.
    pub fn step(&mut self, network: &mut Network, rows: ItemRows<'_>, gradients: &GradStore, learning_rate: f32, keep: f32) -> Result<()> {
        let d = network.width;
        let steps = self.steps() + 1;
        // Early on the mean forgets faster, or it would remember the weights training began with.
        let keep = keep.min((1 + steps) as f32 / (10 + steps) as f32);
        let mut dense = BTreeMap::new();
        let mut square = 0.0;
        for (name, weight) in &network.weights {
            if let Some(gradient) = gradients.get(weight) {
                let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
                square += square_sum(&gradient);
                dense.insert(name, gradient);
            }
        }
        let mut of_rows: Vec<f32> = match gradients.get(rows.seen) {
            Some(gradient) => gradient.flatten_all()?.to_vec1()?,
            None => vec![0.0; rows.items.len() * d],
        };
        of_rows.chunks_exact_mut(d).zip(rows.fade).for_each(|(row, fade)| row.iter_mut().for_each(|slope| *slope *= fade));
        square += square_sum(&of_rows);
        let clip = (LARGEST_NORM / square.sqrt().max(1e-12)).min(1.0) as f32;
        let rate = Rate { learning_rate, weight_decay: self.weight_decay, clip, unbias_1: 1.0, unbias_2: 1.0, into_mean: 1.0 - keep };
        for (name, weight) in &network.weights {
            let (Some(moments), Some(gradient)) = (self.dense.get_mut(name), dense.get(name)) else { continue };
            let mut values: Vec<f32> = weight.flatten_all()?.to_vec1()?;
            rate.after(steps).update(&mut values, gradient, &mut moments.first, &mut moments.second, &mut moments.mean);
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
        for (row, gradient) in rows.items.iter().map(|row| *row as usize).zip(of_rows.chunks_exact(d)) {
            let at = row * d..(row + 1) * d;
            let stays = self.stays(row);
            catch_up(&mut self.items.mean[at.clone()], &network.items[at.clone()], stays);
            let (last, times) = &mut self.touched[row];
            (*last, *times) = (steps, *times + 1);
            let rate = Rate { learning_rate: learning_rate * ITEM_PACE, ..rate.after(*times) };
            let Moments { first, second, mean } = &mut self.items;
            rate.update(&mut network.items[at.clone()], gradient, &mut first[at.clone()], &mut second[at.clone()], &mut mean[at]);
        }
        self.forgotten.push(self.forgotten[steps as usize - 1] + keep.ln());
        Ok(())
    }

    /// How much of an item row's running mean is left since a step last touched it.
    fn stays(&self, row: usize) -> f32 {
        (self.forgotten[self.steps() as usize] - self.forgotten[self.touched[row].0 as usize]).exp()
    }

    /// The running mean of each weight, items' rows among them.
    pub fn means(&self, network: &Network) -> Tensors {
        let d = network.width;
        let mut rows = self.items.mean.clone();
        for row in 0..self.touched.len() {
            catch_up(&mut rows[row * d..(row + 1) * d], &network.items[row * d..(row + 1) * d], self.stays(row));
        }
        let dense = self.dense.iter().map(|(name, moments)| (name.clone(), (network.weights[name].dims().to_vec(), moments.mean.clone())));
        dense.chain([(ITEM_ROWS.to_string(), (vec![self.touched.len(), d], rows))]).collect()
    }
}

/// A running mean after steps in which the value stood still.
fn catch_up(mean: &mut [f32], value: &[f32], stays: f32) {
    mean.iter_mut().zip(value).for_each(|(mean, value)| *mean = value + stays * (*mean - value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_that_catches_up_is_the_mean_that_was_kept_all_along() {
        let keeps = [0.3f32, 0.5, 0.9, 0.95];
        let (mut slow, value) = (4.0f32, 1.5);
        keeps.iter().for_each(|keep| slow += (1.0 - keep) * (value - slow));
        let mut fast = [4.0];
        catch_up(&mut fast, &[value], keeps.iter().map(|keep| keep.ln()).sum::<f32>().exp());
        assert!((fast[0] - slow).abs() < 1e-6);
    }
}
