//! The non-personalised twin: the same shape of answer from counts and catalogue alone.
//!
//! Nothing here takes a learner, so the answer cannot depend on one: what is popular within the scenario, in the course's order.

use super::candidates::Goal;
use super::ground::Ground;
use super::policy::{TERMS, Weights};
use super::score::{self, Facts, Scored};

/// Scores `items` for nobody in particular; the best `keep`, best first, ties by item number.
pub fn best(ground: &Ground, items: &[u32], goal: Option<&Goal>, weights: &Weights, keep: usize) -> Vec<Scored> {
    let index = ground.index();
    let weights = weights.in_order();
    let mut scored: Vec<(f32, Scored)> = items
        .iter()
        .map(|&item| {
            let at = item as usize;
            let p_correct = ground.popularity.success[at];
            let mut facts = Facts { popularity: ground.popularity.attempts[at], ..Facts::default() };
            let mut values = [0.0; TERMS];
            let place = index.places[at];
            if (place.course as usize) + 1 < index.course_lengths.len() {
                (facts.steps_ahead, facts.course_share) = (Some(place.rank as i32), 1.0);
                values[score::ORDER] = score::order_value(place.rank as i32);
            }
            if let Some(goal) = goal {
                let nearness = goal.nearness(index, item);
                (facts.nearness, values[score::GOAL]) = (Some(nearness), score::goal_value(nearness));
            }
            if !index.skills_of(item).is_empty() {
                values[score::DIFFICULTY] = ground.policy.difficulty(p_correct);
                values[score::INFORMATION] = score::openness(p_correct);
            }
            values[score::POPULARITY] = ground.popularity.share[at];
            (score::score(&values, &weights), Scored { item, p_correct, values, facts })
        })
        .collect();
    let best_first = |a: &(f32, Scored), b: &(f32, Scored)| b.0.total_cmp(&a.0).then(a.1.item.cmp(&b.1.item));
    if scored.len() > keep {
        scored.select_nth_unstable_by(keep, best_first);
        scored.truncate(keep);
    }
    scored.sort_unstable_by(best_first);
    scored.into_iter().map(|(_, scored)| scored).collect()
}
