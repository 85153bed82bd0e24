//! One member as it is served: plain vectors, no tensors. The same sums as `network`, in the order serving needs them.
//!
//! What depends on the catalogue and the weights alone is made when the member is loaded: products with the skills' vectors, and
//! the item side of the output layer. What depends on counts is added at scoring; what depends on the learner is a handful of
//! small products, made once a skill set.

use std::collections::HashMap;

use half::slice::HalfFloatSliceExt;
use half::vec::HalfFloatVecExt;
use half::{bf16, f16};
use multiversion::multiversion;
use rustc_hash::FxHashMap;

use super::artefact::{Header, Tensors};
use super::batch::fade;
use super::evidence::{ITEM_FEATURES, SET_FEATURES};
use super::index::Index;
use super::math::{add_product, sigmoid, tanh};
use super::network::{INPUTS, ITEM_ROWS, SKILL_ROWS, hidden};
use super::ops::squash;
use super::predictor::LoadError;
use super::record::{ANSWER_FEATURES, FEATURES, LEARNER_FEATURES, OWN_FEATURES, Record, STEP_BUCKETS, Standing, TIME_BUCKETS, gap_buckets};
use super::scene::{Scene, Subject};

/// A learner's vectors in one member: right after the last answer, before any forgetting.
#[derive(Debug, Clone, Default)]
pub struct MemberState {
    /// Empty before the first answer.
    pub domain: Vec<f32>,
    /// In half precision, for there are many: at most 0.05 % off.
    skills: FxHashMap<u32, Vec<f16>>,
}

impl MemberState {
    pub fn skill(&self, skill: u32) -> Option<Vec<f32>> {
        self.skills.get(&skill).map(|state| state.to_f32_vec())
    }

    fn keep(&mut self, skill: u32, state: &[f32]) {
        self.skills.insert(skill, Vec::from_f32_slice(state));
    }

    pub fn bytes(&self) -> usize {
        let skills: usize = self.skills.values().map(|state| size_of::<u32>() + size_of_val(&state[..])).sum();
        size_of_val(&self.domain[..]) + skills
    }
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

    /// y += x W
    pub(super) fn add(&self, x: &[f32], y: &mut [f32]) {
        debug_assert_eq!(y.len(), self.outputs);
        add_product(x, &self.rows, y);
    }
}

pub(super) struct Track {
    /// [INPUTS, d]
    pub(super) features: Matrix,
    /// Products of the skills' vectors by result, wrong and right: [skills, d] each.
    pub(super) skills: [Vec<f32>; 2],
    pub(super) bias: [Vec<f32>; 2],
    pub(super) forget: Matrix,
    pub(super) update: Matrix,
    /// [buckets, d]
    gap_steps: Vec<f32>,
    gap_times: Vec<f32>,
}

impl Track {
    fn load(tensors: &Tensors, name: &str, d: usize, skill_rows: &[f32]) -> Result<Self, LoadError> {
        let get = |part: &str, shape: &[usize]| tensor(tensors, &format!("{name}.{part}"), shape);
        let recurrent = get("recurrent.weight", &[2 * d, d])?;
        let (of_skills, bias) = (get("skills.weight", &[2 * d, d])?, get("skills.bias", &[2 * d])?);
        let product = |result: usize| {
            let weight = Matrix::columns(&of_skills[result * d * d..][..d * d], d, 0, d);
            let mut rows = vec![0.0; skill_rows.len()];
            skill_rows.chunks_exact(d).zip(rows.chunks_exact_mut(d)).for_each(|(skill, row)| weight.add(skill, row));
            rows
        };
        Ok(Self {
            features: Matrix::columns(get("features.weight", &[d, INPUTS])?, d, 0, INPUTS),
            skills: [product(0), product(1)],
            bias: [bias[..d].to_vec(), bias[d..].to_vec()],
            forget: Matrix::columns(&recurrent[..d * d], d, 0, d),
            update: Matrix::columns(&recurrent[d * d..], d, 0, d),
            gap_steps: get("gap.steps", &[STEP_BUCKETS, d])?.to_vec(),
            gap_times: get("gap.times", &[TIME_BUCKETS, d])?.to_vec(),
        })
    }

    /// The forget gate's input for a gap, before what the state adds.
    pub(super) fn gap(&self, (steps, time): (u32, u32), d: usize) -> Vec<f32> {
        let (steps, times) = (&self.gap_steps[steps as usize * d..][..d], &self.gap_times[time as usize * d..][..d]);
        steps.iter().zip(times).map(|(step, time)| step + time).collect()
    }

    /// h' = h ⊙ σ(G h + gap)
    fn fade(&self, h: &[f32], gap: (u32, u32)) -> Vec<f32> {
        let mut gate = self.gap(gap, h.len());
        self.forget.add(h, &mut gate);
        let_through(&mut gate, h);
        gate
    }

    /// What is left of a state after the gap since `last`; `None` where there was none.
    pub(super) fn fade_if(&self, h: Option<&[f32]>, last: &Standing, step: u32, time: i64) -> Option<Vec<f32>> {
        h.filter(|h| !h.is_empty()).map(|h| self.fade(h, gap_buckets(last, step, time)))
    }

    /// h = h' + tanh(U h' + x)
    fn add(&self, faded: Option<Vec<f32>>, input: &[f32]) -> Vec<f32> {
        let mut update = input.to_vec();
        match faded {
            Some(faded) => {
                self.update.add(&faded, &mut update);
                add_on(&mut update, &faded);
            }
            None => bend(&mut update),
        }
        update
    }

    /// What of an answer's input depends on the skills and the result alone.
    pub(super) fn skill_input(&self, skills: &[u32], correct: bool) -> Vec<f32> {
        let result = usize::from(correct);
        let mut x = self.bias[result].clone();
        add_mean(&mut x, &self.skills[result], skills);
        x
    }
}

/// An answer as the recurrences read it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub skills: &'a [u32],
    pub features: &'a [f32; FEATURES],
    pub marks: &'a [f32; ANSWER_FEATURES],
    pub correct: bool,
    pub time: i64,
}

/// A member loaded for one index.
pub struct Member {
    pub(super) width: usize,
    pub(super) domain: Track,
    pub(super) skill: Track,
    /// The output layer's product of each skill's vector and of each item's own, by position in the index: [positions, hidden].
    pub(super) skill_side: Vec<f32>,
    /// Of items, in bfloat16: there are many, and reading them is what scoring waits for.
    item_side: Vec<bf16>,
    pub(super) hidden_bias: Vec<f32>,
    pub(super) from_domain: Matrix,
    pub(super) from_skill: Matrix,
    /// [FEATURES, hidden]
    pub(super) from_features: Matrix,
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
    /// A skill the member never met has the mean of those it did, an item it never met no vector of its own.
    pub fn load(header: &Header, tensors: &Tensors, index: &Index) -> Result<Self, LoadError> {
        let d = header.width;
        if !(1..=1024).contains(&d) {
            return Err(LoadError::Corrupt(format!("width {d}")));
        }
        let h = hidden(d);
        let skill_vectors = tensor(tensors, SKILL_ROWS, &[header.skills.len(), d])?;
        let item_vectors = tensor(tensors, ITEM_ROWS, &[header.items.len(), d])?;
        let attempts = tensor(tensors, "item.attempts", &[header.items.len()])?;
        let mut mean = vec![0.0; d];
        for row in skill_vectors.chunks_exact(d) {
            add_scaled(&mut mean, row, 1.0 / header.skills.len() as f32);
        }
        let skill_of: HashMap<&str, usize> = header.skills.iter().map(String::as_str).zip(0..).collect();
        let row = |skill: &str| skill_of.get(skill).map_or(&mean[..], |row| &skill_vectors[row * d..][..d]);
        let skill_rows: Vec<f32> = index.catalog.skills.iter().flat_map(|skill| row(skill.as_str())).copied().collect();

        let (from_skills, from_items) =
            (tensor(tensors, "output.skills.weight", &[h, d])?, tensor(tensors, "output.items.weight", &[h, d])?);
        let (from_skills, from_items) = (Matrix::columns(from_skills, h, 0, d), Matrix::columns(from_items, h, 0, d));
        let mut skill_side = vec![0.0; index.catalog.skills.len() * h];
        skill_rows.chunks_exact(d).zip(skill_side.chunks_exact_mut(h)).for_each(|(row, side)| from_skills.add(row, side));
        let item_of: HashMap<&str, usize> = header.items.iter().map(String::as_str).zip(0..).collect();
        let mut item_side = vec![bf16::ZERO; index.items().count() * h];
        let mut exact = vec![0.0; h];
        for (item, side) in index.items().zip(item_side.chunks_exact_mut(h)) {
            if let Some(&row) = item_of.get(item.as_str()) {
                exact.fill(0.0);
                from_items.add(&item_vectors[row * d..][..d], &mut exact);
                exact.iter_mut().for_each(|value| *value *= fade(attempts[row]));
                side.convert_from_f32_slice(&exact);
            }
        }
        let weight = tensor(tensors, "output.states.weight", &[h, 2 * d + FEATURES])?;
        Ok(Self {
            width: d,
            domain: Track::load(tensors, "domain", d, &skill_rows)?,
            skill: Track::load(tensors, "skill", d, &skill_rows)?,
            skill_side,
            item_side,
            hidden_bias: tensor(tensors, "output.skills.bias", &[h])?.to_vec(),
            from_domain: Matrix::columns(weight, h, 0, d),
            from_skill: Matrix::columns(weight, h, d, d),
            from_features: Matrix::columns(weight, h, 2 * d, FEATURES),
            output: tensor(tensors, "output.weight", &[1, h])?.to_vec(),
            output_bias: tensor(tensors, "output.bias", &[1])?[0],
        })
    }

    /// Takes an answer in. `record`: as it was before it.
    pub fn advance(&self, state: &mut MemberState, record: &Record, answer: Input<'_>) {
        let step = record.overall.step + 1;
        let input = |track: &Track| {
            let mut x = track.skill_input(answer.skills, answer.correct);
            track.features.add(answer.features, &mut x);
            if answer.marks.iter().any(|mark| *mark != 0.0) {
                let rows = track.features.rows[FEATURES * self.width..].chunks_exact(self.width);
                rows.zip(answer.marks).for_each(|(row, mark)| add_scaled(&mut x, row, *mark));
            }
            x
        };
        let faded = self.domain.fade_if(Some(&state.domain), &record.overall, step, answer.time);
        state.domain = self.domain.add(faded, &input(&self.domain));
        if answer.skills.is_empty() {
            return;
        }
        let x = input(&self.skill);
        for &skill in answer.skills {
            let faded = self.skill.fade_if(state.skill(skill).as_deref(), &record.skill(skill), step, answer.time);
            state.keep(skill, &self.skill.add(faded, &x));
        }
    }

    /// Logits of right answers to the scene's subjects, asked at `time`.
    pub fn score(&self, state: &MemberState, record: &Record, scene: &Scene<'_>, time: i64) -> Vec<f32> {
        let h = self.hidden_bias.len();
        let step = record.overall.step + 1;
        let mut shared = self.hidden_bias.clone();
        if let Some(faded) = self.domain.fade_if(Some(&state.domain), &record.overall, step, time) {
            self.from_domain.add(&squashed(faded), &mut shared);
        }
        let mut of_skill: FxHashMap<u32, Option<Vec<f32>>> = FxHashMap::default();
        let mut groups = Vec::with_capacity(scene.groups.len() * h);
        for group in &scene.groups {
            let start = groups.len();
            groups.extend_from_slice(&shared);
            let row = &mut groups[start..];
            add_mean(row, &self.skill_side, group.skills);
            for &skill in group.skills {
                let part = of_skill.entry(skill).or_insert_with(|| {
                    let faded = self.skill.fade_if(state.skill(skill).as_deref(), &record.skill(skill), step, time)?;
                    let mut part = vec![0.0; h];
                    self.from_skill.add(&squashed(faded), &mut part);
                    Some(part)
                });
                if let Some(part) = part {
                    add_scaled(row, part, 1.0 / group.skills.len() as f32);
                }
            }
            let mut known = [0.0; SET_FEATURES + LEARNER_FEATURES];
            known[..SET_FEATURES].copy_from_slice(&group.view.features);
            known[SET_FEATURES..].copy_from_slice(&group.learner);
            self.add_features(ITEM_FEATURES, &known, row);
        }
        // Subjects with something of their own: their row is not their group's.
        for subject in &scene.subjects {
            if let Some(own) = &subject.own {
                let (start, group) = (groups.len(), subject.group as usize * h);
                groups.extend_from_within(group..group + h);
                self.add_features(FEATURES - OWN_FEATURES, own, &mut groups[start..]);
            }
        }
        let mut logits = vec![0.0; scene.subjects.len()];
        let (by_features, _) = self.from_features.rows.split_at(ITEM_FEATURES * h);
        let layer = Layer { groups: &groups, shared: scene.groups.len(), items: &self.item_side, by_features, output: &self.output };
        read_out(layer, &scene.subjects, &mut logits);
        logits.iter_mut().zip(&scene.subjects).for_each(|(logit, subject)| *logit += subject.view.base + self.output_bias);
        logits
    }

    /// y += features W, for features from the `from`th on.
    fn add_features(&self, from: usize, features: &[f32], y: &mut [f32]) {
        add_product(features, &self.from_features.rows[from * y.len()..], y);
    }
}

/// The last layer's parts.
#[derive(Clone, Copy)]
struct Layer<'a> {
    /// [groups, hidden]: one for each group of subjects, then one for each subject that has something of its own, in their order.
    groups: &'a [f32],
    shared: usize,
    /// [items, hidden]
    items: &'a [bf16],
    /// [ITEM_FEATURES, hidden]
    by_features: &'a [f32],
    output: &'a [f32],
}

/// w · relu(group + item + item features · W) of each subject, in eight running sums: one alone would wait for each addition.
#[multiversion(targets("x86_64+avx2"))]
fn read_out(layer: Layer<'_>, subjects: &[Subject], logits: &mut [f32]) {
    const LANES: usize = 8;
    let h = layer.output.len();
    let (base, count) = layer.by_features.split_at(h);
    let nothing = vec![bf16::ZERO; h];
    let mut next_own = layer.shared;
    for (subject, logit) in subjects.iter().zip(logits) {
        let mut group = subject.group as usize;
        if subject.own.is_some() {
            group = next_own;
            next_own += 1;
        }
        let group = &layer.groups[group * h..][..h];
        let item = subject.item.map_or(&nothing[..], |item| &layer.items[item as usize * h..][..h]);
        let [of_base, of_count] = subject.view.features;
        let term = |group: f32, item: bf16, base: f32, count: f32, output: f32| {
            let item = f32::from_bits(u32::from(item.to_bits()) << 16);
            (group + item + of_base * base + of_count * count).max(0.0) * output
        };
        let mut sums = [0.0f32; LANES];
        let lanes = group.chunks_exact(LANES).zip(item.chunks_exact(LANES));
        let weights = base.chunks_exact(LANES).zip(count.chunks_exact(LANES)).zip(layer.output.chunks_exact(LANES));
        for ((group, item), ((base, count), output)) in lanes.zip(weights) {
            for lane in 0..LANES {
                sums[lane] += term(group[lane], item[lane], base[lane], count[lane], output[lane]);
            }
        }
        let rest = (h - h % LANES..h).map(|at| term(group[at], item[at], base[at], count[at], layer.output[at])).sum::<f32>();
        *logit = sums.iter().sum::<f32>() + rest;
    }
}

/// gate = h ⊙ σ(gate)
#[multiversion(targets("x86_64+avx2"))]
fn let_through(gate: &mut [f32], h: &[f32]) {
    gate.iter_mut().zip(h).for_each(|(gate, h)| *gate = h * sigmoid(*gate));
}

/// update = h' + tanh(update)
#[multiversion(targets("x86_64+avx2"))]
fn add_on(update: &mut [f32], faded: &[f32]) {
    update.iter_mut().zip(faded).for_each(|(update, faded)| *update = faded + tanh(*update));
}

#[multiversion(targets("x86_64+avx2"))]
fn bend(update: &mut [f32]) {
    update.iter_mut().for_each(|update| *update = tanh(*update));
}

#[multiversion(targets("x86_64+avx2"))]
fn squash_all(h: &mut [f32]) {
    h.iter_mut().for_each(|value| *value = squash(*value));
}

pub(super) fn squashed(mut h: Vec<f32>) -> Vec<f32> {
    squash_all(&mut h);
    h
}

pub(super) fn add_scaled(sum: &mut [f32], values: &[f32], scale: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += scale * value);
}

/// sum += the mean of a table's rows.
pub(super) fn add_mean(sum: &mut [f32], table: &[f32], rows: &[u32]) {
    let width = sum.len();
    rows.iter().for_each(|row| add_scaled(sum, &table[*row as usize * width..][..width], 1.0 / rows.len() as f32));
}
