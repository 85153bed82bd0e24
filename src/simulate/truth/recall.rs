//! What is left after a delay: on each skill a held-out learner has answered, one of its exercises is put to the simulated learner
//! 1, 7 and 30 days after their last event, with nothing in between. The truth answers, and who foresaw it best?
//!
//! `Predictor::predict` for that exercise at that moment, and `Predictor::recall` for its skill, beside a half-life regression on
//! the training learners' reviews, the exercise's rate among the training learners and, as a floor nobody can pass, the truth's own
//! chance.

use serde::Serialize;

use super::half_life::{HalfLife, Practice, Review, Shape};
use super::study::{End, Life, Study};
use crate::domain::{EventKind, Micros};
use crate::learning::Predictor;
use crate::learning::metrics::Metrics;
use crate::simulate::chance::Chance;

pub const DELAYS: [i64; 3] = [1, 7, 30];
/// A review comes at least this long after the last answer on its skill: on another day, as those that are judged. Answers within a
/// session would only teach the regression short half-lives.
const REVIEW_AFTER_DAYS: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recall {
    pub delay_days: i64,
    /// Exercises put, one a learner and practised skill.
    pub answers: usize,
    pub right: f64,
    /// `Predictor::predict` for the exercise.
    pub predict: Score,
    /// `Predictor::recall` for its skill, knowing nothing of the exercise.
    pub recall: Score,
    pub half_life: Score,
    /// The same with a guess and a slip, as the truth has them.
    pub half_life_guessing: Score,
    /// The exercise's shrunken rate: what knows nothing of the learner, the delay or forgetting.
    pub item_rate: Score,
    /// The truth's own chance.
    pub truth: Score,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    pub log_loss: f64,
    pub auc: Option<f64>,
}

/// One exercise put after a delay.
struct Put {
    skill: usize,
    item: usize,
    correct: bool,
    /// The truth's chance.
    chance: f64,
    review: Review,
}

/// One entry a delay at which anything was asked.
pub fn judge(study: &Study, predictor: &Predictor, ends: &[End<'_>]) -> Vec<Recall> {
    let reviews = reviews(study);
    let peers = [Shape::Paper, Shape::Guessing].map(|shape| HalfLife::fit(shape, &reviews, study.skills.len()));
    DELAYS.iter().filter_map(|&delay_days| after(study, predictor, ends, &peers, delay_days)).collect()
}

fn after(study: &Study, predictor: &Predictor, ends: &[End<'_>], peers: &[HalfLife; 2], delay_days: i64) -> Option<Recall> {
    let mut scored: [Vec<(f32, bool)>; 6] = Default::default();
    for end in ends {
        let put = put(study, end, delay_days);
        let items: Vec<_> = put.iter().map(|put| study.items[put.item].clone()).collect();
        let skills: Vec<_> = put.iter().map(|put| study.skills[put.skill].clone()).collect();
        let predicted = predictor.predict(&end.state, &items, end.now.plus_days(delay_days));
        let recalled = predictor.recall(&end.state, &skills, end.now, delay_days * Micros::DAY);
        for ((put, predicted), recalled) in put.iter().zip(predicted).zip(recalled) {
            let [half_life, guessing] = [0, 1].map(|peer: usize| peers[peer].recall(&put.review) as f32);
            let item_rate = predictor.item_mean(&study.items[put.item]);
            let told = [predicted.p_correct, recalled.p_correct, half_life, guessing, item_rate, put.chance as f32];
            scored.iter_mut().zip(told).for_each(|(scored, p)| scored.push((p, put.correct)));
        }
    }
    let [predict, recall, half_life, half_life_guessing, item_rate, truth] = scored;
    let answers = truth.len();
    let right = truth.iter().filter(|(_, correct)| *correct).count() as f64 / answers as f64;
    Some(Recall {
        delay_days,
        answers,
        right,
        predict: Score::of(&predict)?,
        recall: Score::of(&recall)?,
        half_life: Score::of(&half_life)?,
        half_life_guessing: Score::of(&half_life_guessing)?,
        item_rate: Score::of(&item_rate)?,
        truth: Score::of(&truth)?,
    })
}

/// One exercise of each practised skill, and what the truth makes of it. Every answer is the first after the delay.
fn put(study: &Study, end: &End<'_>, delay_days: i64) -> Vec<Put> {
    let mut chance = Chance::of(study.seed, &format!("recall after {delay_days} days"), end.life.number as u64);
    let mut practice = Practice::new(study.skills.len());
    end.life.events.iter().for_each(|event| practice.note(event, study.skills_of(event)));
    let review = |skill| practice.review(skill, end.now.plus_days(delay_days));
    let put = |review: Review| {
        let exercises = &study.world.skills[review.skill].exercises;
        let item = exercises[chance.below(exercises.len())];
        let day = end.day + delay_days as f64;
        let response = end.life.learner.clone().answer(&study.world, &study.world.items[item], day, &mut chance);
        Put { skill: review.skill, item, correct: response.correct, chance: response.probability, review }
    };
    (0..study.skills.len()).filter_map(review).map(put).collect()
}

/// The training learners' answers to exercises whose skill they had answered on an earlier day.
fn reviews(study: &Study) -> Vec<(Review, bool)> {
    study.trained_on().flat_map(|life| reviews_of(study, life)).collect()
}

fn reviews_of(study: &Study, life: &Life) -> Vec<(Review, bool)> {
    let mut practice = Practice::new(study.skills.len());
    let mut reviews = Vec::new();
    for event in life.events.iter().filter(|event| event.kind == EventKind::Attempt) {
        let skills = study.skills_of(event);
        if let (&[skill], Some(correct)) = (skills, event.correct) {
            let review = practice.review(skill, event.occurred_at).filter(|review| review.delay_days >= REVIEW_AFTER_DAYS);
            reviews.extend(review.map(|review| (review, correct)));
        }
        practice.note(event, skills);
    }
    reviews
}

impl Score {
    fn of(scored: &[(f32, bool)]) -> Option<Self> {
        Metrics::of(scored).map(|metrics| Self { log_loss: metrics.log_loss, auc: metrics.auc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::Counts;

    #[test]
    fn reviews_look_back_at_an_earlier_day_and_count_what_came_before() {
        let study = Study::new(40, 11).unwrap();
        let reviews = reviews(&study);
        assert!(reviews.len() > 40, "{}", reviews.len());
        assert!(reviews.iter().all(|(review, _)| review.delay_days >= REVIEW_AFTER_DAYS && review.right + review.wrong > 0));
        let answers = |life: &Life| life.events.iter().filter(|event| event.is_answer()).count();
        assert!(reviews.len() < study.trained_on().map(answers).sum::<usize>());
    }

    #[test]
    fn more_is_forgotten_the_longer_one_waits_and_nobody_passes_the_truth() {
        let study = Study::new(600, 11).unwrap();
        let fallback = Predictor::load(&[], study.catalog.clone(), Counts::default().into()).unwrap();
        let told = judge(&study, &fallback, &study.ends(&fallback));
        assert_eq!(told.iter().map(|recall| recall.delay_days).collect::<Vec<_>>(), DELAYS);
        assert!(told[0].right > told[2].right + 0.05, "{} {}", told[0].right, told[2].right);
        for recall in &told {
            assert_eq!(recall.answers, told[0].answers);
            for other in [recall.predict, recall.recall, recall.half_life, recall.half_life_guessing, recall.item_rate] {
                assert!(recall.truth.log_loss < other.log_loss, "{recall:?}");
            }
            assert!(recall.half_life_guessing.log_loss < recall.half_life.log_loss, "{recall:?}");
            assert!(recall.half_life.auc.unwrap() > 0.55, "no better than a coin: {recall:?}");
        }
    }
}
