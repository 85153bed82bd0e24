//! The network of one member: two additive recurrences, and an output layer that corrects the item's shrunken logit.
//!
//! ```text
//! q  = mean of the item's skill vectors              e = item vector, faded in with its evidence
//! x  = W (features, answer features) + V q + b       V and b by result, right or wrong; each recurrence has its own
//! h' = what is left now of the domain's state, and of the states on the item's skills (mean)
//! logit(p) = base + w · relu(W [tanh ½ of h'_domain, h'_skills, features] + V q + E e + b) + c
//! ```
//!
//! `base` is the item's shrunken logit by counts, so what is learned is the residual. Products with q are made once a skill set,
//! products with e once an item; answers read rows of them.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};

use super::artefact::Tensors;
use super::batch::{Batch, Track};
use super::dataset::Vocabulary;
use super::ops::{States, head, linear, mean_rows, product, read, recur, sum2, sum3};
use super::random::Stream;
use super::record::{ANSWER_FEATURES, FEATURES, STEP_BUCKETS, TIME_BUCKETS};

/// The recurrences, as their weights are named.
pub const TRACKS: [&str; 2] = ["domain", "skill"];

/// Width of the output's hidden layer.
pub fn hidden(width: usize) -> usize {
    2 * width
}

/// Numbers that enter a recurrence with an answer, beside the skills'.
pub const INPUTS: usize = FEATURES + ANSWER_FEATURES;

/// Multiplications and additions in the products of one answer with one skill, forward and backward (a backward pass is two
/// forward ones): what a training step costs, whatever the machine. Products made once a skill set or an item are left out.
pub fn operations_per_answer(width: usize) -> u64 {
    let tracks = TRACKS.len() * (INPUTS * width + 2 * width * width);
    let output = (2 * width + FEATURES) * hidden(width) + hidden(width);
    2 * 3 * (tracks + output) as u64
}

/// The names of a network's item rows and of its skill rows among its tensors.
pub const ITEM_ROWS: &str = "item.vector";
pub const SKILL_ROWS: &str = "skill.vector";

pub struct Network {
    /// By name, all but the items' vectors; a `BTreeMap`, so that whatever walks them does so in one order.
    pub weights: BTreeMap<String, Var>,
    /// Items' vectors, [items, width]: there are many, and a batch turns only its own into a tensor.
    pub items: Vec<f32>,
    pub width: usize,
}

impl Network {
    /// Fresh weights. A row that belongs to an item or a skill is drawn from (seed, its id): who else is there leaves no trace in it.
    pub fn new(vocabulary: &Vocabulary, width: usize, seed: u64) -> Result<Self> {
        let mut weights = BTreeMap::new();
        let mut add = |name: String, values: Vec<f32>, shape: &[usize]| -> Result<()> {
            weights.insert(name, Var::from_vec(values, shape, &Device::Cpu)?);
            Ok(())
        };
        let rows = |purpose: &str, ids: &mut dyn Iterator<Item = &str>, bound: f32| -> Vec<f32> {
            ids.flat_map(|id| Stream::new(seed, purpose, id.as_bytes()).around_zero(width, bound)).collect()
        };
        let items = rows("item", &mut vocabulary.items.iter().map(AsRef::as_ref), 0.05);
        let skills = rows("skill", &mut vocabulary.skills.iter().map(AsRef::as_ref), 0.3);
        add(SKILL_ROWS.into(), skills, &[vocabulary.skills.len(), width])?;
        // `inputs`: all that is summed with what this weight reads.
        let dense = |name: &str, shape: [usize; 2], inputs: usize| {
            Stream::new(seed, "weight", name.as_bytes()).around_zero(shape[0] * shape[1], 1.0 / (inputs as f32).sqrt())
        };
        for track in TRACKS {
            let inputs = 2 * width + INPUTS;
            for (part, shape, inputs) in [
                ("features", [width, INPUTS], inputs),
                ("skills", [2 * width, width], inputs), // wrong above right
                ("recurrent", [2 * width, width], width),
            ] {
                let name = format!("{track}.{part}.weight");
                add(name.clone(), dense(&name, shape, inputs), &shape)?;
            }
            add(format!("{track}.skills.bias"), vec![0.0; 2 * width], &[2 * width])?;
            // σ(2) = 0.88: at first, most is remembered.
            add(format!("{track}.gap.steps"), vec![1.0; STEP_BUCKETS * width], &[STEP_BUCKETS, width])?;
            add(format!("{track}.gap.times"), vec![1.0; TIME_BUCKETS * width], &[TIME_BUCKETS, width])?;
        }
        let (hidden, inputs) = (hidden(width), 4 * width + FEATURES);
        for (part, shape, inputs) in [
            ("output.states.weight", [hidden, 2 * width + FEATURES], inputs),
            ("output.skills.weight", [hidden, width], inputs),
            ("output.items.weight", [hidden, width], inputs),
            ("output.weight", [1, hidden], hidden),
        ] {
            add(part.into(), dense(part, shape, inputs), &shape)?;
        }
        add("output.skills.bias".into(), vec![0.0; hidden], &[hidden])?;
        add("output.bias".into(), vec![0.0], &[1])?;
        Ok(Self { weights, items, width })
    }

    pub fn parameters(&self) -> usize {
        self.weights.values().map(|weight| weight.elem_count()).sum::<usize>() + self.items.len()
    }

    /// A network of given tensors, items' rows among them.
    pub fn from_tensors(tensors: &Tensors, width: usize) -> Result<Self> {
        let dense = tensors.iter().filter(|(name, _)| *name != ITEM_ROWS);
        let weights = dense.map(|(name, (shape, values))| Ok((name.clone(), Var::from_slice(values, shape.as_slice(), &Device::Cpu)?)));
        let items = tensors.get(ITEM_ROWS).map(|(_, values)| values.clone()).unwrap_or_default();
        Ok(Self { weights: weights.collect::<Result<_>>()?, items, width })
    }

    fn weight(&self, name: &str) -> &Tensor {
        self.weights[name].as_tensor()
    }

    /// The vectors of the batch's items, faded in: [items of the batch, d].
    pub fn item_rows(&self, batch: &Batch) -> Result<Var> {
        let d = self.width;
        let mut rows = Vec::with_capacity(batch.items.len() * d);
        for (item, fade) in batch.items.iter().zip(&batch.fade) {
            rows.extend(self.items[*item as usize * d..][..d].iter().map(|value| value * fade));
        }
        Var::from_vec(rows, (batch.items.len(), d), &Device::Cpu)
    }

    /// Logits [answers]. `items`: see [`Self::item_rows`]. `dropout`: the rate, and where the masks come from.
    pub fn forward(&self, batch: &Batch, items: &Tensor, mut dropout: Option<(f32, &mut Stream)>) -> Result<Tensor> {
        let (n, d) = (batch.answers(), self.width);
        let inputs = Tensor::from_slice(&batch.inputs, (n, INPUTS), &Device::Cpu)?;
        let skills = mean_rows(self.weight(SKILL_ROWS), batch.sets.clone())?; // [sets, d]
        let domain = self.track("domain", &batch.domain, &inputs, &skills)?;
        let skill = self.track("skill", &batch.skill, &inputs, &skills)?;
        let mut mask =
            |count: usize| dropout.as_mut().filter(|(rate, _)| *rate > 0.0).map(|(rate, stream)| stream.dropout_mask(count, *rate));
        let states = States {
            domain: batch.domain.runs.place.clone(),
            skill: batch.skill.runs.place.clone(),
            pairs: batch.pairs.clone(),
            features: batch.features.clone(),
            mask: hide(mask(n * 2 * d), batch, d),
        };
        let by_states = product(&read(&domain, &skill, states)?, self.weight("output.states.weight"))?; // [n, hidden]
        let by_skills = linear(&skills, self.weight("output.skills.weight"), self.weight("output.skills.bias"))?; // [sets, hidden]
        let by_item = product(items, self.weight("output.items.weight"))?; // [items, hidden]
        let z = sum3((&by_states, None), (&by_skills, Some(batch.set.clone())), (&by_item, Some(batch.item.clone())))?;
        head(&z, self.weight("output.weight"), self.weight("output.bias"), batch.base.clone(), mask(n * hidden(d)))
    }

    /// What a track's states show before each of its packed rows.
    fn track(&self, name: &str, track: &Track, inputs: &Tensor, skills: &Tensor) -> Result<Tensor> {
        let weight = |part: &str| self.weight(&format!("{name}.{part}"));
        let by_features = product(inputs, weight("features.weight"))?; // [answers, d]
        let by_skills = linear(skills, weight("skills.weight"), weight("skills.bias"))?.reshape(((), self.width))?; // [2 sets, d]
        let x = sum2((&by_features, Some(track.answer.clone())), (&by_skills, Some(track.code.clone())))?;
        let (steps, times) = (weight("gap.steps"), weight("gap.times"));
        let gap = sum2((steps, Some(track.gap_steps.clone())), (times, Some(track.gap_times.clone())))?;
        recur(&x, &gap, weight("recurrent.weight"), &track.runs)
    }
}

/// The dropout mask of the states, with what the batch keeps from the output layer blanked.
fn hide(mask: Option<Vec<f32>>, batch: &Batch, d: usize) -> Option<Vec<f32>> {
    let (domain, skill) = batch.hidden_states;
    if !domain && !skill {
        return mask;
    }
    let mut mask = mask.unwrap_or_else(|| vec![1.0; batch.answers() * 2 * d]);
    for row in mask.chunks_exact_mut(2 * d) {
        let (of_domain, of_skill) = row.split_at_mut(d);
        of_domain.iter_mut().filter(|_| domain).for_each(|value| *value = 0.0);
        of_skill.iter_mut().filter(|_| skill).for_each(|value| *value = 0.0);
    }
    Some(mask)
}
