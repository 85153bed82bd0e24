//! Does `Predictor::mastery` know who masters what?
//!
//! **True mastery.** At a moment, a learner masters a skill when the truth gives them a chance of at least one half on the skill's
//! *average item*: one with the mean difficulty and the mean chance of guessing of the skill's exercises, without hints. The
//! learner's strength is what forgetting left of it by then, and their own slips count. With `s` the strength, `d` the difficulty,
//! `g` the guess, `e` the slip:
//!
//! `p = g + (1 - g - e) / (1 + exp(-9 (s - d)))`, mastered when `p >= 1/2`.

use serde::Serialize;

use super::study::{End, Study};
use crate::domain::ItemId;
use crate::learning::Predictor;
use crate::learning::metrics::auc;
use crate::simulate::SimulatedLearner;
use crate::simulate::course::{CourseWorld, TrueItem};

const MASTERED: f64 = 0.5;
/// Answers at the skill's own rate that the baseline starts from.
const SHRINKAGE: f64 = 4.0;

/// One (held-out learner, skill) pair.
#[derive(Debug, Clone, Copy)]
struct Pair {
    skill: usize,
    /// The truth's chance on the average item.
    truth: f64,
    told: f32,
    share_right: f32,
    practised: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mastery {
    pub all: Ranking,
    /// Skills the learner has answered at least once.
    pub practised: Ranking,
}

/// How well truly mastered skills are told from others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    pub pairs: usize,
    /// Share of the pairs that is truly mastered.
    pub mastered: f64,
    /// Area under the ROC curve of `Predictor::mastery`.
    pub auc: Option<f64>,
    /// The same within each skill, and the mean over skills: learners alone are ranked.
    pub auc_within_skills: Option<f64>,
    /// Of the learner's share of right answers on the skill, shrunken to the rate of everybody.
    pub share_right_auc: Option<f64>,
    pub share_right_auc_within_skills: Option<f64>,
    /// Means of what was told and of the truth's chance on the average item, and the mean distance between the two.
    pub mean_told: f64,
    pub mean_truth: f64,
    pub mean_distance: f64,
}

/// The item that stands for a skill; see the module.
pub fn average_item(world: &CourseWorld, skill: usize) -> TrueItem {
    let exercises = &world.skills[skill].exercises;
    let mean = |value: fn(&TrueItem) -> f64| exercises.iter().map(|&item| value(&world.items[item])).sum::<f64>() / exercises.len() as f64;
    TrueItem { id: String::new(), skills: vec![skill], difficulty: mean(|item| item.difficulty), guess: mean(|item| item.guess) }
}

/// The truth's chance of success on the skill's average item.
pub fn true_chance(world: &CourseWorld, learner: &SimulatedLearner, skill: usize, day: f64) -> f64 {
    learner.probability(&average_item(world, skill), day, 0)
}

/// `None` without a held-out learner.
pub fn judge(study: &Study, predictor: &Predictor, ends: &[End<'_>]) -> Option<Mastery> {
    let pairs = pairs(study, predictor, ends);
    let practised: Vec<Pair> = pairs.iter().copied().filter(|pair| pair.practised).collect();
    Some(Mastery { all: Ranking::of(&pairs)?, practised: Ranking::of(&practised)? })
}

fn pairs(study: &Study, predictor: &Predictor, ends: &[End<'_>]) -> Vec<Pair> {
    let rates: Vec<f64> = (0..study.skills.len()).map(|skill| rate(study, predictor, skill)).collect();
    let mut pairs = Vec::with_capacity(ends.len() * rates.len());
    for end in ends {
        let told = predictor.mastery(&end.state, &study.skills, end.now);
        for (skill, told) in told.iter().enumerate() {
            let (attempts, right) = predictor.tally_skill(&end.state, &study.skills[skill]);
            pairs.push(Pair {
                skill,
                truth: true_chance(&study.world, &end.life.learner, skill, end.day),
                told: told.p_correct,
                share_right: ((f64::from(right) + SHRINKAGE * rates[skill]) / (f64::from(attempts) + SHRINKAGE)) as f32,
                practised: attempts > 0,
            });
        }
    }
    pairs
}

/// Training learners' share of right answers on a skill's exercises.
fn rate(study: &Study, predictor: &Predictor, skill: usize) -> f64 {
    let exercises = study.world.skills[skill].exercises.iter();
    let count = |item: &ItemId| predictor.counts().of(item);
    let (attempts, right) = exercises.map(|&item| count(&study.items[item])).fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    (right as f64 + 1.0) / (attempts as f64 + 2.0)
}

impl Ranking {
    fn of(pairs: &[Pair]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let mean = |value: &dyn Fn(&Pair) -> f64| pairs.iter().map(value).sum::<f64>() / pairs.len() as f64;
        let mastered = |pair: &Pair| pair.truth >= MASTERED;
        let overall = |score: fn(&Pair) -> f32| auc(&pairs.iter().map(|pair| (score(pair), mastered(pair))).collect::<Vec<_>>());
        let within = |score: fn(&Pair) -> f32| {
            let skills = pairs.iter().map(|pair| pair.skill + 1).max().unwrap_or(0);
            let of_skill = |skill: usize| {
                auc(&pairs.iter().filter(|pair| pair.skill == skill).map(|pair| (score(pair), mastered(pair))).collect::<Vec<_>>())
            };
            let aucs: Vec<f64> = (0..skills).filter_map(of_skill).collect();
            (!aucs.is_empty()).then(|| aucs.iter().sum::<f64>() / aucs.len() as f64)
        };
        Some(Self {
            pairs: pairs.len(),
            mastered: mean(&|pair| f64::from(u8::from(mastered(pair)))),
            auc: overall(|pair| pair.told),
            auc_within_skills: within(|pair| pair.told),
            share_right_auc: overall(|pair| pair.share_right),
            share_right_auc_within_skills: within(|pair| pair.share_right),
            mean_told: mean(&|pair| f64::from(pair.told)),
            mean_truth: mean(&|pair| pair.truth),
            mean_distance: mean(&|pair| (f64::from(pair.told) - pair.truth).abs()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::chance::Chance;

    /// Of middling difficulty: some master it with practice and lose it again.
    const ADDING: usize = 4;

    #[test]
    fn mastery_is_a_threshold_on_strength_and_is_forgotten() {
        let world = CourseWorld::new(1);
        let mut lost = 0;
        for number in 0..60 {
            let mut chance = Chance::of(2, "mastery", number);
            let mut learner = SimulatedLearner::new(&world, &mut chance);
            for &item in world.skills[ADDING].exercises.iter().take(4) {
                learner.answer(&world, &world.items[item], 1.0, &mut chance);
            }
            // The formula of the module, by hand.
            let item = average_item(&world, ADDING);
            let margin = learner.strength(ADDING, 1.0) - item.difficulty;
            let by_hand = item.guess + (1.0 - item.guess - learner.slip) / (1.0 + (-9.0 * margin).exp());
            let now = true_chance(&world, &learner, ADDING, 1.0);
            assert!((now - by_hand).abs() < 1e-12);
            let later = true_chance(&world, &learner, ADDING, 91.0);
            assert!(later < now);
            lost += usize::from(now >= MASTERED && later < MASTERED);
        }
        assert!(lost > 0, "nobody forgot so much that mastery was lost");
    }

    #[test]
    fn a_ranking_within_skills_does_not_profit_from_easy_skills() {
        let pair = |skill, truth, told| Pair { skill, truth, told, share_right: 0.5, practised: true };
        // Every pair is told by its skill alone: all learners of skill 0 high, all of skill 1 low.
        let pairs = [pair(0, 0.9, 0.8), pair(0, 0.9, 0.8), pair(0, 0.1, 0.8), pair(1, 0.9, 0.2), pair(1, 0.1, 0.2), pair(1, 0.1, 0.2)];
        let ranking = Ranking::of(&pairs).unwrap();
        assert!(ranking.auc.unwrap() > 0.6);
        assert_eq!(ranking.auc_within_skills, Some(0.5));
        assert_eq!((ranking.share_right_auc, ranking.mastered), (Some(0.5), 0.5));
        assert!((ranking.mean_distance - 0.3).abs() < 1e-6 && Ranking::of(&[]).is_none());
    }
}
