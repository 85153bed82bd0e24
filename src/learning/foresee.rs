//! What answers would change, for many items at once: the same sums as `Member::advance` and then `Member::score`, laid out so
//! that what the items share is done once, and the rest as a few products over all of them.

use super::features::{Description, Evidence, FEATURES, Record, Standing, gap_code};
use super::math::{positive_dot, product_plain, product_wt, sigmoid, tanh};
use super::member::{Member, MemberState, Target, Track, add_scaled, fade_if};
use super::network::squash;

/// What the members need to know beside their own vectors. Made once for all of them.
pub struct Prospects {
    /// Of each item, before the answer.
    pub before: Vec<Description>,
    /// (item's place, skill) for each skill of each item, in order.
    pub pairs: Vec<(usize, u32)>,
    /// Of an average item of the pair's skill, after a wrong answer to the pair's item, for all pairs; then after a right one.
    pub after: Vec<Description>,
}

impl Prospects {
    pub fn new(evidence: &Evidence, record: &Record, own: Option<&Record>, targets: &[Target<'_>], now: i64) -> Self {
        let describe = |target: &Target<'_>| evidence.describe(record, own, target.item, target.skills);
        let before: Vec<Description> = targets.iter().map(describe).collect();
        let pairs: Vec<(usize, u32)> =
            targets.iter().enumerate().flat_map(|(at, target)| target.skills.iter().map(move |skill| (at, *skill))).collect();
        let step = record.overall.step + 1;
        let then = |mut standing: Standing, at: usize, correct: bool| {
            standing.note(correct, before[at].expected, step, now);
            standing
        };
        let after = |correct: bool| {
            let describe = |&(at, skill): &(usize, u32)| {
                let (overall, on_skill) = (then(record.overall, at, correct), then(record.skill(skill), at, correct));
                evidence.describe_as(&overall, |_| Some(on_skill), Standing::default(), own, None, &[skill])
            };
            pairs.iter().map(describe).collect::<Vec<Description>>()
        };
        let after = [after(false), after(true)].concat();
        Self { before, pairs, after }
    }
}

/// Rows for wrong answers, then rows for right ones.
const RESULTS: [(usize, f32); 2] = [(0, -1.0), (1, 1.0)];

impl Member {
    /// Logits in the order of `Prospects::after`.
    pub fn foresee(&self, state: &MemberState, record: &Record, targets: &[Target<'_>], prospects: &Prospects, now: i64) -> Vec<f32> {
        let (d, h, n, pairs) = (self.width, self.hidden_bias.len(), targets.len(), prospects.pairs.len());
        let step = record.overall.step + 1;
        // Asked again right after the answer: every state was touched one step and no time ago.
        let gap = gap_code(&Standing { step, time: now, ..Standing::default() }, step + 1, now);

        // What enters the recurrences: [items, d], [items, d], [items, FEATURES].
        let (mut skill_vectors, mut item_vectors) = (vec![0.0; n * d], vec![0.0; n * d]);
        for ((target, skill_vector), item_vector) in
            targets.iter().zip(skill_vectors.chunks_exact_mut(d)).zip(item_vectors.chunks_exact_mut(d))
        {
            for &skill in target.skills {
                add_scaled(skill_vector, &self.skill_rows[skill as usize * d..][..d], 1.0 / target.skills.len() as f32);
            }
            if let Some(item) = target.item {
                item_vector.copy_from_slice(&self.item_rows[item as usize * d..][..d]);
            }
        }
        let features: Vec<f32> = prospects.before.iter().flat_map(|description| description.features).collect();
        let input = |track: &Track| -> Vec<f32> {
            let mut input = Vec::with_capacity(2 * n * d);
            for (result, sign) in RESULTS {
                let start = input.len();
                for _ in 0..n {
                    input.extend(track.bias.iter().zip(&track.result_input).map(|(bias, weight)| bias + sign * weight));
                }
                let rows = &mut input[start..];
                product_plain(n, d, d, &skill_vectors, &track.skill_input[result].rows, rows, true);
                product_plain(n, d, d, &item_vectors, &track.item_input[result].rows, rows, true);
                product_plain(n, d, FEATURES, &features, &track.feature_input.rows, rows, true);
            }
            input
        };
        // The state after each answer, as it would be read: [2 · rows, d].
        let read = |track: &Track, mut state: Vec<f32>| -> Vec<f32> {
            let rows = state.len() / d;
            let mut gate = track.gaps[gap as usize * d..][..d].repeat(rows);
            product_plain(rows, d, d, &state, &track.forget.rows, &mut gate, true);
            state.iter_mut().zip(&gate).for_each(|(value, gate)| *value = squash(*value * sigmoid(*gate)));
            state
        };

        // The whole domain: one state, faded once, moved by each answer.
        let mut domain = input(&self.domain);
        let faded = fade_if(&self.domain, Some(&state.domain), &record.overall, step, now);
        let base = Base::new(&self.domain, faded, d);
        domain.chunks_exact_mut(d).for_each(|row| base.add(row));
        let mut shared = vec![0.0; 2 * n * h];
        product_plain(2 * n, h, d, &read(&self.domain, domain), &self.from_domain.rows, &mut shared, false);

        // The skills: each faded once, moved by each answer on it.
        let inputs = input(&self.skill);
        let mut bases: std::collections::HashMap<u32, Base> = std::collections::HashMap::new();
        let mut skills = Vec::with_capacity(2 * pairs * d);
        for (result, _) in RESULTS {
            for &(at, skill) in &prospects.pairs {
                let base = bases.entry(skill).or_insert_with(|| {
                    Base::new(&self.skill, fade_if(&self.skill, state.skills.get(&skill), &record.skill(skill), step, now), d)
                });
                let start = skills.len();
                skills.extend_from_slice(&inputs[(result * n + at) * d..][..d]);
                base.add(&mut skills[start..]);
            }
        }

        // The output layer, for an average item of each skill.
        let mut layer = Vec::with_capacity(2 * pairs * h);
        for (result, _) in RESULTS {
            for &(at, skill) in &prospects.pairs {
                let (bias, side) = (&self.hidden_bias, &self.skill_side[skill as usize * h..][..h]);
                let domain = &shared[(result * n + at) * h..][..h];
                layer.extend(bias.iter().zip(side).zip(domain).map(|((bias, side), domain)| bias + side + domain));
            }
        }
        product_plain(2 * pairs, h, d, &read(&self.skill, skills), &self.from_skill.rows, &mut layer, true);
        let features: Vec<f32> = prospects.after.iter().flat_map(|description| description.features).collect();
        product_wt(2 * pairs, h, FEATURES, &features, &self.from_features, &mut layer, true);
        layer
            .chunks_exact(h)
            .zip(&prospects.after)
            .map(|(row, description)| description.base + positive_dot(row, &self.output) + self.output_bias)
            .collect()
    }
}

/// A faded state h' and U h': what an answer's input is added to.
struct Base {
    faded: Vec<f32>,
    update: Vec<f32>,
}

impl Base {
    fn new(track: &Track, faded: Option<Vec<f32>>, width: usize) -> Self {
        let mut update = vec![0.0; width];
        if let Some(faded) = &faded {
            track.update.add(faded, &mut update);
        }
        Self { faded: faded.unwrap_or_else(|| vec![0.0; width]), update }
    }

    /// h = h' + tanh(U h' + x), in place of x.
    fn add(&self, row: &mut [f32]) {
        for ((value, faded), update) in row.iter_mut().zip(&self.faded).zip(&self.update) {
            *value = faded + tanh(*value + update);
        }
    }
}
