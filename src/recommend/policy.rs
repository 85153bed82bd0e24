//! What the recommender values: every weight and threshold, each with the reason for its default.

use serde::{Deserialize, Serialize};

use super::types::{ReasonCode, Scenario};

/// How many terms a score has.
pub const TERMS: usize = 9;

/// The terms in the order they are summed up.
pub const CODES: [ReasonCode; TERMS] = [
    ReasonCode::ExpectedGain,
    ReasonCode::DesirableDifficulty,
    ReasonCode::ReviewDue,
    ReasonCode::Novelty,
    ReasonCode::Information,
    ReasonCode::CourseOrder,
    ReasonCode::Goal,
    ReasonCode::Popularity,
    ReasonCode::Diversity,
];

/// One weight per term. All terms but the expected gain lie in 0..=1 (diversity in -1..=0), so weights compare directly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// The gain is in points of mastery, and 0.05 from one answer is a lot: a weight of 10 makes that 0.5.
    pub expected_gain: f32,
    pub desirable_difficulty: f32,
    pub review_due: f32,
    pub novelty: f32,
    pub information: f32,
    pub course_order: f32,
    pub goal: f32,
    pub popularity: f32,
    pub diversity: f32,
}

impl Weights {
    /// In the order of [`CODES`].
    pub fn in_order(&self) -> [f32; TERMS] {
        [
            self.expected_gain,
            self.desirable_difficulty,
            self.review_due,
            self.novelty,
            self.information,
            self.course_order,
            self.goal,
            self.popularity,
            self.diversity,
        ]
    }
}

/// The weights of each scenario.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScenarioWeights {
    pub practise: Weights,
    pub learn: Weights,
    pub review: Weights,
    pub next: Weights,
    pub assess: Weights,
    pub mixed: Weights,
}

impl ScenarioWeights {
    pub fn of(&self, scenario: Scenario) -> &Weights {
        match scenario {
            Scenario::Practise => &self.practise,
            Scenario::Learn => &self.learn,
            Scenario::Review => &self.review,
            Scenario::Next => &self.next,
            Scenario::Assess => &self.assess,
            Scenario::Mixed => &self.mixed,
        }
    }

    fn personal() -> Self {
        // The goal outweighs everything that merely orders what serves it; popularity only breaks near-ties.
        let base = Weights { goal: 1.0, popularity: 0.05, diversity: 0.3, ..Weights::default() };
        Self {
            // The edge of what is known: difficulty first, then what the answer is expected to bring.
            practise: Weights { expected_gain: 10.0, desirable_difficulty: 1.0, review_due: 0.3, novelty: 0.2, ..base },
            // New content: what the model expects most from, in the order the course was written.
            learn: Weights { expected_gain: 10.0, desirable_difficulty: 0.4, novelty: 0.5, course_order: 0.6, ..base },
            // What is being forgotten decides; difficulty keeps it doable.
            review: Weights { expected_gain: 3.0, desirable_difficulty: 0.3, review_due: 3.0, diversity: 0.5, ..base },
            // What a learner would take next: the course's order, helped by what others take.
            next: Weights {
                expected_gain: 3.0,
                desirable_difficulty: 0.2,
                novelty: 0.3,
                course_order: 1.0,
                popularity: 0.2,
                diversity: 0.1,
                ..base
            },
            // Only what tells most; more diversity, so that one skill is not asked ten times.
            assess: Weights { information: 1.0, goal: 0.5, popularity: 0.05, diversity: 0.8, ..Weights::default() },
            // A bit of everything.
            mixed: Weights { expected_gain: 8.0, desirable_difficulty: 0.6, review_due: 1.0, novelty: 0.3, course_order: 0.4, ..base },
        }
    }

    fn anonymous() -> Self {
        // Without the learner only the catalogue and the counts speak: the course's order for what has an order, what others take
        // for the rest, and the average learner's success where difficulty is the point.
        let base = Weights { goal: 1.0, popularity: 0.5, course_order: 0.5, diversity: 0.3, ..Weights::default() };
        Self {
            practise: Weights { desirable_difficulty: 1.0, ..base },
            learn: Weights { course_order: 1.0, popularity: 0.3, ..base },
            review: Weights { popularity: 1.0, course_order: 0.2, ..base },
            next: Weights { course_order: 1.5, popularity: 0.3, diversity: 0.1, ..base },
            assess: Weights { information: 1.0, popularity: 0.2, course_order: 0.0, diversity: 0.8, ..base },
            mixed: Weights { desirable_difficulty: 0.3, ..base },
        }
    }
}

impl Default for ScenarioWeights {
    fn default() -> Self {
        Self::personal()
    }
}

/// How learning paths are planned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PathPolicy {
    /// Imagined runs of the learner a path is planned over: each takes right and wrong answers in its own order, so that the
    /// expectation is not that of a learner who always succeeds. Four show the spread; cost grows with them.
    pub runs: usize,
    /// Items of the target skill that are simulated at each step, out of those whose difficulty suits best.
    pub shortlist: usize,
    /// Steps on one skill before the path moves on although it is not mastered: a plan must not stall on one skill.
    pub patience: u32,
    /// Minutes between two steps, besides the item's own.
    pub pause_minutes: f32,
}

impl Default for PathPolicy {
    fn default() -> Self {
        Self { runs: 4, shortlist: 8, patience: 6, pause_minutes: 0.0 }
    }
}

/// Everything the recommender can be told to value otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Mastered from here. 0.85 lies above the desirable difficulty and below what slips and guesses allow.
    pub mastery_threshold: f32,
    /// Answers on a skill before it can count as mastered: a prior alone is no proof.
    pub mastery_evidence: u32,
    /// A prerequisite that was practised is met from here: enough to build on, well before mastery.
    pub prerequisite_threshold: f32,
    /// Predicted success that makes practice worth while: neither discouraging nor idle.
    pub band_low: f32,
    pub band_high: f32,
    /// How far outside the band its value falls to 0.
    pub band_fall: f32,
    /// Days after which about a third is forgotten after one right answer …
    pub stability_days: f32,
    /// … and how much longer it lasts with each further right answer in a row.
    pub stability_growth: f32,
    /// An item answered right is not asked again for so many days; in review for `review_rest_days`.
    pub rest_days: f32,
    pub review_rest_days: f32,
    /// An item answered wrong is not asked again for so many minutes: the answer is still before the learner's eyes.
    pub retry_minutes: f32,
    /// Days until an item that was seen feels new again by half.
    pub novelty_days: f32,
    /// Items whose success the model predicts. When more are eligible, they are first ranked with an estimate of it: mastery of
    /// the item's skills and how much easier the item is than its skills' others.
    pub longlist: usize,
    /// Items whose answers are simulated. The rest is ranked by the terms that need no simulation.
    pub shortlist: usize,
    /// Minutes of an item whose duration the catalogue does not know.
    pub default_minutes: f32,
    /// Answers the average item's success weighs in an item's own: keeps rarely answered items from the extremes.
    pub prior_answers: f32,
    pub weights: ScenarioWeights,
    /// The weights of the non-personalised twin.
    pub anonymous_weights: ScenarioWeights,
    pub path: PathPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mastery_threshold: 0.85,
            mastery_evidence: 2,
            prerequisite_threshold: 0.65,
            band_low: 0.6,
            band_high: 0.85,
            band_fall: 0.3,
            stability_days: 3.0,
            stability_growth: 1.7,
            rest_days: 7.0,
            review_rest_days: 1.0,
            retry_minutes: 10.0,
            novelty_days: 14.0,
            longlist: 400,
            shortlist: 100,
            default_minutes: 5.0,
            prior_answers: 10.0,
            weights: ScenarioWeights::personal(),
            anonymous_weights: ScenarioWeights::anonymous(),
            path: PathPolicy::default(),
        }
    }
}

impl Policy {
    /// 1 inside the band of desirable difficulty, falling to 0 outside.
    pub fn difficulty(&self, p_correct: f32) -> f32 {
        let outside = (self.band_low - p_correct).max(p_correct - self.band_high).max(0.0);
        (1.0 - outside / self.band_fall).max(0.0)
    }

    /// What is left after `days` without practice: exp(-days / stability), the stability growing with each right answer in a row.
    pub fn retained(&self, days: f32, right_in_a_row: u32) -> f32 {
        let stability = self.stability_days * self.stability_growth.powi(right_in_a_row.saturating_sub(1).min(12) as i32);
        (-days.max(0.0) / stability).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difficulty_is_best_inside_the_band_and_falls_on_both_sides() {
        let policy = Policy::default();
        assert_eq!((policy.difficulty(0.6), policy.difficulty(0.85)), (1.0, 1.0));
        assert!(policy.difficulty(0.45) < 0.6 && policy.difficulty(0.45) > 0.4);
        assert_eq!(policy.difficulty(0.2), 0.0);
        assert!(policy.difficulty(1.0) < policy.difficulty(0.9));
    }

    #[test]
    fn forgetting_slows_down_with_each_right_answer_in_a_row() {
        let policy = Policy::default();
        assert!(policy.retained(7.0, 1) < policy.retained(7.0, 2));
        assert!((policy.retained(3.0, 1) - (-1f32).exp()).abs() < 1e-6);
        assert_eq!(policy.retained(-1.0, 0), 1.0);
    }

    #[test]
    fn a_policy_file_may_name_only_what_it_changes_and_no_typo() {
        let policy: Policy = serde_json::from_str(r#"{"shortlist": 50, "weights": {"review": {"review_due": 9}}}"#).unwrap();
        assert_eq!((policy.shortlist, policy.mastery_threshold, policy.weights.review.review_due), (50, 0.85, 9.0));
        assert!(serde_json::from_str::<Policy>(r#"{"shortlst": 50}"#).is_err());
    }
}
