//! One recommendation, from the request to the answer: candidates, eligibility, scores, diversity, reasons.

use uuid::Uuid;

use super::candidates::{Eligibility, Goal, asked_for};
use super::explain::Explainer;
use super::fallback;
use super::ground::{Ground, Who};
use super::policy::Weights;
use super::score::{self, Scored, Scorer};
use super::types::{FallbackReason, RecommendationRequest, Recommendations, RecommendedItem};
use crate::domain::Micros;
use crate::learning::online::Profile;

/// Never fails: what cannot be personal falls back, with the reason.
pub fn recommend(ground: &Ground, who: Who<'_>, request: &RecommendationRequest, now: Micros, id: Uuid) -> Recommendations {
    let index = ground.index();
    let (goal, mut problem) = match request.goal_id.as_deref().map(|id| Goal::resolve(index, id)) {
        None => (None, None),
        Some(Ok(goal)) => (Some(goal), None),
        Some(Err(no_goal)) => (None, Some(no_goal.into())),
    };
    let candidates = asked_for(index, request.candidates.as_deref(), &request.exclude, &request.filter, goal.as_ref());
    let (chosen, complete) = match who {
        Who::Learner(profile) => personal(ground, profile, request, goal.as_ref(), &candidates, now),
        Who::Anyone(_) => {
            let weights = ground.policy.anonymous_weights.of(request.scenario);
            let pool = fallback::best(ground, &candidates, goal.as_ref(), weights, keep(ground, request));
            (score::diversify(index, pool, weights, request.count as usize), false)
        }
    };
    if index.items.is_empty() {
        problem = Some(FallbackReason::EmptyCatalogue);
    } else if chosen.is_empty() && problem.is_none() {
        problem = Some(FallbackReason::NoEligibleItems);
    }
    let (weights, profile) = match who {
        Who::Learner(profile) => (ground.policy.weights.of(request.scenario), Some(profile)),
        Who::Anyone(_) => (ground.policy.anonymous_weights.of(request.scenario), None),
    };
    Recommendations {
        recommendation_id: id,
        model_version: ground.version_for(who),
        personalised: who.is_personal(),
        fallback_reason: ground.reason(who, problem),
        complete,
        items: present(ground, profile, weights, &chosen),
    }
}

/// How many items go through the costly part.
fn keep(ground: &Ground, request: &RecommendationRequest) -> usize {
    ground.policy.shortlist.max(request.count as usize)
}

fn personal(
    ground: &Ground,
    profile: &Profile,
    request: &RecommendationRequest,
    goal: Option<&Goal>,
    candidates: &[u32],
    now: Micros,
) -> (Vec<Scored>, bool) {
    let (predictor, policy, index) = (&ground.predictor, &*ground.policy, ground.index());
    let mastery = predictor.mastery_all(&profile.state, now);
    let rules = Eligibility { index, policy, profile, mastery: &mastery, scenario: request.scenario, now };
    let eligible = rules.sift(candidates);
    let complete = match goal {
        Some(goal) if !goal.skills.is_empty() => goal.skills.iter().all(|skill| rules.is_mastered(*skill)),
        _ => eligible.all_mastered,
    };
    if eligible.items.is_empty() {
        return (Vec::new(), complete);
    }
    let scorer = Scorer { predictor, index, policy, profile, goal, mastery: &mastery, popularity: &ground.popularity, now };
    let weights = policy.weights.of(request.scenario);
    let pool = scorer.best(&eligible.items, weights, keep(ground, request));
    (score::diversify(index, pool, weights, request.count as usize), complete)
}

fn present(ground: &Ground, profile: Option<&Profile>, weights: &Weights, chosen: &[Scored]) -> Vec<RecommendedItem> {
    let index = ground.index();
    let weights = weights.in_order();
    let explainer =
        Explainer { index, profile, weights, band: (ground.policy.band_low, ground.policy.band_high), most: ground.popularity.most };
    chosen
        .iter()
        .map(|scored| RecommendedItem {
            item_id: index.items[scored.item as usize].clone(),
            score: score::score(&scored.values, &weights),
            p_correct: scored.p_correct,
            skills: index.skills_of(scored.item).iter().map(|skill| index.skills[*skill as usize].clone()).collect(),
            reasons: explainer.reasons(scored),
        })
        .collect()
}
