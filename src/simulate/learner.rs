//! How a simulated learner knows, forgets, answers and learns. Rules, not a network, and none of our model's formulas.
//!
//! Each skill has a *strength* in 0..1. It rises with practice (more when the requirements are strong: *readiness*), and what
//! is not practised sinks by half-lives towards a floor that grows with practice. An answer is right when the weakest skill
//! the item needs stands above its difficulty, softened by a steep S-curve, a slip and a guess.

use super::chance::Chance;
use super::course::{CourseWorld, TrueItem};

const STEEPNESS: f64 = 9.0;
/// Strength a right answer adds to a skill that is ready and not known at all.
const PRACTICE: f64 = 0.17;
const HINT_HELP: f64 = 0.09;

/// What the learner did with an exercise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Response {
    pub correct: bool,
    pub hints: i64,
    pub response_ms: i64,
    /// What the truth gave as the chance of being right.
    pub probability: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Memory {
    strength: f64,
    floor: f64,
    practised_day: f64,
}

/// A learner's nature and knowledge.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedLearner {
    pub talent: f64,
    pub speed: f64,
    /// Days until half of what can be forgotten is.
    pub half_life_days: f64,
    pub slip: f64,
    /// Log factor on response times.
    pub pace: f64,
    memories: Vec<Memory>,
}

impl SimulatedLearner {
    pub fn new(world: &CourseWorld, chance: &mut Chance) -> Self {
        let talent = chance.normal();
        let memories = world
            .skills
            .iter()
            .map(|skill| {
                let strength = (0.46 + 0.13 * talent + 0.09 * chance.normal() - 0.05 * skill.depth as f64).clamp(0.02, 0.9);
                Memory { strength, floor: 0.8 * strength, practised_day: 0.0 }
            })
            .collect();
        Self {
            talent,
            speed: (0.3 * chance.normal() + 0.15 * talent).exp(),
            half_life_days: 9.0 * (0.5 * chance.normal()).exp(),
            slip: chance.within(0.02, 0.11),
            pace: 0.25 * chance.normal(),
            memories,
        }
    }

    /// Strength of a skill on a day, after forgetting.
    pub fn strength(&self, skill: usize, day: f64) -> f64 {
        let memory = &self.memories[skill];
        let elapsed = (day - memory.practised_day).max(0.0);
        memory.floor + (memory.strength - memory.floor).max(0.0) * (-elapsed / self.half_life_days).exp2()
    }

    /// Chance of being right, `hints` taken.
    pub fn probability(&self, item: &TrueItem, day: f64, hints: i64) -> f64 {
        let weakest = item.skills.iter().map(|&skill| self.strength(skill, day)).fold(1.0, f64::min);
        let margin = weakest + HINT_HELP * hints as f64 - item.difficulty;
        let knows = 1.0 / (1.0 + (-STEEPNESS * margin).exp());
        item.guess + (1.0 - item.guess - self.slip) * knows
    }

    /// Answers an exercise and learns from it.
    pub fn answer(&mut self, world: &CourseWorld, item: &TrueItem, day: f64, chance: &mut Chance) -> Response {
        let weakest = item.skills.iter().map(|&skill| self.strength(skill, day)).fold(1.0, f64::min);
        let stuck = weakest < item.difficulty - 0.08;
        let hints = if stuck && chance.happens(0.35) { 1 + chance.below(3) as i64 } else { 0 };
        let probability = self.probability(item, day, hints);
        let correct = chance.happens(probability);
        let effort = 9.3 + 1.6 * (item.difficulty - weakest).clamp(-0.5, 0.5) + 0.22 * hints as f64 + self.pace + 0.35 * chance.normal();
        // Tenths of a second: what a browser's clock is worth.
        let response_ms = ((effort.exp() / 100.0).round() as i64 * 100).clamp(800, 900_000);
        for &skill in &item.skills {
            self.learn(world, skill, day, PRACTICE * if correct { 1.0 } else { 0.6 });
        }
        Response { correct, hints, response_ms, probability }
    }

    /// Watches a video to its end.
    pub fn watch(&mut self, world: &CourseWorld, skill: usize, day: f64) {
        self.learn(world, skill, day, 0.7 * PRACTICE);
    }

    fn learn(&mut self, world: &CourseWorld, skill: usize, day: f64, gain: f64) {
        let ready = world.skills[skill].requires.iter().map(|&below| self.strength(below, day)).fold(1.0, f64::min);
        let now = self.strength(skill, day);
        let risen = now + self.speed * gain * (0.25 + 0.75 * ready) * (1.0 - now);
        let memory = &mut self.memories[skill];
        // Each practice makes a little more of it last.
        *memory = Memory { strength: risen.min(0.98), floor: memory.floor.max(now * 0.85).min(0.9), practised_day: day };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> (CourseWorld, SimulatedLearner, Chance) {
        let world = CourseWorld::new(1);
        let mut chance = Chance::of(1, "test", 0);
        let learner = SimulatedLearner::new(&world, &mut chance);
        (world, learner, chance)
    }

    #[test]
    fn practice_strengthens_and_time_weakens() {
        let (world, mut learner, mut chance) = setting();
        let item = &world.items[world.skills[0].exercises[0]];
        let before = learner.probability(item, 0.0, 0);
        for _ in 0..12 {
            learner.answer(&world, item, 1.0, &mut chance);
        }
        let after = learner.probability(item, 1.0, 0);
        let later = learner.probability(item, 60.0, 0);
        assert!(before < later && later < after, "{before} {later} {after}");
    }

    #[test]
    fn what_is_required_must_be_there_first() {
        let (world, learner, mut chance) = setting();
        let percent = world.skills.iter().position(|skill| skill.id == "percent.change").unwrap();
        let taught = |learner: &SimulatedLearner, chance: &mut Chance, first: &[usize]| {
            let mut learner = learner.clone();
            for &skill in first {
                for &item in world.skills[skill].exercises.iter().cycle().take(40) {
                    learner.answer(&world, &world.items[item], 0.0, chance);
                }
            }
            for &item in &world.skills[percent].exercises[..5] {
                learner.answer(&world, &world.items[item], 0.0, chance);
            }
            learner.strength(percent, 0.0)
        };
        let required = world.skills[percent].requires.clone();
        assert!(taught(&learner, &mut chance, &required) > taught(&learner, &mut chance, &[]) + 0.02);
    }
}
