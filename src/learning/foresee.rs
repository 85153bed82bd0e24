//! What answers would change, for many items at once: the same sums as `Member::advance` and then `Member::score`, laid out so
//! that what the items share is done once, and the rest as a few products over all of them.

use multiversion::multiversion;
use rustc_hash::FxHashMap;

use super::evidence::{ITEM_FEATURES, SET_FEATURES};
use super::math::{positive_dot, product_plain, sigmoid, tanh};
use super::member::{Member, MemberState, Track, add_scaled};
use super::ops::squash;
use super::predictor::fallback_of;
use super::record::{FEATURES, OWN_FEATURES, Record, Standing, gap_buckets, learner_features};
use super::scene::{Others, Scene, joined};

/// What the members need to know beside their own vectors. Made once for all of them.
pub struct Prospects<'a> {
    pub scene: &'a Scene<'a>,
    /// [items, FEATURES], before the answer.
    before: Vec<f32>,
    /// (item's place, skill) for each skill of each item, in order.
    pub pairs: Vec<(usize, u32)>,
    /// Features and shrunken logit of an average item of the pair's skill, after a wrong answer to the pair's item, for all pairs;
    /// then after a right one. [2 pairs, FEATURES]
    after: Vec<f32>,
    pub base: Vec<f32>,
}

impl<'a> Prospects<'a> {
    pub fn new(others: &Others<'_>, record: &Record, scene: &'a Scene<'a>, now: i64) -> Self {
        let skills_of = |at: usize| scene.groups[scene.subjects[at].group as usize].skills;
        let pairs: Vec<(usize, u32)> =
            (0..scene.subjects.len()).flat_map(|at| skills_of(at).iter().map(move |skill| (at, *skill))).collect();
        let step = record.overall.step + 1;
        let then = |mut standing: Standing, at: usize, correct: bool| {
            standing.note(correct, scene.subjects[at].view.expected, step, now);
            standing
        };
        let mut average = FxHashMap::default();
        let (mut after, mut base) = (Vec::with_capacity(2 * pairs.len() * FEATURES), Vec::with_capacity(2 * pairs.len()));
        for correct in [false, true] {
            for &(at, skill) in &pairs {
                let (set, item) = average.entry(skill).or_insert_with(|| others.average(skill));
                let (overall, on_skill) = (then(record.overall, at, correct), then(record.skill(skill), at, correct));
                let learner = learner_features(&overall, |_| Some(on_skill), &[skill], now);
                after.extend(joined(item, set, &learner, &[0.0; OWN_FEATURES]));
                base.push(item.base);
            }
        }
        let before = scene.subjects.iter().flat_map(|subject| scene.features(subject)).collect();
        Self { scene, before, pairs, after, base }
    }
}

impl Prospects<'_> {
    /// Mastery after the answers while there is no member, in the order of `base`.
    pub fn fallback(&self) -> Vec<f32> {
        let learner = |features: &[f32]| std::array::from_fn(|place| features[ITEM_FEATURES + SET_FEATURES + place]);
        self.after.chunks_exact(FEATURES).zip(&self.base).map(|(features, base)| fallback_of(*base, &learner(features))).collect()
    }
}

impl Member {
    /// Logits in the order of `Prospects::base`.
    pub fn foresee(&self, state: &MemberState, record: &Record, prospects: &Prospects<'_>, now: i64) -> Vec<f32> {
        let (d, h, scene, pairs) = (self.width, self.hidden_bias.len(), prospects.scene, prospects.pairs.len());
        let (n, step) = (scene.subjects.len(), record.overall.step + 1);
        // Asked again right after the answer: every state was touched one step and no time ago.
        let just_now = gap_buckets(&Standing { step, time: now, ..Standing::default() }, step + 1, now);

        // What enters a recurrence: wrong answers to all items, then right ones. [2 items, d]
        let input = |track: &Track| -> Vec<f32> {
            let mut of_features = vec![0.0; n * d];
            product_plain(n, d, FEATURES, &prospects.before, &track.features.rows[..FEATURES * d], &mut of_features, false);
            let mut input = Vec::with_capacity(2 * n * d);
            for correct in [false, true] {
                let by_group: Vec<Vec<f32>> = scene.groups.iter().map(|group| track.skill_input(group.skills, correct)).collect();
                for (subject, features) in scene.subjects.iter().zip(of_features.chunks_exact(d)) {
                    input.extend(by_group[subject.group as usize].iter().zip(features).map(|(skills, features)| skills + features));
                }
            }
            input
        };
        // The state after each answer, as it would be read: [rows, d].
        let read = |track: &Track, mut state: Vec<f32>| -> Vec<f32> {
            let rows = state.len() / d;
            let mut gate = track.gap(just_now, d).repeat(rows);
            product_plain(rows, d, d, &state, &track.forget.rows, &mut gate, true);
            fade_and_squash(&mut state, &gate);
            state
        };

        // The whole domain: one state, faded once, moved by each answer.
        let mut domain = input(&self.domain);
        let base = Base::new(&self.domain, self.domain.fade_if(Some(&state.domain), &record.overall, step, now), d);
        domain.chunks_exact_mut(d).for_each(|row| base.add(row));
        let mut shared = self.hidden_bias.repeat(2 * n);
        product_plain(2 * n, h, d, &read(&self.domain, domain), &self.from_domain.rows, &mut shared, true);

        // The skills: each faded once, moved by each answer on it.
        let inputs = input(&self.skill);
        let mut bases: FxHashMap<u32, Base> = FxHashMap::default();
        let (mut skills, mut layer) = (Vec::with_capacity(2 * pairs * d), Vec::with_capacity(2 * pairs * h));
        for result in [0, 1] {
            for &(at, skill) in &prospects.pairs {
                let base = bases.entry(skill).or_insert_with(|| {
                    Base::new(&self.skill, self.skill.fade_if(state.skill(skill).as_deref(), &record.skill(skill), step, now), d)
                });
                let start = skills.len();
                skills.extend_from_slice(&inputs[(result * n + at) * d..][..d]);
                base.add(&mut skills[start..]);
                let start = layer.len();
                layer.extend_from_slice(&shared[(result * n + at) * h..][..h]);
                add_scaled(&mut layer[start..], &self.skill_side[skill as usize * h..][..h], 1.0);
            }
        }
        // The output layer, for an average item of each skill.
        product_plain(2 * pairs, h, d, &read(&self.skill, skills), &self.from_skill.rows, &mut layer, true);
        product_plain(2 * pairs, h, FEATURES, &prospects.after, &self.from_features.rows, &mut layer, true);
        layer.chunks_exact(h).zip(&prospects.base).map(|(row, base)| base + positive_dot(row, &self.output) + self.output_bias).collect()
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

    fn add(&self, row: &mut [f32]) {
        add_on(row, &self.faded, &self.update);
    }
}

/// h = tanh ½ (h ⊙ σ(gate))
#[multiversion(targets("x86_64+avx2"))]
fn fade_and_squash(h: &mut [f32], gate: &[f32]) {
    h.iter_mut().zip(gate).for_each(|(h, gate)| *h = squash(*h * sigmoid(*gate)));
}

/// h = h' + tanh(U h' + x), in place of x.
#[multiversion(targets("x86_64+avx2"))]
fn add_on(row: &mut [f32], faded: &[f32], update: &[f32]) {
    for ((value, faded), update) in row.iter_mut().zip(faded).zip(update) {
        *value = faded + tanh(*value + update);
    }
}
