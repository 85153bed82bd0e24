//! Learning paths: a greedy search over the simulated learner, towards mastery of the goal's skills.
//!
//! The learner is imagined several times over (`PathPolicy::runs`), each run answering right or wrong as its own p(correct) has
//! it, in a stratified order that needs no dice. At each step the first skill that is not yet good enough is worked on,
//! prerequisites before what needs them, by the item that is expected to bring most, and never the same item twice.

use std::collections::HashMap;

use uuid::Uuid;

use super::candidates::{Goal, UNRELATED, asked_for};
use super::explain::Explainer;
use super::ground::{Ground, Who};
use super::policy::TERMS;
use super::types::{FallbackReason, GoalProgress, LearningPath, PathRequest, PathStep};
use crate::domain::{Micros, Titles};
use crate::learning::LearnerState;
use crate::learning::online::Profile;
use crate::learning::predictor::Prediction;

/// Items of the target skill whose success is predicted before the shortlist is cut.
const POOL: usize = 64;
/// Fractional part of the golden ratio: moves the strata of the imagined answers from step to step without a pattern.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// One imagined learner.
struct Run {
    state: LearnerState,
    mastery: Vec<Prediction>,
}

struct Planner<'a> {
    ground: &'a Ground,
    profile: &'a Profile,
    goal: &'a Goal,
    /// The goal's skills and what they require, required ones first.
    order: Vec<u32>,
    /// By item: may still be used.
    open: Vec<bool>,
    runs: Vec<Run>,
    /// Steps taken on each skill, and answers (given and imagined) on it.
    steps_on: HashMap<u32, u32>,
    answers_on: HashMap<u32, u32>,
    now: Micros,
}

/// A path for a learner; for nobody in particular, the path of one of whom nothing is known.
pub fn path(ground: &Ground, who: Who<'_>, request: &PathRequest, now: Micros, id: Uuid) -> LearningPath {
    let newcomer;
    let profile = match who {
        Who::Learner(profile) => profile,
        Who::Anyone(_) => {
            newcomer = Profile::new(&ground.predictor);
            &newcomer
        }
    };
    let answer = |problem, complete, steps: Vec<PathStep>, goal| LearningPath {
        path_id: id,
        model_version: ground.version.clone(),
        personalised: who.is_personal(),
        fallback_reason: ground.reason(who, problem),
        complete,
        minutes: steps.iter().map(|step| step.minutes).sum(),
        steps,
        goal,
        ignored_prerequisites: ground.index().broken.clone(),
    };
    let goal = match resolve(ground, request) {
        Ok(goal) => goal,
        Err(problem) => return answer(Some(problem), false, Vec::new(), Vec::new()),
    };
    let mut planner = Planner::new(ground, profile, &goal, request, now);
    let before: Vec<f32> = goal.skills.iter().map(|skill| planner.mean(*skill)).collect();
    let steps = planner.plan(request);
    let progress: Vec<GoalProgress> = goal
        .skills
        .iter()
        .zip(before)
        .map(|(&skill, mastery)| GoalProgress {
            skill_id: ground.index().skills[skill as usize].clone(),
            mastery,
            expected_mastery: planner.mean(skill),
            mastered: planner.is_mastered(skill),
        })
        .collect();
    let complete = progress.iter().all(|skill| skill.mastered);
    let problem = (steps.is_empty() && !complete).then_some(FallbackReason::NoEligibleItems);
    answer(problem, complete, steps, progress)
}

/// The goal named by id and the skills named one by one, together; what is unknown is left out while something remains.
fn resolve(ground: &Ground, request: &PathRequest) -> Result<Goal, FallbackReason> {
    let index = ground.index();
    if index.items.is_empty() {
        return Err(FallbackReason::EmptyCatalogue);
    }
    let named = request.goal_id.as_deref().map(|id| Goal::resolve(index, id));
    let mut skills: Vec<u32> = request.goal_skills.iter().filter_map(|skill| index.skill(skill)).collect();
    match named {
        Some(Err(problem)) if skills.is_empty() => return Err(problem.into()),
        Some(Ok(goal)) if skills.is_empty() => {
            return if goal.skills.is_empty() { Err(FallbackReason::GoalWithoutItems) } else { Ok(goal) };
        }
        Some(Ok(goal)) => skills.extend(goal.skills),
        _ => {}
    }
    if skills.is_empty() {
        return Err(FallbackReason::UnknownGoal);
    }
    Goal::of_skills(index, skills, None).map_err(Into::into)
}

impl<'a> Planner<'a> {
    fn new(ground: &'a Ground, profile: &'a Profile, goal: &'a Goal, request: &PathRequest, now: Micros) -> Self {
        let index = ground.index();
        let mut open = vec![false; index.items.len()];
        for item in asked_for(index, None, &request.exclude, &request.filter, None) {
            open[item as usize] = true;
        }
        let mastery = ground.predictor.mastery_all(&profile.state, now);
        let run = || Run { state: profile.state.clone(), mastery: mastery.clone() };
        Self {
            ground,
            profile,
            goal,
            order: index.skill_order.iter().copied().filter(|skill| goal.depth[*skill as usize] != UNRELATED).collect(),
            open,
            runs: std::iter::repeat_with(run).take(ground.policy.path.runs.max(1)).collect(),
            steps_on: HashMap::new(),
            answers_on: profile.skills.iter().map(|(skill, history)| (*skill, history.attempts)).collect(),
            now,
        }
    }

    /// Expected mastery of a skill, over the runs.
    fn mean(&self, skill: u32) -> f32 {
        self.runs.iter().map(|run| run.mastery[skill as usize].p_correct).sum::<f32>() / self.runs.len() as f32
    }

    fn answers(&self, skill: u32) -> u32 {
        self.answers_on.get(&skill).copied().unwrap_or_default()
    }

    fn is_mastered(&self, skill: u32) -> bool {
        self.mean(skill) >= self.ground.policy.mastery_threshold && self.answers(skill) >= self.ground.policy.mastery_evidence
    }

    /// Good enough to go on: a goal skill when mastered; a prerequisite when it can be built on, or is so sure that it may be skipped.
    fn is_passed(&self, skill: u32) -> bool {
        let policy = &self.ground.policy;
        if self.goal.depth[skill as usize] == 0 {
            return self.is_mastered(skill);
        }
        let mastery = self.mean(skill);
        mastery >= policy.mastery_threshold || (mastery >= policy.prerequisite_threshold && self.answers(skill) > 0)
    }

    fn minutes(&self, item: u32) -> f32 {
        self.ground.index().entry(item).duration_minutes.unwrap_or(self.ground.policy.default_minutes)
    }

    fn plan(&mut self, request: &PathRequest) -> Vec<PathStep> {
        let mut steps = Vec::new();
        let mut left = request.minutes.unwrap_or(f32::INFINITY);
        while steps.len() < request.count as usize {
            let Some((skill, item)) = self.choose(left) else { break };
            let minutes = self.minutes(item);
            let p_correct = self.take(item, steps.len());
            *self.steps_on.entry(skill).or_default() += 1;
            left -= minutes + self.ground.policy.path.pause_minutes;
            steps.push(self.step(steps.len() as u32 + 1, skill, item, p_correct, minutes));
        }
        steps
    }

    /// The next skill to work on, and by which item; `None` when all is passed or nothing fits.
    fn choose(&self, minutes_left: f32) -> Option<(u32, u32)> {
        let patience = self.ground.policy.path.patience.max(1);
        // Skills that had their share of steps wait until the others had theirs.
        let mut waiting: Vec<u32> = self.order.iter().copied().filter(|skill| !self.is_passed(*skill)).collect();
        waiting.sort_by_key(|skill| self.steps_on.get(skill).copied().unwrap_or_default() / patience);
        // Once the goal is reached, what it builds on need not be polished.
        if self.goal.skills.iter().all(|skill| self.is_passed(*skill)) {
            return None;
        }
        waiting.into_iter().find_map(|skill| self.best_item(skill, minutes_left).map(|item| (skill, item)))
    }

    fn best_item(&self, skill: u32, minutes_left: f32) -> Option<u32> {
        let (index, policy) = (self.ground.index(), &self.ground.policy);
        let fitting: Vec<u32> = index.items_of_skill[skill as usize]
            .iter()
            .copied()
            .filter(|item| self.open[*item as usize] && self.minutes(*item) <= minutes_left)
            .collect();
        // Rather not what was answered right lately, nor what also needs skills that are not ready; but better that than nothing.
        let rested = |item: &u32| {
            let recent = |at: Micros| self.now.0 - at.0 < (policy.rest_days * Micros::DAY as f32) as i64;
            !self.profile.items.get(item).is_some_and(|history| history.done && recent(history.last_at))
        };
        let ready = |item: &u32| {
            let needed = index.skills_of(*item).iter().filter(|other| **other != skill).flat_map(|other| &index.requires[*other as usize]);
            needed.into_iter().all(|needed| *needed == skill || self.mean(*needed) >= policy.prerequisite_threshold)
        };
        let rules: [&dyn Fn(&u32) -> bool; 3] = [&|item| rested(item) && ready(item), &|item| rested(item), &|_| true];
        let pool = rules.iter().find_map(|rule| {
            let kept: Vec<u32> = fitting.iter().copied().filter(|item| rule(item)).take(POOL).collect();
            (!kept.is_empty()).then_some(kept)
        })?;
        self.most_promising(&pool)
    }

    /// The item of `pool` with the best expected gain and difficulty over the runs; ties in the order of the course.
    fn most_promising(&self, pool: &[u32]) -> Option<u32> {
        let (predictor, policy) = (&self.ground.predictor, &self.ground.policy);
        let mut p_correct = vec![0.0; pool.len()];
        for run in &self.runs {
            for (sum, prediction) in p_correct.iter_mut().zip(predictor.predict_at(&run.state, pool, self.now)) {
                *sum += prediction.p_correct / self.runs.len() as f32;
            }
        }
        let mut ranked: Vec<(usize, f32)> = p_correct.iter().map(|p| policy.difficulty(*p)).enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(policy.path.shortlist.max(1));
        let shortlist: Vec<u32> = ranked.iter().map(|(at, _)| pool[*at]).collect();
        let weights = &policy.weights.practise;
        let mut value: Vec<f32> = ranked.iter().map(|(_, difficulty)| difficulty * weights.desirable_difficulty).collect();
        for run in &self.runs {
            for (sum, seen) in value.iter_mut().zip(predictor.foresee_at(&run.state, &shortlist, self.now)) {
                let gain = seen.p_correct * seen.after_right + (1.0 - seen.p_correct) * seen.after_wrong - seen.mastery;
                *sum += weights.expected_gain * gain / self.runs.len() as f32;
            }
        }
        let best = (0..shortlist.len()).max_by(|a, b| value[*a].total_cmp(&value[*b]).then(ranked[*b].0.cmp(&ranked[*a].0)))?;
        Some(shortlist[best])
    }

    /// Every run answers `item`; returns the mean p(correct).
    fn take(&mut self, item: u32, step: usize) -> f32 {
        let (predictor, count) = (&self.ground.predictor, self.runs.len());
        let mut sum = 0.0;
        for (number, run) in self.runs.iter_mut().enumerate() {
            let p_correct = predictor.predict_at(&run.state, &[item], self.now).first().map_or(0.5, |prediction| prediction.p_correct);
            let stratum = ((number as f64 + 0.5) / count as f64 + step as f64 * GOLDEN).fract();
            run.state = predictor.simulate_at(&run.state, item, stratum < f64::from(p_correct), self.now);
            sum += p_correct;
        }
        let minutes = self.minutes(item) + self.ground.policy.path.pause_minutes;
        self.now = Micros(self.now.0 + (f64::from(minutes) * 60e6) as i64);
        for run in &mut self.runs {
            run.mastery = predictor.mastery_all(&run.state, self.now);
        }
        self.open[item as usize] = false;
        for skill in self.ground.index().skills_of(item) {
            *self.answers_on.entry(*skill).or_default() += 1;
        }
        sum / count as f32
    }

    fn step(&self, position: u32, skill: u32, item: u32, p_correct: f32, minutes: f32) -> PathStep {
        let index = self.ground.index();
        let goals = &self.goal.skills;
        let count = self.runs.len() as f32;
        let of_run = |run: &Run| goals.iter().map(|skill| run.mastery[*skill as usize].p_correct).sum::<f32>() / goals.len().max(1) as f32;
        let members = |run: &Run| goals.iter().map(|skill| run.mastery[*skill as usize].spread).sum::<f32>() / goals.len().max(1) as f32;
        let goal_mastery = self.runs.iter().map(of_run).sum::<f32>() / count;
        let variance = self.runs.iter().map(|run| (of_run(run) - goal_mastery).powi(2) + members(run).powi(2)).sum::<f32>() / count;
        let expected_mastery = self.mean(skill);
        PathStep {
            position,
            item_id: index.items[item as usize].clone(),
            skills: index.skills_of(item).iter().map(|skill| index.skills[*skill as usize].clone()).collect(),
            target_skill: index.skills[skill as usize].clone(),
            p_correct,
            expected_mastery,
            goal_mastery,
            goal_spread: variance.sqrt(),
            minutes,
            text: self.text(skill, expected_mastery),
        }
    }

    fn text(&self, skill: u32, mastery: f32) -> Titles {
        let explainer = Explainer { index: self.ground.index(), profile: None, weights: [0.0; TERMS], band: (0.0, 1.0), most: 0 };
        let (fr, en) = explainer.name(skill);
        let percent = (mastery * 100.0).round();
        let (fr, en) = if self.goal.depth[skill as usize] == 0 {
            (
                format!("Travaille « {fr} », votre objectif : maîtrise attendue {percent} %."),
                format!("Works on “{en}”, your goal: expected mastery {percent}%."),
            )
        } else {
            (
                format!("Travaille « {fr} », nécessaire à votre objectif : maîtrise attendue {percent} %."),
                format!("Works on “{en}”, which your goal requires: expected mastery {percent}%."),
            )
        };
        Titles { fr: Some(fr), en: Some(en) }
    }
}
