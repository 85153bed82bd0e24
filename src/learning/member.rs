//! One member as it is served: plain vectors, no tensors. The same sums as `network`, in the order serving needs them.
//!
//! What depends on the catalogue and the weights alone (the item side of the output layer) is made when the member is loaded;
//! what depends on counts is added at scoring; what depends on the learner is a handful of small products.

use std::collections::HashMap;

use super::artefact::{Header, Tensors};
use super::batch::fade;
use super::features::{Description, FEATURES, GAPS, Record, STEP_BUCKETS, Standing, TIME_BUCKETS, gap_code};
use super::index::Index;
use super::math::{positive_dot, product_wt, sigmoid, tanh};
use super::network::{hidden, input_width, output_width, squash};
use super::predictor::LoadError;

/// A learner's vectors in one member: right after the last answer, before any forgetting.
#[derive(Debug, Clone, Default)]
pub struct MemberState {
    /// Empty before the first answer.
    pub domain: Vec<f32>,
    pub skills: HashMap<u32, Vec<f32>>,
    pub items: HashMap<u32, Vec<f32>>,
}

/// What is asked about: an item with its skills, or skills alone.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub item: Option<u32>,
    pub skills: &'a [u32],
}

/// Matrices are kept transposed, [inputs, outputs]: then y += xₖ · row k runs at full speed.
pub(super) struct Matrix {
    pub(super) rows: Vec<f32>,
    outputs: usize,
}

impl Matrix {
    /// Columns `from..from + inputs` of a weight [outputs, all].
    fn columns(weight: &[f32], outputs: usize, from: usize, inputs: usize) -> Self {
        let all = weight.len() / outputs;
        let rows = (from..from + inputs).flat_map(|column| (0..outputs).map(move |output| weight[output * all + column])).collect();
        Self { rows, outputs }
    }

    pub(super) fn add(&self, x: &[f32], y: &mut [f32]) {
        for (x, row) in x.iter().zip(self.rows.chunks_exact(self.outputs)) {
            y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
        }
    }
}

pub(super) struct Track {
    /// By result: wrong, right.
    pub(super) skill_input: [Matrix; 2],
    pub(super) item_input: [Matrix; 2],
    pub(super) feature_input: Matrix,
    pub(super) result_input: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) forget: Matrix,
    pub(super) update: Matrix,
    /// [GAPS, width].
    pub(super) gaps: Vec<f32>,
}

impl Track {
    fn load(tensors: &Tensors, name: &str, d: usize) -> Result<Self, LoadError> {
        let input = tensor(tensors, &format!("{name}.input.weight"), &[d, input_width(d)])?;
        let recurrent = tensor(tensors, &format!("{name}.recurrent"), &[2 * d, d])?;
        let steps = tensor(tensors, &format!("{name}.gap.steps"), &[STEP_BUCKETS, d])?;
        let times = tensor(tensors, &format!("{name}.gap.time"), &[TIME_BUCKETS, d])?;
        let gap = |code: usize, k: usize| steps[code / TIME_BUCKETS * d + k] + times[code % TIME_BUCKETS * d + k];
        let block = |from: usize, inputs: usize| Matrix::columns(input, d, from, inputs);
        Ok(Self {
            skill_input: [block(d, d), block(0, d)],
            item_input: [block(3 * d, d), block(2 * d, d)],
            feature_input: block(4 * d, FEATURES),
            result_input: block(4 * d + FEATURES, 1).rows,
            bias: tensor(tensors, &format!("{name}.input.bias"), &[d])?.to_vec(),
            forget: Matrix::columns(&recurrent[..d * d], d, 0, d),
            update: Matrix::columns(&recurrent[d * d..], d, 0, d),
            gaps: (0..GAPS).flat_map(|code| (0..d).map(move |k| (code, k))).map(|(code, k)| gap(code, k)).collect(),
        })
    }

    /// h' = h ⊙ σ(G h + gap)
    pub(super) fn fade(&self, h: &[f32], gap: u32) -> Vec<f32> {
        let d = h.len();
        let mut gate = self.gaps[gap as usize * d..][..d].to_vec();
        self.forget.add(h, &mut gate);
        gate.iter_mut().zip(h).for_each(|(gate, h)| *gate = h * sigmoid(*gate));
        gate
    }

    /// h = h' + tanh(U h' + x)
    fn add(&self, faded: Option<Vec<f32>>, input: &[f32]) -> Vec<f32> {
        let mut update = input.to_vec();
        match faded {
            Some(faded) => {
                self.update.add(&faded, &mut update);
                update.iter_mut().zip(&faded).for_each(|(update, faded)| *update = faded + tanh(*update));
            }
            None => update.iter_mut().for_each(|update| *update = tanh(*update)),
        }
        update
    }

    fn input(&self, skill: &[f32], item: Option<&[f32]>, features: &[f32; FEATURES], correct: bool) -> Vec<f32> {
        let mut x = self.bias.clone();
        let result = usize::from(correct);
        self.skill_input[result].add(skill, &mut x);
        if let Some(item) = item {
            self.item_input[result].add(item, &mut x);
        }
        self.feature_input.add(features, &mut x);
        let sign = if correct { 1.0 } else { -1.0 };
        x.iter_mut().zip(&self.result_input).for_each(|(x, w)| *x += sign * w);
        x
    }
}

/// A member loaded for one index.
pub struct Member {
    pub(super) width: usize,
    pub(super) domain: Track,
    pub(super) skill: Track,
    item: Track,
    /// Rows by position in the index; a skill the member never met has the mean of those it did, an item zeros.
    pub(super) skill_rows: Vec<f32>,
    pub(super) item_rows: Vec<f32>,
    /// The output layer's product of a skill's vector, and of an item's skills and own vector with the bias. [positions, hidden]
    pub(super) skill_side: Vec<f32>,
    item_side: Vec<f32>,
    pub(super) hidden_bias: Vec<f32>,
    pub(super) from_domain: Matrix,
    pub(super) from_skill: Matrix,
    from_item: Matrix,
    /// [hidden, FEATURES], as the product over many items reads it.
    pub(super) from_features: Vec<f32>,
    pub(super) output: Vec<f32>,
    pub(super) output_bias: f32,
}

fn tensor<'a>(tensors: &'a Tensors, name: &str, shape: &[usize]) -> Result<&'a [f32], LoadError> {
    match tensors.get(name) {
        Some((found, values)) if found == shape => Ok(values),
        Some((found, _)) => Err(LoadError::Corrupt(format!("tensor {name} has shape {found:?} instead of {shape:?}"))),
        None => Err(LoadError::Corrupt(format!("tensor {name} is missing"))),
    }
}

impl Member {
    pub fn load(header: &Header, tensors: &Tensors, index: &Index) -> Result<Self, LoadError> {
        let d = header.width;
        if !(1..=1024).contains(&d) {
            return Err(LoadError::Corrupt(format!("width {d}")));
        }
        let h = hidden(d);
        let skill_vectors = tensor(tensors, "skill.vector", &[header.skills.len(), d])?;
        let item_vectors = tensor(tensors, "item.vector", &[header.items.len(), d])?;
        let attempts = tensor(tensors, "item.attempts", &[header.items.len()])?;
        let mut mean = vec![0.0; d];
        for row in skill_vectors.chunks_exact(d) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / header.skills.len() as f32);
        }
        let skill_of: HashMap<&str, usize> = header.skills.iter().map(String::as_str).zip(0..).collect();
        let item_of: HashMap<&str, usize> = header.items.iter().map(String::as_str).zip(0..).collect();
        let mut skill_rows = Vec::with_capacity(index.catalog.skills.len() * d);
        for skill in &index.catalog.skills {
            skill_rows.extend_from_slice(skill_of.get(skill.as_str()).map_or(&mean, |row| &skill_vectors[row * d..][..d]));
        }
        let mut item_rows = Vec::new();
        for item in index.items() {
            match item_of.get(item.as_str()) {
                Some(row) => item_rows.extend(item_vectors[row * d..][..d].iter().map(|value| value * fade(attempts[*row]))),
                None => item_rows.extend(std::iter::repeat_n(0.0, d)),
            }
        }
        let weight = tensor(tensors, "output.hidden.weight", &[h, output_width(d)])?;
        let block = |from: usize, inputs: usize| Matrix::columns(weight, h, from, inputs);
        let (from_skill_vector, from_item_vector) = (block(3 * d, d), block(4 * d, d));
        let from_features = (0..h).flat_map(|output| weight[output * output_width(d) + 5 * d..][..FEATURES].to_vec()).collect();
        let mut member = Self {
            width: d,
            domain: Track::load(tensors, "domain", d)?,
            skill: Track::load(tensors, "skill", d)?,
            item: Track::load(tensors, "item", d)?,
            skill_side: vec![0.0; skill_rows.len() / d * h],
            item_side: Vec::with_capacity(item_rows.len() / d * h),
            skill_rows,
            item_rows,
            hidden_bias: tensor(tensors, "output.hidden.bias", &[h])?.to_vec(),
            from_domain: block(0, d),
            from_skill: block(d, d),
            from_item: block(2 * d, d),
            from_features,
            output: tensor(tensors, "output.weight", &[1, h])?.to_vec(),
            output_bias: tensor(tensors, "output.bias", &[1])?[0],
        };
        for (row, side) in member.skill_rows.chunks_exact(d).zip(member.skill_side.chunks_exact_mut(h)) {
            from_skill_vector.add(row, side);
        }
        for (row, item) in member.item_rows.chunks_exact(d).zip(0..) {
            let mut side = member.skills_side(index.skills_of(Some(item)));
            from_item_vector.add(row, &mut side);
            member.item_side.extend(side);
        }
        Ok(member)
    }

    /// Bias and mean of the skills' sides.
    fn skills_side(&self, skills: &[u32]) -> Vec<f32> {
        let mut side = self.hidden_bias.clone();
        let h = side.len();
        for &skill in skills {
            add_scaled(&mut side, &self.skill_side[skill as usize * h..][..h], 1.0 / skills.len() as f32);
        }
        side
    }

    /// Takes an answer in. `record`, `description`: as they were before it.
    pub fn advance(
        &self,
        state: &mut MemberState,
        record: &Record,
        target: Target<'_>,
        description: &Description,
        correct: bool,
        time: i64,
    ) {
        let d = self.width;
        let step = record.overall.step + 1;
        let mut skill_vector = vec![0.0; d];
        for &skill in target.skills {
            add_scaled(&mut skill_vector, &self.skill_rows[skill as usize * d..][..d], 1.0 / target.skills.len() as f32);
        }
        let item_vector = target.item.map(|item| &self.item_rows[item as usize * d..][..d]);
        let input = |track: &Track| track.input(&skill_vector, item_vector, &description.features, correct);
        state.domain = self.domain.add(fade_if(&self.domain, Some(&state.domain), &record.overall, step, time), &input(&self.domain));
        if !target.skills.is_empty() {
            let x = input(&self.skill);
            for &skill in target.skills {
                let faded = fade_if(&self.skill, state.skills.get(&skill), &record.skill(skill), step, time);
                state.skills.insert(skill, self.skill.add(faded, &x));
            }
        }
        if let Some(item) = target.item {
            let faded = fade_if(&self.item, state.items.get(&item), &record.item(item), step, time);
            state.items.insert(item, self.item.add(faded, &input(&self.item)));
        }
    }

    /// Logits of right answers to `targets`, asked at `time`.
    pub fn score(&self, state: &MemberState, record: &Record, targets: &[Target<'_>], descriptions: &[Description], time: i64) -> Vec<f32> {
        const BLOCK: usize = 256;
        let h = self.hidden_bias.len();
        let step = record.overall.step + 1;
        let mut shared = vec![0.0; h];
        if let Some(faded) = fade_if(&self.domain, Some(&state.domain), &record.overall, step, time) {
            self.from_domain.add(&squashed(faded), &mut shared);
        }
        let mut of_skill: HashMap<u32, Option<Vec<f32>>> = HashMap::new();
        let mut logits = Vec::with_capacity(targets.len());
        let mut layer = Vec::with_capacity(BLOCK * h);
        for (targets, descriptions) in targets.chunks(BLOCK).zip(descriptions.chunks(BLOCK)) {
            layer.clear();
            for target in targets {
                let start = layer.len();
                match target.item {
                    Some(item) => layer.extend_from_slice(&self.item_side[item as usize * h..][..h]),
                    None => layer.extend(self.skills_side(target.skills)),
                }
                let row = &mut layer[start..];
                add_scaled(row, &shared, 1.0);
                for &skill in target.skills {
                    let part = of_skill.entry(skill).or_insert_with(|| {
                        let faded = fade_if(&self.skill, state.skills.get(&skill), &record.skill(skill), step, time)?;
                        let mut part = vec![0.0; h];
                        self.from_skill.add(&squashed(faded), &mut part);
                        Some(part)
                    });
                    if let Some(part) = part {
                        add_scaled(row, part, 1.0 / target.skills.len() as f32);
                    }
                }
                let on_item = target.item.and_then(|item| fade_if(&self.item, state.items.get(&item), &record.item(item), step, time));
                if let Some(faded) = on_item {
                    self.from_item.add(&squashed(faded), row);
                }
            }
            let features: Vec<f32> = descriptions.iter().flat_map(|description| description.features).collect();
            product_wt(targets.len(), h, FEATURES, &features, &self.from_features, &mut layer, true);
            for (row, description) in layer.chunks_exact(h).zip(descriptions) {
                let residual = positive_dot(row, &self.output);
                logits.push(description.base + residual + self.output_bias);
            }
        }
        logits
    }
}

/// What is left of a state after the gap since `last`; `None` where there was none.
pub(super) fn fade_if(track: &Track, h: Option<&Vec<f32>>, last: &Standing, step: u32, time: i64) -> Option<Vec<f32>> {
    h.filter(|h| !h.is_empty()).map(|h| track.fade(h, gap_code(last, step, time)))
}

fn squashed(mut h: Vec<f32>) -> Vec<f32> {
    h.iter_mut().for_each(|value| *value = squash(*value));
    h
}

pub(super) fn add_scaled(sum: &mut [f32], values: &[f32], scale: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += scale * value);
}
