//! Bayesian knowledge tracing (Corbett and Anderson, 1995): per skill a hidden "knows it", learned once and never forgotten.
//!
//! Four numbers a skill, fitted by expectation-maximisation (Baum-Welch) over each learner's answers on the skill. A pooled fit over
//! all skills is the starting point and a weak prior, so that a rare skill has sane numbers. An item with several skills: the mean
//! of their predictions, and each skill takes the answer in.

use std::collections::HashMap;

use super::Baseline;
use crate::learning::dataset::{Answer, Dataset, Vocabulary};

#[derive(Debug, Clone, Copy, PartialEq)]
struct Skill {
    /// Knows it before the first answer.
    known: f64,
    /// Learns it after an answer.
    learn: f64,
    /// Answers right without knowing.
    guess: f64,
    /// Answers wrong though knowing.
    slip: f64,
}

const START: Skill = Skill { known: 0.5, learn: 0.1, guess: 0.25, slip: 0.1 };
const ROUNDS: usize = 40;
/// What the pooled fit weighs against a skill's own answers, in (expected) events per number.
const STRENGTH: f64 = 5.0;

impl Skill {
    fn p(self, known: f64) -> f64 {
        known * (1.0 - self.slip) + (1.0 - known) * self.guess
    }

    /// Knows it after an answer and what is learned from it.
    fn after(self, known: f64, correct: bool) -> f64 {
        let seen = if correct { known * (1.0 - self.slip) / self.p(known) } else { known * self.slip / (1.0 - self.p(known)) };
        seen + (1.0 - seen) * self.learn
    }

    fn emits(self, knows: bool, correct: bool) -> f64 {
        match (knows, correct) {
            (true, true) => 1.0 - self.slip,
            (true, false) => self.slip,
            (false, true) => self.guess,
            (false, false) => 1.0 - self.guess,
        }
    }

    fn fit<'a>(start: Self, prior: f64, runs: impl Iterator<Item = &'a [bool]> + Clone) -> Self {
        let mut skill = start;
        for _ in 0..ROUNDS {
            // (happened, could have) of each number.
            let mut sums = [start.known, start.learn, start.guess, start.slip].map(|p| (prior * p, prior));
            runs.clone().for_each(|run| skill.expect(run, &mut sums));
            let [known, learn, guess, slip] = sums.map(|(happened, could)| if could > 0.0 { happened / could } else { 0.5 });
            // Away from 0 and 1, where no answer could move it any more; and guess + slip < 1, or knowing would mean not knowing.
            let (mut guess, mut slip) = (guess.clamp(0.001, 0.999), slip.clamp(0.001, 0.999));
            let excess = (guess + slip) / 0.999;
            if excess > 1.0 {
                (guess, slip) = (guess / excess, slip / excess);
            }
            skill = Self { known: known.clamp(0.001, 0.999), learn: learn.clamp(0.0001, 0.999), guess, slip };
        }
        skill
    }

    /// Forward and backward over one run; adds what is expected to have happened.
    fn expect(self, run: &[bool], sums: &mut [(f64, f64); 4]) {
        // before[t]: p(knows at t | answers before t).
        let mut before = Vec::with_capacity(run.len());
        let mut known = self.known;
        for &correct in run {
            before.push(known);
            known = self.after(known, correct);
        }
        // p(the answers after t | knows at t), up to a common factor: (knows, does not).
        let mut later = (1.0, 1.0);
        for (t, &correct) in run.iter().enumerate().rev() {
            let (knows, not) = (before[t] * self.emits(true, correct), (1.0 - before[t]) * self.emits(false, correct));
            let total = knows * later.0 + not * later.1;
            let now = knows * later.0 / total;
            let place = if correct { 2 } else { 3 };
            sums[2].1 += 1.0 - now;
            sums[3].1 += now;
            sums[place].0 += if correct { 1.0 - now } else { now };
            if t == 0 {
                sums[0].0 += now;
                sums[0].1 += 1.0;
            } else {
                // From t - 1, not known, to t: learned or not.
                let unknown = (1.0 - before[t - 1]) * self.emits(false, run[t - 1]);
                let knew = before[t - 1] * self.emits(true, run[t - 1]);
                let here = (self.emits(true, correct) * later.0, self.emits(false, correct) * later.1);
                let learned = unknown * self.learn * here.0;
                let stayed = unknown * (1.0 - self.learn) * here.1;
                let all = learned + stayed + knew * here.0;
                sums[1].0 += learned / all;
                sums[1].1 += (learned + stayed) / all;
                let earlier = (here.0, self.learn * here.0 + (1.0 - self.learn) * here.1);
                let size = earlier.0 + earlier.1;
                later = (earlier.0 / size, earlier.1 / size);
            }
        }
    }
}

pub struct Bkt {
    skills: Vec<Skill>,
    /// For skills without answers.
    pooled: Skill,
    /// For items without skills: the share of right answers.
    overall: f64,
}

impl Bkt {
    /// Fits on all answers of `train`.
    pub fn fit(train: &Dataset) -> Self {
        let vocabulary = &train.vocabulary;
        let mut runs: Vec<Vec<Vec<bool>>> = vec![Vec::new(); vocabulary.skills.len()];
        for sequence in &train.sequences {
            let mut own: HashMap<u32, Vec<bool>> = HashMap::new();
            for answer in &sequence.answers {
                for &skill in &vocabulary.item_skills[answer.item as usize] {
                    own.entry(skill).or_default().push(answer.correct);
                }
            }
            // In order of the skills, so that sums come out the same every time.
            let mut own: Vec<_> = own.into_iter().collect();
            own.sort_unstable_by_key(|(skill, _)| *skill);
            own.into_iter().for_each(|(skill, run)| runs[skill as usize].push(run));
        }
        let pooled = Skill::fit(START, STRENGTH, runs.iter().flatten().map(Vec::as_slice));
        let fit = |runs: &Vec<Vec<bool>>| Skill::fit(pooled, STRENGTH, runs.iter().map(Vec::as_slice));
        let right = train.sequences.iter().flat_map(|sequence| &sequence.answers).filter(|answer| answer.correct).count();
        Self { skills: runs.iter().map(fit).collect(), pooled, overall: (right as f64 + 1.0) / (train.answers() as f64 + 2.0) }
    }
}

impl Baseline for Bkt {
    fn follow(&self, vocabulary: &Vocabulary, answers: &[Answer]) -> Vec<f32> {
        let mut known: HashMap<u32, f64> = HashMap::new();
        let take = |answer: &Answer| {
            let skills = &vocabulary.item_skills[answer.item as usize];
            if skills.is_empty() {
                return self.overall as f32;
            }
            let mut sum = 0.0;
            for &skill in skills {
                let numbers = self.skills.get(skill as usize).copied().unwrap_or(self.pooled);
                let known = known.entry(skill).or_insert(numbers.known);
                sum += numbers.p(*known);
                *known = numbers.after(*known, answer.correct);
            }
            (sum / skills.len() as f64) as f32
        };
        answers.iter().map(take).collect()
    }

    fn parameters(&self) -> usize {
        4 * self.skills.len()
    }

    fn rounds(&self) -> usize {
        ROUNDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::random::Stream;

    #[test]
    fn expectations_equal_those_over_every_hidden_path() {
        let skill = Skill { known: 0.3, learn: 0.2, guess: 0.25, slip: 0.15 };
        let run = [false, true, true, false];
        let mut fast = [(0.0, 0.0); 4];
        skill.expect(&run, &mut fast);
        // A path is the step at which it is first known (0..=4; 4: never).
        let weigh = |first: usize| {
            let mut weight = if first == 0 { skill.known } else { 1.0 - skill.known };
            for (t, &correct) in run.iter().enumerate() {
                weight *= skill.emits(t >= first, correct);
                if t > 0 && t <= first {
                    weight *= if t == first { skill.learn } else { 1.0 - skill.learn };
                }
            }
            weight
        };
        let total: f64 = (0..=4).map(weigh).sum();
        let mut slow = [(0.0, 0.0); 4];
        for first in 0..=4 {
            let share = weigh(first) / total;
            slow[0].0 += if first == 0 { share } else { 0.0 };
            slow[0].1 += share;
            for (t, &correct) in run.iter().enumerate() {
                if t > 0 && t <= first {
                    slow[1].1 += share;
                    slow[1].0 += if t == first { share } else { 0.0 };
                }
                let place = if t >= first { 3 } else { 2 };
                slow[place].1 += share;
                slow[place].0 += if correct == (place == 2) { share } else { 0.0 };
            }
        }
        for (fast, slow) in fast.iter().zip(slow) {
            assert!((fast.0 - slow.0).abs() < 1e-12 && (fast.1 - slow.1).abs() < 1e-12, "{fast:?} {slow:?}");
        }
    }

    #[test]
    fn the_numbers_of_a_skill_are_found_again() {
        let truth = Skill { known: 0.4, learn: 0.15, guess: 0.2, slip: 0.1 };
        let mut chance = Stream::new(3, "bkt", b"");
        let runs: Vec<Vec<bool>> = (0..3_000)
            .map(|_| {
                let mut knows = f64::from(chance.unit()) < truth.known;
                (0..10)
                    .map(|_| {
                        let correct = f64::from(chance.unit())
                            < truth.emits(true, true) * f64::from(u8::from(knows)) + truth.guess * f64::from(u8::from(!knows));
                        knows |= f64::from(chance.unit()) < truth.learn;
                        correct
                    })
                    .collect()
            })
            .collect();
        let found = Skill::fit(START, STRENGTH, runs.iter().map(Vec::as_slice));
        for (found, truth) in [(found.known, truth.known), (found.learn, truth.learn), (found.guess, truth.guess), (found.slip, truth.slip)]
        {
            assert!((found - truth).abs() < 0.06, "{found} for {truth}");
        }
    }
}
