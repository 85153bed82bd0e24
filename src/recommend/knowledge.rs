//! What a learner knows, per skill, and what they would get right.

use super::candidates::Goal;
use super::ground::{Ground, Who};
use super::types::{FallbackReason, ItemPrediction, Knowledge, KnowledgeRequest, PredictionRequest, Predictions, SkillKnowledge};
use crate::domain::Micros;
use crate::learning::predictor::Prediction;

/// Mastery per skill with the evidence behind it; for nobody in particular, the average learner's success and no evidence.
pub fn knowledge(ground: &Ground, who: Who<'_>, request: &KnowledgeRequest, now: Micros) -> Knowledge {
    let index = ground.index();
    let (wanted, goal_problem) = wanted(ground, request);
    let mastery = match who {
        Who::Learner(profile) => ground.predictor.mastery_all(&profile.state, now),
        Who::Anyone(_) => average_mastery(ground),
    };
    let profile = match who {
        Who::Learner(profile) => Some(profile),
        Who::Anyone(_) => None,
    };
    let skills = wanted
        .into_iter()
        .map(|skill| {
            let mastery = mastery[skill as usize];
            let history = profile.and_then(|profile| profile.skills.get(&skill)).copied().unwrap_or_default();
            SkillKnowledge {
                skill_id: index.skills[skill as usize].clone(),
                mastery: mastery.p_correct,
                spread: mastery.spread,
                attempts: history.attempts,
                correct: history.correct,
                mastered: mastery.p_correct >= ground.policy.mastery_threshold && history.attempts >= ground.policy.mastery_evidence,
            }
        })
        .collect();
    Knowledge {
        model_version: ground.version_for(who),
        personalised: who.is_personal(),
        fallback_reason: ground.reason(who, goal_problem),
        attempts: profile.map_or(0, |profile| profile.attempts),
        correct: profile.map_or(0, |profile| profile.correct),
        skills,
    }
}

/// Skill numbers asked about, sorted; and what was wrong with the goal.
fn wanted(ground: &Ground, request: &KnowledgeRequest) -> (Vec<u32>, Option<FallbackReason>) {
    let index = ground.index();
    let mut wanted: Vec<u32> = request.skills.iter().flatten().filter_map(|skill| index.skill(skill)).collect();
    let mut problem = None;
    if let Some(id) = &request.goal_id {
        match Goal::resolve(index, id) {
            Ok(goal) => wanted.extend(goal.skills),
            Err(no_goal) => problem = Some(no_goal.into()),
        }
    }
    if request.skills.is_none() && (request.goal_id.is_none() || problem.is_some()) {
        wanted = (0..index.skills.len() as u32).collect();
    }
    wanted.sort_unstable();
    wanted.dedup();
    (wanted, problem)
}

/// The average learner's success on each skill's items, weighed by how often they are answered.
fn average_mastery(ground: &Ground) -> Vec<Prediction> {
    let popularity = &ground.popularity;
    let mean = |items: &Vec<u32>| {
        let (sum, weight) = items.iter().fold((0.0, 0.0), |(sum, weight), item| {
            let attempts = popularity.attempts[*item as usize] as f32 + 1.0;
            (sum + attempts * popularity.success[*item as usize], weight + attempts)
        });
        if weight > 0.0 { sum / weight } else { popularity.average }
    };
    ground.index().items_of_skill.iter().map(|items| Prediction { p_correct: mean(items), spread: 0.0 }).collect()
}

/// p(correct) on each item, in the order asked. Items the catalogue does not know are predicted, too.
pub fn predictions(ground: &Ground, who: Who<'_>, request: &PredictionRequest, now: Micros) -> Predictions {
    let predicted = match who {
        Who::Learner(profile) => ground.predictor.predict(&profile.state, &request.items, now),
        Who::Anyone(_) => {
            let success =
                |item| ground.index().item(item).map_or(ground.popularity.average, |item| ground.popularity.success[item as usize]);
            request.items.iter().map(|item| Prediction { p_correct: success(item), spread: 0.0 }).collect()
        }
    };
    Predictions {
        model_version: ground.version_for(who),
        personalised: who.is_personal(),
        fallback_reason: ground.reason(who, None),
        predictions: request
            .items
            .iter()
            .zip(predicted)
            .map(|(item, predicted)| ItemPrediction {
                item_id: item.clone(),
                p_correct: predicted.p_correct,
                spread: predicted.spread,
                in_catalog: ground.index().item(item).is_some(),
            })
            .collect(),
    }
}
