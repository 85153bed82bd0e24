//! What is known by counting: how hard an item is, how a learner has done so far. Shared by training and serving, number for number.
//!
//! [`Evidence`] holds what *other* learners did (integer counts); [`Record`] what this learner did. [`describe`] turns both into the
//! features of one (learner, item) pair, and into the shrunken logit the network's output is added to.

use std::collections::HashMap;

use super::math::logit;

/// Attempts and right answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    pub attempts: f32,
    pub right: f32,
}

impl Tally {
    pub fn note(&mut self, correct: bool) {
        self.attempts += 1.0;
        self.right += f32::from(u8::from(correct));
    }

    pub fn add(&mut self, other: Tally) {
        self.attempts += other.attempts;
        self.right += other.right;
    }

    /// Never below zero: live counts may lag behind a learner's state.
    pub fn less(self, other: Tally) -> Tally {
        let attempts = (self.attempts - other.attempts).max(0.0);
        Tally { attempts, right: (self.right - other.right).clamp(0.0, attempts) }
    }

    /// (right + strength · prior) / (attempts + strength).
    pub fn shrunken(self, prior: f32, strength: f32) -> f32 {
        (self.right + strength * prior) / (self.attempts + strength)
    }
}

/// How many answers a prior weighs: skill rates shrink to the overall rate, item rates to their skills' rate.
const SKILL_STRENGTH: f32 = 20.0;
const ITEM_STRENGTH: f32 = 6.0;

/// Counts over learners, by position.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub items: Vec<Tally>,
    pub skills: Vec<Tally>,
    pub all: Tally,
}

/// Where a learner stands with everything, a skill or an item.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    pub tally: Tally,
    /// Sum of (correct - expected of the item).
    pub surplus: f32,
    /// The same, older answers fading by [`FADING`] each.
    pub recent: f32,
    /// Number of the learner's answers when this was last answered, from 1; 0: never.
    pub step: u32,
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
        self.step = step;
        self.time = time;
        self.last_correct = correct;
    }
}

/// Everything counted about one learner; positions are those of the evidence.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub overall: Standing,
    pub skills: HashMap<u32, Standing>,
    pub items: HashMap<u32, Standing>,
}

impl Record {
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
}

/// Numbers in [`Description::features`].
pub const FEATURES: usize = 16;
/// Where the learner's mean surplus stands, overall and on the item's skills.
pub const OVERALL_SURPLUS: usize = 6;
pub const SKILL_SURPLUS: usize = 10;

/// One (learner, item) pair in numbers.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    pub features: [f32; FEATURES],
    /// The item's shrunken logit: the network's output is added to it.
    pub base: f32,
    /// The item's shrunken rate.
    pub expected: f32,
}

impl Evidence {
    /// Sums item counts into skill counts.
    pub fn new<'a>(items: Vec<Tally>, skills_of: impl Fn(u32) -> &'a [u32], skills: usize) -> Self {
        let mut evidence = Self { skills: vec![Tally::default(); skills], all: Tally::default(), items };
        for (tally, item) in evidence.items.iter().zip(0..) {
            evidence.all.add(*tally);
            for &skill in skills_of(item) {
                evidence.skills[skill as usize].add(*tally);
            }
        }
        evidence
    }

    fn item(&self, item: Option<u32>) -> Tally {
        item.and_then(|item| self.items.get(item as usize).copied()).unwrap_or_default()
    }

    /// The shrunken rate of a skill; `own`: answers to leave out.
    pub fn skill_rate(&self, skill: u32, own: Option<&Record>) -> (f32, Tally) {
        let mut tally = self.skills.get(skill as usize).copied().unwrap_or_default();
        if let Some(standing) = own.and_then(|own| own.skills.get(&skill)) {
            tally = tally.less(standing.tally);
        }
        (tally.shrunken(self.overall_rate(), SKILL_STRENGTH), tally)
    }

    pub fn overall_rate(&self) -> f32 {
        self.all.shrunken(0.5, 2.0)
    }

    /// Describes `item` for the learner of `record`. `own`: the record whose answers are part of the evidence, to be left out.
    pub fn describe(&self, record: &Record, own: Option<&Record>, item: Option<u32>, skills: &[u32]) -> Description {
        let on_item = item.and_then(|item| record.items.get(&item)).copied().unwrap_or_default();
        self.describe_as(&record.overall, |skill| record.skills.get(&skill).copied(), on_item, own, item, skills)
    }

    /// The same for a learner who stands as said, whatever their record.
    pub fn describe_as(
        &self,
        overall: &Standing,
        standing: impl Fn(u32) -> Option<Standing>,
        on_item: Standing,
        own: Option<&Record>,
        item: Option<u32>,
        skills: &[u32],
    ) -> Description {
        let weight = 1.0 / skills.len().max(1) as f32;
        let (mut prior, mut skill_logit, mut skill_log) = (0.0, 0.0, 0.0);
        let mut on_skill = [0.0f32; 5];
        for &skill in skills {
            let (rate, tally) = self.skill_rate(skill, own);
            prior += rate * weight;
            skill_logit += logit(rate) * weight;
            skill_log += tally.attempts.ln_1p() * weight;
            if let Some(Standing { tally, surplus, recent, last_correct, .. }) = standing(skill) {
                let values = [tally.attempts.ln_1p(), tally.right.ln_1p(), surplus / (tally.attempts + 2.0), recent, sign(last_correct)];
                on_skill.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
            }
        }
        if skills.is_empty() {
            prior = self.overall_rate();
            skill_logit = logit(prior);
        }
        let mut tally = self.item(item);
        if own.is_some() {
            tally = tally.less(on_item.tally);
        }
        let expected = tally.shrunken(prior, ITEM_STRENGTH);
        let base = logit(expected);
        let features = [
            base,
            0.2 * tally.attempts.ln_1p(),
            skill_logit,
            0.2 * skill_log,
            0.2 * overall.tally.attempts.ln_1p(),
            0.2 * overall.tally.right.ln_1p(),
            4.0 * overall.surplus / (overall.tally.attempts + 5.0),
            2.0 * overall.recent,
            0.4 * on_skill[0],
            0.4 * on_skill[1],
            3.0 * on_skill[2],
            2.0 * on_skill[3],
            on_skill[4],
            on_item.tally.attempts.ln_1p(),
            on_item.tally.right.ln_1p(),
            if on_item.step > 0 { sign(on_item.last_correct) } else { 0.0 },
        ];
        Description { features, base, expected }
    }
}

fn sign(correct: bool) -> f32 {
    if correct { 1.0 } else { -1.0 }
}

/// Buckets of a gap in answers: first time, 1, 2, 3-4, 5-8, … more than 512.
pub const STEP_BUCKETS: usize = 12;
/// Buckets of a gap in time: first time, up to 10 s, 1 min, 5 min, 20 min, 1 h, 6 h, 1 d, 3 d, 7 d, 30 d, more.
pub const TIME_BUCKETS: usize = 12;
/// Codes of both gaps together.
pub const GAPS: usize = STEP_BUCKETS * TIME_BUCKETS;

/// The gap since `last`, as one code: which row of the forget gate's table is read.
pub fn gap_code(last: &Standing, step: u32, time: i64) -> u32 {
    if last.step == 0 {
        return 0;
    }
    let steps = step.saturating_sub(last.step).max(1);
    let bucket = (1 + (u32::BITS - (steps - 1).leading_zeros())).min(STEP_BUCKETS as u32 - 1);
    const SECONDS: [i64; TIME_BUCKETS - 2] = [10, 60, 300, 1_200, 3_600, 21_600, 86_400, 259_200, 604_800, 2_592_000];
    let seconds = time.saturating_sub(last.time) / 1_000_000;
    let late = SECONDS.iter().filter(|bound| seconds > **bound).count() as u32;
    bucket * TIME_BUCKETS as u32 + 1 + late
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_fall_into_their_buckets() {
        let last = Standing { step: 10, time: 0, ..Standing::default() };
        let code = |step: u32, seconds: i64| {
            let code = gap_code(&last, step, seconds * 1_000_000) as usize;
            (code / TIME_BUCKETS, code % TIME_BUCKETS)
        };
        assert_eq!(code(11, 0), (1, 1));
        assert_eq!(code(12, 11), (2, 2));
        assert_eq!(code(14, 61), (3, 3));
        assert_eq!(code(15, 86_401), (4, 8));
        assert_eq!(code(u32::MAX, i64::MAX / 1_000_000), (STEP_BUCKETS - 1, TIME_BUCKETS - 1));
        assert_eq!(gap_code(&Standing::default(), 5, 5), 0);
    }

    #[test]
    fn leaving_ones_own_answers_out_equals_never_having_given_them() {
        let item_skills = [vec![0], vec![0, 1]];
        let others = vec![Tally { attempts: 7.0, right: 3.0 }, Tally { attempts: 2.0, right: 2.0 }];
        let clean = Evidence::new(others.clone(), |item| &item_skills[item as usize], 2);
        let mut record = Record::default();
        let mut with_own = others;
        for (item, correct) in [(0u32, true), (1, false), (1, true)] {
            record.note(Some(item), &item_skills[item as usize], correct, 0.5, 0);
            with_own[item as usize].note(correct);
        }
        let mut live = Evidence::new(with_own, |item| &item_skills[item as usize], 2);
        live.all = clean.all; // the overall rate is not corrected: one learner's part of it is too small to matter
        for item in [0u32, 1] {
            let a = clean.describe(&record, None, Some(item), &item_skills[item as usize]);
            let b = live.describe(&record, Some(&record), Some(item), &item_skills[item as usize]);
            assert_eq!(a.features, b.features);
        }
    }
}
