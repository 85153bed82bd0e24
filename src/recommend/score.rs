//! What an item is worth to a learner now: a weighted sum of terms, each with the facts it was made from.
//!
//! Three rounds, each costlier and over fewer items: all eligible ones with an estimate of p(correct); the best of them
//! (`Policy::longlist`) with the model's; the best of those (`Policy::shortlist`) with a right and a wrong answer simulated for
//! the expected gain. The facts stay with the terms, so a reason can only say what made the score.

use super::candidates::{Goal, UNRELATED};
use super::ground::{Popularity, logit, sigmoid};
use super::policy::{Policy, TERMS, Weights};
use crate::domain::{CatalogIndex, Micros};
use crate::learning::Predictor;
use crate::learning::online::{ItemHistory, Profile};
use crate::learning::predictor::{Foresight, Prediction};

/// Places of the terms in a score, as in `policy::CODES`.
pub const GAIN: usize = 0;
pub const DIFFICULTY: usize = 1;
pub const REVIEW: usize = 2;
pub const NOVELTY: usize = 3;
pub const INFORMATION: usize = 4;
pub const ORDER: usize = 5;
pub const GOAL: usize = 6;
pub const POPULARITY: usize = 7;
pub const DIVERSITY: usize = 8;

/// What a skill is remembered by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    pub skill: u32,
    pub days: f32,
    /// Share not yet forgotten.
    pub retained: f32,
    pub mastery: f32,
}

/// What the terms of one item were made from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Facts {
    /// The item's least mastered skill.
    pub weakest: Option<u32>,
    pub foresight: Option<Foresight>,
    pub memory: Option<Memory>,
    /// Days since the item was last seen; `None`: never.
    pub seen_days: Option<f32>,
    /// The learner's answers on the item's skills.
    pub skill_attempts: u32,
    /// Active items between what was last done in the course and this one; negative: passed over.
    pub steps_ahead: Option<i32>,
    /// What places in this course count for: 1 where it was begun, less where another was.
    pub course_share: f32,
    /// 0: part of the goal; 1: a direct prerequisite; …
    pub nearness: Option<u8>,
    /// Answers of all learners on the item.
    pub popularity: u32,
    /// Items placed before it in the list, and how many of them (by shared skills) are alike.
    pub placed: u32,
    pub alike: f32,
}

/// An item with its terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub item: u32,
    pub p_correct: f32,
    pub values: [f32; TERMS],
    pub facts: Facts,
}

/// The weighted sum, always in the same order.
pub fn score(values: &[f32; TERMS], weights: &[f32; TERMS]) -> f32 {
    values.iter().zip(weights).map(|(value, weight)| value * weight).sum()
}

/// How the goal's nearness is valued: 1 for its own items, less with each step away.
pub fn goal_value(nearness: u8) -> f32 {
    if nearness == UNRELATED { 0.0 } else { 0.7f32.powi(i32::from(nearness)) }
}

/// How a place in the course is valued: 1 for the very next item, falling gently; what was passed over stays at a half.
pub fn order_value(steps_ahead: i32) -> f32 {
    if steps_ahead < 0 { 0.5 } else { 1.0 / (1.0 + 0.25 * steps_ahead as f32) }
}

/// 1 where the outcome is open, 0 where it is certain: the variance of the answer, times four.
pub fn openness(p_correct: f32) -> f32 {
    4.0 * p_correct * (1.0 - p_correct)
}

/// Everything scoring looks at, laid out by number.
pub struct Scorer<'a> {
    pub predictor: &'a Predictor,
    pub index: &'a CatalogIndex,
    pub policy: &'a Policy,
    pub profile: &'a Profile,
    pub goal: Option<&'a Goal>,
    pub mastery: &'a [Prediction],
    pub popularity: &'a Popularity,
    pub now: Micros,
}

/// Per-skill and per-item figures that do not depend on the item in hand.
struct Tables {
    memory: Vec<Option<Memory>>,
    attempts: Vec<u32>,
    history: Vec<Option<ItemHistory>>,
    /// Rank after which the course goes on, by course number; `None`: not begun.
    next_rank: Vec<Option<i32>>,
    /// Whether any course was begun.
    begun: bool,
    mastery_logit: Vec<f32>,
}

impl Scorer<'_> {
    fn days_since(&self, then: Micros) -> f32 {
        ((self.now.0 - then.0).max(0) as f64 / Micros::DAY as f64) as f32
    }

    fn tables(&self) -> Tables {
        let mut memory = vec![None; self.index.skills.len()];
        let mut attempts = vec![0; self.index.skills.len()];
        for (&skill, history) in &self.profile.skills {
            let days = self.days_since(history.last_at);
            let retained = self.policy.retained(days, history.right_in_a_row);
            memory[skill as usize] = Some(Memory { skill, days, retained, mastery: self.mastery[skill as usize].p_correct });
            attempts[skill as usize] = history.attempts;
        }
        let mut history = vec![None; self.index.items.len()];
        for (&item, known) in &self.profile.items {
            history[item as usize] = Some(*known);
        }
        let mut next_rank = vec![None; self.index.course_lengths.len()];
        for (&course, &item) in &self.profile.frontier {
            let place = self.index.places[item as usize];
            next_rank[course as usize] = Some(place.rank as i32 + i32::from(place.active));
        }
        let begun = next_rank.iter().any(Option::is_some);
        let mastery_logit = self.mastery.iter().map(|mastery| logit(mastery.p_correct)).collect();
        Tables { memory, attempts, history, next_rank, begun, mastery_logit }
    }

    /// p(correct) from what the skills' mastery and the counts say, without the model.
    fn estimate(&self, item: u32, tables: &Tables) -> f32 {
        let skills = self.index.skills_of(item);
        let ability: f32 = skills.iter().map(|skill| tables.mastery_logit[*skill as usize]).sum();
        sigmoid(ability / skills.len().max(1) as f32 + self.popularity.ease[item as usize])
    }

    /// Scores `items`, and returns the best `keep` of them with all terms but diversity, best first; ties by item number.
    pub fn best(&self, items: &[u32], weights: &Weights, keep: usize) -> Vec<Scored> {
        let tables = self.tables();
        let weights = weights.in_order();
        let mut longlist = items.to_vec();
        let length = self.policy.longlist.max(keep);
        if longlist.len() > length {
            let estimated = |&item: &u32| (self.provisional(&self.terms(item, self.estimate(item, &tables), &tables), &weights), item);
            let mut ranked: Vec<(f32, u32)> = items.iter().map(estimated).collect();
            ranked.select_nth_unstable_by(length, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            ranked.truncate(length);
            longlist = ranked.into_iter().map(|(_, item)| item).collect();
            longlist.sort_unstable();
        }
        let predictions = self.predictor.predict_at(&self.profile.state, &longlist, self.now);
        let mut scored: Vec<(f32, Scored)> = longlist
            .iter()
            .zip(predictions)
            .map(|(&item, prediction)| {
                let scored = self.terms(item, prediction.p_correct, &tables);
                (self.provisional(&scored, &weights), scored)
            })
            .collect();
        let best_first = |a: &(f32, Scored), b: &(f32, Scored)| b.0.total_cmp(&a.0).then(a.1.item.cmp(&b.1.item));
        if scored.len() > keep {
            scored.select_nth_unstable_by(keep, best_first);
            scored.truncate(keep);
        }
        if weights[GAIN] != 0.0 {
            let shortlist: Vec<u32> = scored.iter().map(|(_, scored)| scored.item).collect();
            for ((_, scored), foresight) in scored.iter_mut().zip(self.predictor.foresee_at(&self.profile.state, &shortlist, self.now)) {
                let p = scored.p_correct;
                scored.values[GAIN] = p * foresight.after_right + (1.0 - p) * foresight.after_wrong - foresight.mastery;
                scored.facts.foresight = Some(foresight);
            }
        }
        scored.iter_mut().for_each(|(total, scored)| *total = score(&scored.values, &weights));
        scored.sort_unstable_by(best_first);
        scored.into_iter().map(|(_, scored)| scored).collect()
    }

    /// The score while the gain is not simulated yet; in its place, room to learn times the chance to succeed.
    fn provisional(&self, scored: &Scored, weights: &[f32; TERMS]) -> f32 {
        let room = scored.facts.weakest.map_or(0.0, |skill| 1.0 - self.mastery[skill as usize].p_correct);
        score(&scored.values, weights) + weights[GAIN] * 0.1 * room * scored.p_correct
    }

    fn terms(&self, item: u32, p_correct: f32, tables: &Tables) -> Scored {
        let at = item as usize;
        let mut facts = Facts { popularity: self.popularity.attempts[at], ..Facts::default() };
        let mut values = [0.0; TERMS];
        let (mut lowest, mut lost) = (f32::INFINITY, 0.0);
        for &skill in self.index.skills_of(item) {
            let mastery = self.mastery[skill as usize].p_correct;
            if mastery < lowest {
                (lowest, facts.weakest) = (mastery, Some(skill));
            }
            facts.skill_attempts += tables.attempts[skill as usize];
            // What is likely lost of what was once mastered.
            if let Some(memory) = tables.memory[skill as usize]
                && mastery * (1.0 - memory.retained) > lost
            {
                (lost, facts.memory) = (mastery * (1.0 - memory.retained), Some(memory));
            }
        }
        let history = tables.history[at];
        facts.seen_days = history.map(|history| self.days_since(history.last_at));
        let place = self.index.places[at];
        // Items outside every course have the last number, and no order to follow.
        if (place.course as usize) + 1 < self.index.course_lengths.len() {
            facts.steps_ahead = Some(place.rank as i32 - tables.next_rank[place.course as usize].unwrap_or(0));
            facts.course_share = if tables.next_rank[place.course as usize].is_some() {
                1.0
            } else if tables.begun {
                0.5
            } else {
                1.0 / (1.0 + place.course as f32)
            };
            values[ORDER] = facts.course_share * facts.steps_ahead.map_or(0.0, order_value);
        }
        if let Some(goal) = self.goal {
            let nearness = goal.nearness(self.index, item);
            (facts.nearness, values[GOAL]) = (Some(nearness), goal_value(nearness));
        }
        // Whether an answer will be right matters only where something is asked.
        if facts.weakest.is_some() {
            values[DIFFICULTY] = self.policy.difficulty(p_correct);
            values[INFORMATION] = openness(p_correct) / (1.0 + facts.skill_attempts as f32).sqrt();
        }
        values[REVIEW] = lost;
        values[NOVELTY] = facts.seen_days.map_or(1.0, |days| 1.0 - 0.5f32.powf(days / self.policy.novelty_days));
        values[POPULARITY] = self.popularity.share[at];
        Scored { item, p_correct, values, facts }
    }
}

/// Picks `count` of `pool` one after the other; each pick makes what shares its skills a little less welcome.
/// Ties go to the lower item number.
pub fn diversify(index: &CatalogIndex, pool: Vec<Scored>, weights: &Weights, count: usize) -> Vec<Scored> {
    let weights = weights.in_order();
    let mut open: Vec<(f32, Scored)> = pool.into_iter().map(|scored| (score(&scored.values, &weights), scored)).collect();
    let mut chosen: Vec<Scored> = Vec::with_capacity(count.min(open.len()));
    while chosen.len() < count {
        let best = open.iter().enumerate().max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0).then(b.1.item.cmp(&a.1.item))).map(|(at, _)| at);
        let Some(best) = best else { break };
        let (_, picked) = open.swap_remove(best);
        chosen.push(picked);
        let placed = chosen.len() as u32;
        for (total, scored) in &mut open {
            scored.facts.alike += shared(index.skills_of(picked.item), index.skills_of(scored.item));
            scored.facts.placed = placed;
            scored.values[DIVERSITY] = -scored.facts.alike / placed as f32;
            *total = score(&scored.values, &weights);
        }
    }
    chosen
}

/// Skills in common over skills in all; both sorted. 0 without skills.
fn shared(a: &[u32], b: &[u32]) -> f32 {
    let common = a.iter().filter(|skill| b.binary_search(skill).is_ok()).count();
    let all = a.len() + b.len() - common;
    if all == 0 { 0.0 } else { common as f32 / all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_skills_are_counted_over_all_skills() {
        assert_eq!(shared(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!((shared(&[], &[]), shared(&[1], &[]), shared(&[1], &[1])), (0.0, 0.0, 1.0));
    }

    #[test]
    fn the_next_item_of_a_course_is_worth_most() {
        assert!(order_value(0) > order_value(1) && order_value(1) > order_value(9));
        assert!(order_value(0) > order_value(-3) && order_value(-3) > order_value(9));
    }

    #[test]
    fn an_open_outcome_tells_most() {
        assert_eq!((openness(0.5), openness(0.0), openness(1.0)), (1.0, 0.0, 0.0));
    }
}
