//! A training in the middle, as bytes: what an interrupted training needs to end with the same bytes as one that never stopped.
//!
//! A checkpoint is as personal as the member it becomes: whoever keeps one keeps it beside the shard's epoch and destroys it with it.

use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::artefact::{self, Tensors};
use super::network::{ITEM_ROWS, Network};
use super::optimiser::{Adam, Moments};
use super::predictor::LoadError;
use super::train::{Best, Course, TrainingReport};

/// Where a training's checkpoints are kept.
pub trait Checkpoints {
    /// The last one kept of this very training (same data, configuration and seed), if there is one.
    fn last(&mut self) -> Option<Vec<u8>>;

    /// Called after each epoch; `make` costs a copy of the weights. Failing to keep one is no reason to stop.
    fn keep(&mut self, make: &mut dyn FnMut() -> std::result::Result<Vec<u8>, LoadError>);
}

/// A training that is begun anew when interrupted.
pub struct NoCheckpoints;

impl Checkpoints for NoCheckpoints {
    fn last(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn keep(&mut self, _: &mut dyn FnMut() -> std::result::Result<Vec<u8>, LoadError>) {}
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    checkpoint: u32,
    report: TrainingReport,
    /// Epoch, validation loss and AUC of the best so far.
    best: Option<(usize, f64, Option<f64>)>,
}

const FORMAT: u32 = 1;

pub struct Checkpoint {
    header: Header,
    tensors: Tensors,
}

fn flat(values: &[f32]) -> (Vec<usize>, Vec<f32>) {
    (vec![values.len()], values.to_vec())
}

impl Checkpoint {
    pub fn of(network: &Network, optimiser: &Adam, course: &Course) -> Self {
        let mut tensors = Tensors::new();
        for (name, weight) in &network.weights {
            // A weight is a contiguous f32 tensor on the CPU: reading it cannot fail.
            let values = weight.flatten_all().and_then(|weight| weight.to_vec1::<f32>()).unwrap_or_default();
            tensors.insert(format!("weight/{name}"), flat(&values));
        }
        tensors.insert(format!("weight/{ITEM_ROWS}"), flat(&network.items));
        let moments = optimiser.dense.iter().map(|(name, moments)| (name.as_str(), moments)).chain([(ITEM_ROWS, &optimiser.items)]);
        for (name, moments) in moments {
            for (part, values) in [("first", &moments.first), ("second", &moments.second), ("mean", &moments.mean)] {
                tensors.insert(format!("{part}/{name}"), flat(values));
            }
        }
        // Whole numbers below 2^24, which a 32-bit float holds exactly.
        let touched: Vec<f32> = optimiser.touched.iter().flat_map(|(last, times)| [*last as f32, *times as f32]).collect();
        tensors.insert("touched".into(), flat(&touched));
        tensors.insert("forgotten".into(), flat(&optimiser.forgotten));
        if let Some(best) = &course.best {
            tensors.extend(best.weights.iter().map(|(name, values)| (format!("best/{name}"), values.clone())));
        }
        let best = course.best.as_ref().map(|best| (best.epoch, best.log_loss, best.auc));
        Self { header: Header { checkpoint: FORMAT, report: course.report.clone(), best }, tensors }
    }

    /// # Errors
    /// None in practice: shapes and values come from the same vectors.
    pub fn encode(&self) -> std::result::Result<Vec<u8>, LoadError> {
        artefact::encode(&self.header, &self.tensors)
    }

    /// # Errors
    /// The bytes are no checkpoint of this format.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Self, LoadError> {
        let (header, tensors): (Header, Tensors) = artefact::decode_as(bytes)?;
        if header.checkpoint != FORMAT {
            return Err(LoadError::Corrupt(format!("checkpoint format {} is not {FORMAT}", header.checkpoint)));
        }
        Ok(Self { header, tensors })
    }

    /// Puts a fresh training where this one was. One that does not fit (another catalogue, another width) changes nothing.
    pub fn restore(mut self, network: &mut Network, optimiser: &mut Adam, course: &mut Course) -> Result<()> {
        if !self.fits(network, optimiser) {
            return Ok(());
        }
        let mut take = |name: String| self.tensors.remove(&name).map(|(_, values)| values).unwrap_or_default();
        for (name, weight) in &network.weights {
            weight.set(&Tensor::from_vec(take(format!("weight/{name}")), weight.shape(), &Device::Cpu)?)?;
        }
        network.items = take(format!("weight/{ITEM_ROWS}"));
        let mut moments = |name: &str| Moments {
            first: take(format!("first/{name}")),
            second: take(format!("second/{name}")),
            mean: take(format!("mean/{name}")),
        };
        for (name, of) in &mut optimiser.dense {
            *of = moments(name);
        }
        optimiser.items = moments(ITEM_ROWS);
        optimiser.touched = take("touched".into()).chunks_exact(2).map(|pair| (pair[0] as u32, pair[1] as u32)).collect();
        optimiser.forgotten = take("forgotten".into());
        let weights = self.tensors.into_iter().filter_map(|(name, values)| Some((name.strip_prefix("best/")?.to_string(), values)));
        course.best = self.header.best.map(|(epoch, log_loss, auc)| Best { epoch, log_loss, auc, weights: weights.collect() });
        course.report = self.header.report;
        Ok(())
    }

    fn fits(&self, network: &Network, optimiser: &Adam) -> bool {
        let holds = |name: String, count: usize| self.tensors.get(&name).is_some_and(|(_, values)| values.len() == count);
        let weights = network.weights.iter().map(|(name, weight)| (name.as_str(), weight.elem_count()));
        weights
            .chain([(ITEM_ROWS, network.items.len())])
            .all(|(name, count)| ["weight", "first", "second", "mean"].iter().all(|part| holds(format!("{part}/{name}"), count)))
            && holds("touched".into(), 2 * optimiser.touched.len())
            && self.tensors.contains_key("forgotten")
    }
}
