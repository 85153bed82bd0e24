//! Many simulated learners on the course, over one autumn term: who does what when, as the events an LMS would send.

use super::chance::Chance;
use super::course::CourseWorld;
use super::learner::SimulatedLearner;
use crate::domain::{EventKind, Micros};
use crate::ingest::NativeEvent;

/// 2025-09-01T06:00:00Z, a Monday.
const TERM: Micros = Micros(1_756_706_400_000_000);
const TERM_DAYS: f64 = 105.0;

/// A moment as a day of the simulation, from the beginning of the term.
pub fn day_of(moment: Micros) -> f64 {
    (moment.0 - TERM.0) as f64 / Micros::DAY as f64
}

/// One learner's events in order, and who they truly are.
#[derive(Debug, Clone, PartialEq)]
pub struct Biography {
    pub id: String,
    pub events: Vec<NativeEvent>,
    /// The truth's chance of success for each attempt among the events, in order.
    pub probabilities: Vec<f64>,
    pub learner: SimulatedLearner,
    /// Day the life ends, from the beginning of the term: at the last event or, where the term ran out, up to some days after it.
    pub last_day: f64,
}

/// A cohort: a course and any number of learners, drawn one by one.
#[derive(Debug, Clone)]
pub struct Cohort {
    pub world: CourseWorld,
    pub learners: usize,
    seed: u64,
}

impl Cohort {
    pub fn new(learners: usize, seed: u64) -> Self {
        Self { world: CourseWorld::new(seed), learners, seed }
    }

    /// The life of learner `number`; it does not depend on how many there are.
    pub fn biography(&self, number: usize) -> Biography {
        let mut chance = Chance::of(self.seed, "learner", number as u64);
        let learner = SimulatedLearner::new(&self.world, &mut chance);
        // Most classes begin with the course, some with a later module; the stronger skip ahead.
        let module = [0, 0, 0, 4, 7, 12][chance.below(6)];
        let start = (module + (chance.unit() * chance.unit() * 4.0 + learner.talent.max(0.0)) as usize) % self.world.skills.len();
        let mut life = Life {
            world: &self.world,
            skill: start,
            next_exercise: vec![0; self.world.skills.len()],
            watched: vec![false; self.world.skills.len()],
            french: chance.happens(0.65),
            watches: chance.within(0.2, 0.9),
            persists: chance.within(0.25, 0.7),
            out: Biography {
                id: format!("learner-{:04}", number + 1),
                events: Vec::new(),
                probabilities: Vec::new(),
                learner: learner.clone(),
                last_day: 0.0,
            },
            learner,
            chance,
            day: 0.0,
        };
        life.term();
        life.out.learner = life.learner;
        life.out.last_day = life.day;
        life.out
    }
}

struct Life<'a> {
    world: &'a CourseWorld,
    learner: SimulatedLearner,
    chance: Chance,
    /// The skill being worked on.
    skill: usize,
    next_exercise: Vec<usize>,
    watched: Vec<bool>,
    french: bool,
    watches: f64,
    persists: f64,
    day: f64,
    out: Biography,
}

impl Life<'_> {
    /// Sessions of a few answers each, some days apart, until the learner's share of answers is done or the term is over.
    fn term(&mut self) {
        let share = 8 + (self.chance.unit() * 34.0 + self.chance.unit() * 22.0) as usize;
        let gap = self.chance.within(1.2, 6.0);
        self.day = self.chance.within(0.0, 25.0).floor() + self.chance.within(0.1, 0.5);
        while self.out.probabilities.len() < share && self.day < TERM_DAYS {
            let session = 3 + self.chance.below(8);
            for _ in 0..session {
                if self.out.probabilities.len() >= share {
                    return;
                }
                self.task();
            }
            self.day = (self.day + 1.0 + 2.0 * gap * self.chance.unit() * self.chance.unit()).floor() + self.chance.within(0.1, 0.55);
        }
    }

    /// The next thing to do: a video, an exercise of the current skill, something reviewed, or a look ahead.
    fn task(&mut self) {
        let skills = self.world.skills.len();
        if !self.watched[self.skill] {
            self.watched[self.skill] = true;
            if self.chance.happens(self.watches) {
                self.watch();
            }
        }
        let draw = self.chance.unit();
        let item = if draw < 0.12 && self.skill > 0 {
            self.exercise_below(self.skill)
        } else if draw < 0.17 {
            self.world.problems[self.chance.below(self.world.problems.len())]
        } else if draw < 0.22 {
            self.exercise_below(skills)
        } else {
            let exercises = &self.world.skills[self.skill].exercises;
            let item = exercises[self.next_exercise[self.skill] % exercises.len()];
            self.next_exercise[self.skill] += 1;
            item
        };
        for attempt in 1..=3 {
            let correct = self.attempt(item, attempt);
            if correct || !self.chance.happens(self.persists) {
                break;
            }
        }
        let confident = self.learner.strength(self.skill, self.day) > 0.62;
        let done = self.next_exercise[self.skill];
        if done >= 8 || (done >= 3 && confident) || (done >= 2 && self.chance.happens(0.08)) {
            self.skill = (self.skill + 1) % skills;
        }
    }

    /// Any exercise of one of the first `skills` skills.
    fn exercise_below(&mut self, skills: usize) -> usize {
        let exercises = &self.world.skills[self.chance.below(skills)].exercises;
        exercises[self.chance.below(exercises.len())]
    }

    fn watch(&mut self) {
        let video = self.world.skills[self.skill].videos[usize::from(!self.french)];
        self.push(video, EventKind::Start);
        let minutes = self.world.catalog.items[video].duration_minutes.unwrap_or(5.0);
        if self.chance.happens(0.75) {
            self.pass(f64::from(minutes) * 60.0);
            self.learner.watch(self.world, self.skill, self.day);
            self.push(video, EventKind::Complete);
            if self.chance.happens(0.12) {
                let liked = (3.6 + 0.9 * self.chance.normal()).round().clamp(1.0, 5.0);
                self.push(video, EventKind::Rate).rating = Some(liked);
            }
        } else {
            let share = (self.chance.within(0.1, 0.9) * 20.0).round() / 20.0;
            self.pass(f64::from(minutes) * 60.0 * share);
            self.push(video, EventKind::Progress).progress = Some(share);
        }
        self.pass(20.0);
    }

    fn attempt(&mut self, item: usize, number: i64) -> bool {
        let response = self.learner.answer(self.world, &self.world.items[item], self.day, &mut self.chance);
        self.pass(response.response_ms as f64 / 1000.0);
        let event = self.push(item, EventKind::Attempt);
        event.correct = Some(response.correct);
        event.response_ms = Some(response.response_ms);
        event.attempt_number = Some(number);
        event.hints = (response.hints > 0).then_some(response.hints);
        self.out.probabilities.push(response.probability);
        let pause = self.chance.within(3.0, 25.0);
        self.pass(pause);
        response.correct
    }

    fn pass(&mut self, seconds: f64) {
        self.day += seconds / 86_400.0;
    }

    fn push(&mut self, item: usize, kind: EventKind) -> &mut NativeEvent {
        // Whole seconds, as most LMSs write them, and never two events at one moment.
        let second = (self.day * 86_400.0) as i64;
        let event = NativeEvent {
            id: format!("{}-{:03}", self.out.id, self.out.events.len() + 1),
            learner_id: self.out.id.clone(),
            item_id: self.world.items[item].id.clone(),
            kind,
            occurred_at: Micros(TERM.0 + second * Micros::SECOND).to_datetime().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            correct: None,
            score: None,
            max_score: None,
            response_ms: None,
            attempt_number: None,
            hints: None,
            skills: None,
            progress: None,
            rating: None,
        };
        self.pass(1.0);
        let at = self.out.events.len();
        self.out.events.push(event);
        &mut self.out.events[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_does_not_depend_on_the_others() {
        assert_eq!(Cohort::new(3, 9).biography(2), Cohort::new(300, 9).biography(2));
        assert_ne!(Cohort::new(3, 9).biography(1).events, Cohort::new(3, 9).biography(2).events);
    }

    #[test]
    fn the_cohort_is_worth_learning_from() {
        let cohort = Cohort::new(300, 2026);
        let lives: Vec<Biography> = (0..300).map(|number| cohort.biography(number)).collect();
        let answers: Vec<&NativeEvent> =
            lives.iter().flat_map(|life| &life.events).filter(|event| event.kind == EventKind::Attempt).collect();
        let right = answers.iter().filter(|event| event.correct == Some(true)).count() as f64 / answers.len() as f64;
        assert!((25.0..45.0).contains(&(answers.len() as f64 / 300.0)), "{} answers a learner", answers.len() as f64 / 300.0);
        assert!((0.5..0.8).contains(&right), "{right} right");
        let spread: Vec<f64> = lives.iter().flat_map(|life| life.probabilities.iter().copied()).collect();
        let extreme = spread.iter().filter(|p| **p < 0.35 || **p > 0.85).count() as f64 / spread.len() as f64;
        assert!(extreme > 0.3, "{extreme} of the answers are far from a coin's toss");
        for life in &lives {
            assert!(life.events.windows(2).all(|pair| pair[0].occurred_at < pair[1].occurred_at), "{}", life.id);
        }
    }
}
