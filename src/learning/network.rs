//! The network of one member: three additive recurrences, and an output layer that corrects the item's shrunken logit.
//!
//! ```text
//! q  = mean of the item's skill vectors          e = item vector, faded in with its evidence
//! x  = [q, e, features] placed by right or wrong     each recurrence has its own product of x
//! h' = what is left now of: the domain state, the states on the item's skills (mean), the state on the item
//! logit(p) = base + w · relu(W [tanh ½ of h'_domain, h'_skills, h'_item, q, e, features] + b) + c
//! ```
//!
//! `base` is the item's shrunken logit by counts, so what is learned is the residual.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, Var};

use super::batch::{Batch, Track};
use super::dataset::Vocabulary;
use super::features::{FEATURES, STEP_BUCKETS, TIME_BUCKETS};
use super::linear::{linear, numbers};
use super::math::tanh;
use super::random::Stream;
use super::recurrence::recur;

/// States add up without bound; what reads them sees tanh(h / 2). (Read plainly, long histories broke the training.)
pub fn squash(h: f32) -> f32 {
    tanh(0.5 * h)
}

struct Squash;

impl CustomOp1 for Squash {
    fn name(&self) -> &'static str {
        "parcours-squash"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(numbers(storage, layout)?.iter().map(|h| squash(*h)).collect()), layout.shape().clone()))
    }

    fn bwd(&self, _h: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((dy * y.sqr()?.affine(-0.5, 0.5)?)?))
    }
}

/// The three recurrences, as their weights are named.
pub const TRACKS: [&str; 3] = ["domain", "item", "skill"];

/// Width of the output's hidden layer.
pub fn hidden(width: usize) -> usize {
    2 * width
}

/// Numbers that describe an answer to a recurrence: q and e twice (right, wrong), the features, the result.
pub fn input_width(width: usize) -> usize {
    4 * width + FEATURES + 1
}

/// Numbers the output layer reads.
pub fn output_width(width: usize) -> usize {
    5 * width + FEATURES
}

/// Multiplications and additions in the products of one answer with one skill, forward and backward (a backward pass is two
/// forward ones; the recurrences make theirs again): what a training step costs, whatever the machine.
pub fn operations_per_answer(width: usize) -> u64 {
    let inputs = TRACKS.len() * input_width(width) * width;
    let output = output_width(width) * hidden(width) + hidden(width);
    let recurrences = TRACKS.len() * 2 * width * width;
    2 * (3 * (inputs + output) + 4 * recurrences) as u64
}

/// Weights by name; a `BTreeMap`, so that whatever walks them does so in one order.
pub struct Network {
    pub weights: BTreeMap<String, Var>,
    width: usize,
}

impl Network {
    /// Fresh weights. A row that belongs to an item or a skill is drawn from (seed, its id): who else is there leaves no trace in it.
    pub fn new(vocabulary: &Vocabulary, width: usize, seed: u64) -> Result<Self> {
        let cpu = &Device::Cpu;
        let mut weights = BTreeMap::new();
        let mut add = |name: String, values: Vec<f32>, shape: &[usize]| -> Result<()> {
            weights.insert(name, Var::from_vec(values, shape, cpu)?);
            Ok(())
        };
        let rows = |purpose: &str, ids: &mut dyn Iterator<Item = &str>, bound: f32| -> Vec<f32> {
            ids.flat_map(|id| Stream::new(seed, purpose, id.as_bytes()).around_zero(width, bound)).collect()
        };
        let items = rows("item", &mut vocabulary.items.iter().map(AsRef::as_ref), 0.05);
        add("item.vector".into(), items, &[vocabulary.items.len(), width])?;
        let skills = rows("skill", &mut vocabulary.skills.iter().map(AsRef::as_ref), 0.3);
        add("skill.vector".into(), skills, &[vocabulary.skills.len(), width])?;
        let dense = |name: &str, outputs: usize, inputs: usize| {
            Stream::new(seed, "weight", name.as_bytes()).around_zero(outputs * inputs, 1.0 / (inputs as f32).sqrt())
        };
        for track in TRACKS {
            let (inputs, name) = (input_width(width), format!("{track}.input.weight"));
            add(name.clone(), dense(&name, width, inputs), &[width, inputs])?;
            add(format!("{track}.input.bias"), vec![0.0; width], &[width])?;
            let name = format!("{track}.recurrent");
            add(name.clone(), dense(&name, 2 * width, width), &[2 * width, width])?;
            // σ(2) = 0.88: at first, most is remembered.
            add(format!("{track}.gap.steps"), vec![1.0; STEP_BUCKETS * width], &[STEP_BUCKETS, width])?;
            add(format!("{track}.gap.time"), vec![1.0; TIME_BUCKETS * width], &[TIME_BUCKETS, width])?;
        }
        let (hidden, inputs) = (hidden(width), output_width(width));
        add("output.hidden.weight".into(), dense("output.hidden.weight", hidden, inputs), &[hidden, inputs])?;
        add("output.hidden.bias".into(), vec![0.0; hidden], &[hidden])?;
        add("output.weight".into(), dense("output.weight", 1, hidden), &[1, hidden])?;
        add("output.bias".into(), vec![0.0], &[1])?;
        Ok(Self { weights, width })
    }

    pub fn parameters(&self) -> usize {
        self.weights.values().map(|weight| weight.elem_count()).sum()
    }

    /// A network of given tensors.
    pub fn from_tensors(tensors: &super::artefact::Tensors, width: usize) -> Result<Self> {
        let weights =
            tensors.iter().map(|(name, (shape, values))| Ok((name.clone(), Var::from_slice(values, shape.as_slice(), &Device::Cpu)?)));
        Ok(Self { weights: weights.collect::<Result<_>>()?, width })
    }

    fn weight(&self, name: &str) -> &Tensor {
        self.weights[name].as_tensor()
    }

    /// Logits [answers]. `dropout`: the rate, and where the masks come from.
    pub fn forward(&self, batch: &Batch, dropout: Option<(f32, &mut Stream)>) -> Result<Tensor> {
        let (n, d, cpu) = (batch.answers(), self.width, &Device::Cpu);
        let column = |values: &[f32]| Tensor::from_slice(values, (values.len(), 1), cpu);
        let positions = |values: &[u32]| Tensor::from_slice(values, values.len(), cpu);
        let features = Tensor::from_slice(&batch.features, (n, FEATURES), cpu)?;
        let correct = column(&batch.correct)?;
        let wrong = correct.affine(-1.0, 1.0)?;

        let item_vector = self.weight("item.vector").index_select(&positions(&batch.items)?, 0)?.broadcast_mul(&column(&batch.fade)?)?; // [n, d]
        let pairs = batch.pair_answer.len();
        let (pair_answer, pair_weight) = (positions(&batch.pair_answer)?, column(&batch.pair_weight)?);
        // Mean over an answer's skills; most answers have exactly one, and then rows and pairs are the same.
        let one_each = pairs == n && batch.pair_weight.iter().all(|weight| *weight == 1.0);
        let mean_over_skills = |rows: Tensor| -> Result<Tensor> {
            match (one_each, pairs) {
                (true, _) => Ok(rows),
                (_, 0) => Tensor::zeros((n, d), candle_core::DType::F32, cpu),
                _ => Tensor::zeros((n, d), candle_core::DType::F32, cpu)?.index_add(&pair_answer, &rows.broadcast_mul(&pair_weight)?, 0),
            }
        };
        let skill_vector = match pairs {
            0 => Tensor::zeros((n, d), candle_core::DType::F32, cpu)?,
            _ => mean_over_skills(self.weight("skill.vector").index_select(&positions(&batch.pair_skill)?, 0)?)?, // [n, d]
        };

        let x = Tensor::cat(
            &[
                &skill_vector.broadcast_mul(&correct)?,
                &skill_vector.broadcast_mul(&wrong)?,
                &item_vector.broadcast_mul(&correct)?,
                &item_vector.broadcast_mul(&wrong)?,
                &features,
                &correct.affine(2.0, -1.0)?,
            ],
            1,
        )?; // [n, input_width]
        let domain = self.track("domain", &batch.domain, &x, None)?;
        let item = self.track("item", &batch.item, &x, None)?;
        let skills = match pairs {
            0 => Tensor::zeros((n, d), candle_core::DType::F32, cpu)?,
            _ => mean_over_skills(self.track("skill", &batch.skill, &x, (!one_each).then_some(&pair_answer))?)?,
        };
        let mut seen = Tensor::cat(&[&domain, &skills, &item, &skill_vector, &item_vector, &features], 1)?; // [n, output_width]
        let mut dropout = dropout.filter(|(rate, _)| *rate > 0.0);
        if let Some((rate, stream)) = &mut dropout {
            let width = 5 * d;
            let mut mask = vec![1.0; n * (width + FEATURES)];
            for row in mask.chunks_exact_mut(width + FEATURES) {
                row[..width].copy_from_slice(&stream.dropout_mask(width, *rate));
            }
            seen = (seen * Tensor::from_vec(mask, (n, width + FEATURES), cpu)?)?;
        }
        let mut hidden = linear(&seen, self.weight("output.hidden.weight"), self.weight("output.hidden.bias"))?.relu()?;
        if let Some((rate, stream)) = dropout {
            let width = hidden.dim(1)?;
            hidden = (hidden * Tensor::from_vec(stream.dropout_mask(n * width, rate), (n, width), cpu)?)?;
        }
        let residual = linear(&hidden, self.weight("output.weight"), self.weight("output.bias"))?.flatten_all()?;
        residual + Tensor::from_slice(&batch.base, n, cpu)?
    }

    /// What is left of a track's states before each of its source rows. `rows`: which answers the source rows are, if not all in order.
    fn track(&self, name: &str, track: &Track, x: &Tensor, rows: Option<&Tensor>) -> Result<Tensor> {
        let cpu = &Device::Cpu;
        let weight = |part: &str| self.weight(&format!("{name}.{part}"));
        let mut input = linear(x, weight("input.weight"), weight("input.bias"))?; // [answers, d]
        if let Some(rows) = rows {
            input = input.index_select(rows, 0)?;
        }
        let source = Tensor::from_slice(&track.runs.source, track.runs.source.len(), cpu)?;
        let place = Tensor::from_slice(&track.runs.place, track.runs.place.len(), cpu)?;
        let gaps = Tensor::from_slice(&track.gaps, track.gaps.len(), cpu)?;
        let table = weight("gap.steps").unsqueeze(1)?.broadcast_add(&weight("gap.time").unsqueeze(0)?)?; // [steps, times, d]
        let gap = table.flatten(0, 1)?.index_select(&gaps, 0)?;
        recur(&input.index_select(&source, 0)?, &gap, weight("recurrent"), &track.runs)?.apply_op1(Squash)?.index_select(&place, 0)
    }
}
