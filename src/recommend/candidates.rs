//! Which items may be recommended at all: what the request asks for, and what makes sense for the learner now.
//!
//! [`Goal::resolve`] says which skills count; [`asked_for`] applies the request's own rules, which are never relaxed;
//! [`Eligibility`] applies the teacher's rules (mastered, just seen, prerequisites), some of which yield rather than leave
//! a learner without anything.

use super::policy::Policy;
use super::types::{FallbackReason, ItemFilter, Scenario};
use crate::domain::{CatalogIndex, Item, ItemId, Micros, SkillId};
use crate::learning::online::Profile;
use crate::learning::predictor::Prediction;

/// No path of prerequisites leads from the goal to this skill.
pub const UNRELATED: u8 = u8::MAX;

/// What is worked towards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The goal's own skills, sorted.
    pub skills: Vec<u32>,
    /// By skill: 0 a goal skill, 1 one it requires, and so on; [`UNRELATED`].
    pub depth: Vec<u8>,
    /// By item, for a course or module: whether it lies inside.
    pub inside: Option<Vec<bool>>,
}

/// Why there is no goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGoal {
    Unknown,
    WithoutItems,
}

impl From<NoGoal> for FallbackReason {
    fn from(problem: NoGoal) -> Self {
        match problem {
            NoGoal::Unknown => Self::UnknownGoal,
            NoGoal::WithoutItems => Self::GoalWithoutItems,
        }
    }
}

impl Goal {
    /// A skill, else a course, else a module of that id.
    pub fn resolve(index: &CatalogIndex, id: &str) -> Result<Self, NoGoal> {
        if let Some(skill) = SkillId::parse(id).ok().and_then(|id| index.skill(&id)) {
            return Self::of_skills(index, vec![skill], None);
        }
        let catalog = index.catalog();
        let in_course = |item: &Item| item.course.as_deref() == Some(id);
        let in_module = |item: &Item| item.module.as_deref() == Some(id);
        let is_module = if catalog.courses.contains_key(id) || catalog.items.values().any(in_course) {
            false
        } else if catalog.modules.contains_key(id) || catalog.items.values().any(in_module) {
            true
        } else {
            return Err(NoGoal::Unknown);
        };
        let active = |number: usize| index.places[number].active;
        let belongs = |(number, item)| active(number) && if is_module { in_module(item) } else { in_course(item) };
        let inside: Vec<bool> = catalog.items.values().enumerate().map(belongs).collect();
        if !inside.contains(&true) {
            return Err(NoGoal::WithoutItems);
        }
        let members = (0..index.items.len() as u32).filter(|item| inside[*item as usize]);
        let skills = members.flat_map(|item| index.skills_of(item)).copied().collect();
        Self::of_skills(index, skills, Some(inside))
    }

    /// A set of skills, in any order.
    pub fn of_skills(index: &CatalogIndex, mut skills: Vec<u32>, inside: Option<Vec<bool>>) -> Result<Self, NoGoal> {
        skills.sort_unstable();
        skills.dedup();
        if inside.is_none() && skills.iter().all(|skill| index.items_of_skill[*skill as usize].is_empty()) {
            return Err(NoGoal::WithoutItems);
        }
        let mut depth = vec![UNRELATED; index.skills.len()];
        let mut layer = skills.clone();
        for level in 0..UNRELATED {
            let mut next = Vec::new();
            for skill in layer {
                if depth[skill as usize] == UNRELATED {
                    depth[skill as usize] = level;
                    next.extend_from_slice(&index.requires[skill as usize]);
                }
            }
            if next.is_empty() {
                break;
            }
            layer = next;
        }
        Ok(Self { skills, depth, inside })
    }

    /// How near the item is to the goal: 0 part of it, 1 a direct prerequisite, …; [`UNRELATED`].
    pub fn nearness(&self, index: &CatalogIndex, item: u32) -> u8 {
        let by_skill = index.skills_of(item).iter().map(|skill| self.depth[*skill as usize]).min().unwrap_or(UNRELATED);
        match &self.inside {
            // Other courses may exercise a course's skills as well; the course's own items come first.
            Some(inside) if inside[item as usize] => 0,
            Some(_) => by_skill.max(1),
            None => by_skill,
        }
    }
}

fn passes(filter: &ItemFilter, item: &Item) -> bool {
    let any = |wanted: &[String], has: Option<&String>| wanted.is_empty() || has.is_some_and(|has| wanted.contains(has));
    any(&filter.courses, item.course.as_ref())
        && any(&filter.modules, item.module.as_ref())
        && (filter.kinds.is_empty() || filter.kinds.contains(&item.kind))
        && (filter.tags.is_empty() || filter.tags.iter().any(|tag| item.tags.contains(tag)))
        && (filter.skills.is_empty() || filter.skills.iter().any(|skill| item.skills.contains(skill)))
        && filter.max_minutes.is_none_or(|limit| item.duration_minutes.is_none_or(|minutes| minutes <= limit))
        && (filter.languages.is_empty()
            || item.language.as_ref().is_none_or(|has| filter.languages.iter().any(|wanted| speaks(has, wanted))))
}

/// Whether a learner who asked for `wanted` is served by `has`: equal, or a regional form of it.
fn speaks(has: &str, wanted: &str) -> bool {
    has.len() >= wanted.len()
        && has.is_char_boundary(wanted.len())
        && has[..wanted.len()].eq_ignore_ascii_case(wanted)
        && matches!(has.as_bytes().get(wanted.len()), None | Some(b'-'))
}

/// Active items the request allows, by number. Nothing later adds to them.
pub fn asked_for(
    index: &CatalogIndex,
    candidates: Option<&[ItemId]>,
    exclude: &[ItemId],
    filter: &ItemFilter,
    goal: Option<&Goal>,
) -> Vec<u32> {
    let mut allowed: Vec<bool> = match candidates {
        None => index.places.iter().map(|place| place.active).collect(),
        Some(named) => {
            let mut allowed = vec![false; index.items.len()];
            for item in named.iter().filter_map(|id| index.item(id)) {
                allowed[item as usize] = index.places[item as usize].active;
            }
            allowed
        }
    };
    for item in exclude.iter().filter_map(|id| index.item(id)) {
        allowed[item as usize] = false;
    }
    if *filter != ItemFilter::default() {
        for (allowed, item) in allowed.iter_mut().zip(index.catalog().items.values()) {
            *allowed = *allowed && passes(filter, item);
        }
    }
    let chosen = (0..index.items.len() as u32).filter(|item| allowed[*item as usize]);
    match goal {
        None => chosen.collect(),
        Some(goal) => chosen.filter(|item| goal.nearness(index, *item) != UNRELATED).collect(),
    }
}

/// What is known of the learner that decides on eligibility.
pub struct Eligibility<'a> {
    pub index: &'a CatalogIndex,
    pub policy: &'a Policy,
    pub profile: &'a Profile,
    /// By skill number.
    pub mastery: &'a [Prediction],
    pub scenario: Scenario,
    pub now: Micros,
}

/// Candidates that passed, and whether those that did not are all behind the learner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligible {
    pub items: Vec<u32>,
    /// There were candidates, and all of them are mastered or done.
    pub all_mastered: bool,
}

impl Eligibility<'_> {
    /// Mastered, and the learner has shown it.
    pub fn is_mastered(&self, skill: u32) -> bool {
        self.mastery[skill as usize].p_correct >= self.policy.mastery_threshold
            && self.profile.skills.get(&skill).is_some_and(|history| history.attempts >= self.policy.mastery_evidence)
    }

    /// Good enough to build on: practised and past the prerequisite threshold, or so well predicted that it may be skipped.
    /// A skill no active item exercises blocks nobody.
    fn is_met(&self, skill: u32) -> bool {
        let mastery = self.mastery[skill as usize].p_correct;
        mastery >= self.policy.mastery_threshold
            || (mastery >= self.policy.prerequisite_threshold && self.profile.skills.contains_key(&skill))
            || self.index.items_of_skill[skill as usize].is_empty()
    }

    /// Applies the teacher's rules. When nothing is left, first the scenario's own wish yields, then the rest after an answer,
    /// then the prerequisites; what is mastered stays behind (but for review and assess, which are about it).
    pub fn sift(&self, candidates: &[u32]) -> Eligible {
        let skills = self.index.skills.len() as u32;
        let mastered: Vec<bool> = (0..skills).map(|skill| self.is_mastered(skill)).collect();
        let met: Vec<bool> = (0..skills).map(|skill| self.is_met(skill)).collect();
        let ready: Vec<bool> =
            (0..skills as usize).map(|skill| self.index.requires[skill].iter().all(|needed| met[*needed as usize])).collect();
        let mut rows = vec![None; self.index.items.len()];
        for (item, history) in &self.profile.items {
            rows[*item as usize] = Some(*history);
        }
        let behind = |item: u32| match self.index.skills_of(item) {
            [] => rows[item as usize].is_some_and(|history| history.done),
            skills => skills.iter().all(|skill| mastered[*skill as usize]),
        };
        let open: Vec<u32> = match self.scenario {
            Scenario::Review | Scenario::Assess => candidates.to_vec(),
            _ => candidates.iter().copied().filter(|item| !behind(*item)).collect(),
        };
        let all_mastered = !candidates.is_empty() && (open.is_empty() || candidates.iter().all(|item| behind(*item)));
        let wished = |item: u32| match self.scenario {
            Scenario::Learn | Scenario::Next | Scenario::Assess => rows[item as usize].is_none(),
            Scenario::Review => self.index.skills_of(item).iter().any(|skill| self.profile.skills.contains_key(skill)),
            Scenario::Practise | Scenario::Mixed => true,
        };
        let rested =
            |item: u32| rows[item as usize].is_none_or(|history| self.has_rested(history.last_at, history.done, history.last_correct));
        let ready = |item: u32| self.index.skills_of(item).iter().all(|skill| ready[*skill as usize]);
        let strict: Vec<u32> = open.iter().copied().filter(|item| wished(*item) && rested(*item) && ready(*item)).collect();
        let relaxed: [&dyn Fn(u32) -> bool; 3] = [&|item| rested(item) && ready(item), &|item| ready(item), &|_| true];
        let items =
            relaxed.iter().fold(
                strict,
                |chosen, rule| {
                    if chosen.is_empty() { open.iter().copied().filter(|item| rule(*item)).collect() } else { chosen }
                },
            );
        Eligible { items, all_mastered }
    }

    fn has_rested(&self, last_at: Micros, done: bool, last_correct: Option<bool>) -> bool {
        let days = (self.now.0 - last_at.0) as f32 / Micros::DAY as f32;
        match last_correct {
            Some(false) => days * 24.0 * 60.0 >= self.policy.retry_minutes,
            Some(true) if self.scenario == Scenario::Review => days >= self.policy.review_rest_days,
            Some(true) => days >= self.policy.rest_days,
            None => !done || days >= self.policy.rest_days,
        }
    }
}
