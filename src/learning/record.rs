//! What a learner did, counted: overall, by skill, by item; and the numbers the network reads of it.
//!
//! [`learner_features`] and [`own_features`] come after what others' answers show (see `evidence`), in one fixed order:
//! item, set, learner, own. [`answer_features`] say how an answer was given, once it is.

use rustc_hash::FxHashMap;

use super::dataset::Marks;
use super::evidence::{ITEM_FEATURES, SET_FEATURES, Tally};

/// Where a learner stands with everything, a skill or an item.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    pub tally: Tally,
    /// Sum of (correct - expected of the item).
    pub surplus: f32,
    /// The same, older answers fading by [`FADING`] each.
    pub recent: f32,
    /// Sum of expected · (1 - expected): how much the answers could tell.
    pub information: f32,
    /// Number of the learner's answers when this was last answered, from 1; 0: never.
    pub step: u32,
    /// Times it was looked at since it was last answered.
    pub views: u32,
    /// When it was last answered, in microseconds.
    pub time: i64,
    pub last_correct: bool,
}

const FADING: f32 = 0.8;

impl Standing {
    pub(super) fn note(&mut self, correct: bool, expected: f32, step: u32, time: i64) {
        self.tally.note(correct);
        let surprise = f32::from(u8::from(correct)) - expected;
        self.surplus += surprise;
        self.recent = self.recent * FADING + surprise * (1.0 - FADING);
        self.information += expected * (1.0 - expected);
        self.step = step;
        self.views = 0;
        self.time = time;
        self.last_correct = correct;
    }
}

/// Everything counted about one learner; positions are those of the evidence.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub overall: Standing,
    pub skills: FxHashMap<u32, Standing>,
    pub items: FxHashMap<u32, Standing>,
}

impl Record {
    pub fn clear(&mut self) {
        self.overall = Standing::default();
        self.skills.clear();
        self.items.clear();
    }

    pub fn skill(&self, skill: u32) -> Standing {
        self.skills.get(&skill).copied().unwrap_or_default()
    }

    pub fn item(&self, item: u32) -> Standing {
        self.items.get(&item).copied().unwrap_or_default()
    }

    /// Takes an answer in; `expected`: the item's shrunken rate before it.
    pub fn note(&mut self, item: Option<u32>, skills: &[u32], correct: bool, expected: f32, time: i64) {
        let step = self.overall.step + 1;
        self.overall.note(correct, expected, step, time);
        for &skill in skills {
            self.skills.entry(skill).or_default().note(correct, expected, step, time);
        }
        if let Some(item) = item {
            self.items.entry(item).or_default().note(correct, expected, step, time);
        }
    }

    /// Takes in that something was looked at, started or read: no answer, but the skills were met.
    pub fn view(&mut self, item: Option<u32>, skills: &[u32]) {
        let seen = |standing: &mut Standing| standing.views = standing.views.saturating_add(1);
        skills.iter().for_each(|skill| seen(self.skills.entry(*skill).or_default()));
        if let Some(item) = item {
            seen(self.items.entry(item).or_default());
        }
    }
}

/// Numbers that a learner's own record says of the learner and the skills, and of the very item.
pub const LEARNER_FEATURES: usize = 17;
pub const OWN_FEATURES: usize = 6;
/// Where, in the former, the learner's mean surplus stands, overall and on the skills.
pub const OVERALL_SURPLUS: usize = 2;
pub const SKILL_SURPLUS: usize = 9;
/// All that is known before an answer, in the order item, set, learner, own.
pub const FEATURES: usize = ITEM_FEATURES + SET_FEATURES + LEARNER_FEATURES + OWN_FEATURES;
/// How an answer was given.
pub const ANSWER_FEATURES: usize = 5;

/// The learner's standing in all, and the mean of that on the skills. `standing`: on a skill, if ever met.
pub fn learner_features(
    overall: &Standing,
    standing: impl Fn(u32) -> Option<Standing>,
    skills: &[u32],
    now: i64,
) -> [f32; LEARNER_FEATURES] {
    const OVERALL: usize = 7;
    let mut features = [0.0; LEARNER_FEATURES];
    features[0] = 0.2 * overall.tally.attempts.ln_1p();
    features[1] = 0.2 * overall.tally.right.ln_1p();
    features[2] = 4.0 * overall.surplus / (overall.tally.attempts + 5.0);
    features[3] = 2.0 * overall.recent;
    // One Newton step towards the ability that explains the surplus.
    features[4] = overall.surplus / (overall.information + 1.0);
    if overall.step > 0 {
        features[5] = log_seconds(overall.time, now);
        features[6] = sign(overall.last_correct);
    }
    let weight = 1.0 / skills.len().max(1) as f32;
    for last in skills.iter().filter_map(|skill| standing(*skill)) {
        features[LEARNER_FEATURES - 1] += weight * (last.views as f32).ln_1p();
        if last.step == 0 {
            continue;
        }
        let on_skill = [
            0.4 * last.tally.attempts.ln_1p(),
            0.4 * last.tally.right.ln_1p(),
            3.0 * last.surplus / (last.tally.attempts + 2.0),
            2.0 * last.recent,
            sign(last.last_correct),
            last.surplus / (last.information + 0.5),
            log_steps(last.step, overall.step),
            log_seconds(last.time, now),
            f32::from(u8::from(last.step == overall.step)),
        ];
        features[OVERALL..].iter_mut().zip(on_skill).for_each(|(sum, value)| *sum += weight * value);
    }
    features
}

/// The learner's standing on the very item.
pub fn own_features(on_item: &Standing, overall: &Standing, now: i64) -> [f32; OWN_FEATURES] {
    let views = (on_item.views as f32).ln_1p();
    if on_item.step == 0 {
        return [0.0, 0.0, 0.0, 0.0, 0.0, views];
    }
    [
        on_item.tally.attempts.ln_1p(),
        on_item.tally.right.ln_1p(),
        sign(on_item.last_correct),
        log_steps(on_item.step, overall.step),
        log_seconds(on_item.time, now),
        views,
    ]
}

/// Response time, hints and attempt number, where they were sent; zeros where not.
pub fn answer_features(marks: &Marks) -> [f32; ANSWER_FEATURES] {
    let known = |known: bool| f32::from(u8::from(known));
    let seconds = marks.response_ms.map_or(0.0, |ms| ms.max(0) as f32 / 1_000.0);
    let hints = marks.hints.map_or(0.0, |hints| hints.max(0) as f32);
    let attempt = marks.attempt_number.map_or(1.0, |attempt| attempt.max(1) as f32);
    [known(marks.response_ms.is_some()), 0.3 * seconds.ln_1p(), known(hints > 0.0), hints.ln_1p(), 0.5 * attempt.ln()]
}

fn log_steps(last: u32, answered: u32) -> f32 {
    0.3 * ((answered + 1).saturating_sub(last) as f32).ln_1p()
}

fn log_seconds(then: i64, now: i64) -> f32 {
    0.1 * (now.saturating_sub(then).max(0) as f32 / 1e6).ln_1p()
}

fn sign(correct: bool) -> f32 {
    if correct { 1.0 } else { -1.0 }
}

/// Buckets of a gap in answers: first time, 1, 2, 3-4, 5-8, … more than 512.
pub const STEP_BUCKETS: usize = 12;
/// Buckets of a gap in time: first time, up to 10 s, 1 min, 5 min, 20 min, 1 h, 6 h, 1 d, 3 d, 7 d, 30 d, more.
pub const TIME_BUCKETS: usize = 12;

/// The gap since `last`: which rows of the forget gate's tables are read, (answers, time).
pub fn gap_buckets(last: &Standing, step: u32, time: i64) -> (u32, u32) {
    if last.step == 0 {
        return (0, 0);
    }
    let steps = step.saturating_sub(last.step).max(1);
    let bucket = (1 + (u32::BITS - (steps - 1).leading_zeros())).min(STEP_BUCKETS as u32 - 1);
    const SECONDS: [i64; TIME_BUCKETS - 2] = [10, 60, 300, 1_200, 3_600, 21_600, 86_400, 259_200, 604_800, 2_592_000];
    let seconds = time.saturating_sub(last.time) / 1_000_000;
    let late = SECONDS.iter().filter(|bound| seconds > **bound).count() as u32;
    (bucket, 1 + late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_fall_into_their_buckets() {
        let last = Standing { step: 10, time: 0, ..Standing::default() };
        let bucket = |step: u32, seconds: i64| gap_buckets(&last, step, seconds * 1_000_000);
        assert_eq!(bucket(11, 0), (1, 1));
        assert_eq!(bucket(12, 11), (2, 2));
        assert_eq!(bucket(14, 61), (3, 3));
        assert_eq!(bucket(15, 86_401), (4, 8));
        assert_eq!(bucket(u32::MAX, i64::MAX / 1_000_000), (STEP_BUCKETS as u32 - 1, TIME_BUCKETS as u32 - 1));
        assert_eq!(gap_buckets(&Standing::default(), 5, 5), (0, 0));
    }

    #[test]
    fn a_view_is_remembered_until_the_next_answer() {
        let mut record = Record::default();
        record.view(Some(4), &[1, 2]);
        let of = |record: &Record| {
            let learner = learner_features(&record.overall, |skill| record.skills.get(&skill).copied(), &[1], 0);
            (learner[LEARNER_FEATURES - 1], own_features(&record.item(4), &record.overall, 0)[OWN_FEATURES - 1])
        };
        assert_eq!(of(&record), (2f32.ln(), 2f32.ln()));
        record.note(Some(4), &[1], true, 0.5, 0);
        assert_eq!(of(&record), (0.0, 0.0));
        assert_eq!(record.skill(2).step, 0, "a view is no answer");
    }

    #[test]
    fn what_was_not_sent_is_zero() {
        assert_eq!(answer_features(&Marks::default()), [0.0; ANSWER_FEATURES]);
        let marks = Marks { response_ms: Some(i64::MAX), attempt_number: Some(-3), hints: Some(2) };
        assert!(answer_features(&marks).iter().all(|value| value.is_finite()));
    }
}
