//! What others' answers show of an item: integer counts by item, skill and skill set, shrunken to a rate.
//!
//! Shared by training and serving, number for number. Skill rates shrink to the overall rate, the rate of a set of skills to the
//! mean of its skills', an item's to its set's: an item that few have met is judged by its kin.

use rustc_hash::FxHashMap;

use super::math::logit;

/// Numbers that others' answers say of a skill set, and of an item.
pub const SET_FEATURES: usize = 3;
pub const ITEM_FEATURES: usize = 2;

/// Attempts and right answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    pub attempts: f32,
    pub right: f32,
}

impl Tally {
    pub fn note(&mut self, correct: bool) {
        self.attempts += 1.0;
        self.right += f32::from(u8::from(correct));
    }

    pub fn add(&mut self, other: Tally) {
        self.attempts += other.attempts;
        self.right += other.right;
    }

    /// Never below zero: live counts may lag behind a learner's state.
    pub fn less(self, other: Tally) -> Tally {
        let attempts = (self.attempts - other.attempts).max(0.0);
        Tally { attempts, right: (self.right - other.right).clamp(0.0, attempts) }
    }

    pub fn times(self, share: f32) -> Tally {
        Tally { attempts: self.attempts * share, right: self.right * share }
    }

    /// (right + strength · prior) / (attempts + strength).
    pub fn shrunken(self, prior: f32, strength: f32) -> f32 {
        (self.right + strength * prior) / (self.attempts + strength)
    }
}

/// How many answers a prior weighs.
const SKILL_STRENGTH: f32 = 20.0;
const SET_STRENGTH: f32 = 10.0;
const ITEM_STRENGTH: f32 = 6.0;

/// Which items have exactly the same skills.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SkillSets {
    /// The set of each item.
    pub of_item: Vec<u32>,
    /// Skills of each set, in order of its first item.
    pub sets: Vec<Vec<u32>>,
}

impl SkillSets {
    /// `skills`: of each item, sorted.
    pub fn new<'a>(skills: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut places: FxHashMap<&[u32], u32> = FxHashMap::default();
        let mut sets = Self::default();
        for skills in skills {
            let set = *places.entry(skills).or_insert_with(|| {
                sets.sets.push(skills.to_vec());
                sets.sets.len() as u32 - 1
            });
            sets.of_item.push(set);
        }
        sets
    }
}

/// Counts over learners, by position.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub items: Vec<Tally>,
    pub skills: Vec<Tally>,
    /// By skill set.
    pub sets: Vec<Tally>,
    pub all: Tally,
}

/// What others' answers show of a skill set.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetView {
    /// The shrunken rate of items with these skills.
    pub prior: f32,
    /// Mean logit of the skills' rates, log of their counts, how the set differs from its skills.
    pub features: [f32; SET_FEATURES],
}

/// What others' answers show of an item.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemView {
    /// The item's shrunken logit: the network's output is added to it.
    pub base: f32,
    /// The item's shrunken rate.
    pub expected: f32,
    /// The shrunken logit, log of the count.
    pub features: [f32; ITEM_FEATURES],
}

impl Evidence {
    /// Sums item counts into those of skills and sets.
    pub fn new(items: Vec<Tally>, sets: &SkillSets, skills: usize) -> Self {
        let mut evidence =
            Self { items, skills: vec![Tally::default(); skills], sets: vec![Tally::default(); sets.sets.len()], all: Tally::default() };
        for (tally, set) in evidence.items.iter().zip(&sets.of_item) {
            evidence.all.add(*tally);
            evidence.sets[*set as usize].add(*tally);
            for &skill in &sets.sets[*set as usize] {
                evidence.skills[skill as usize].add(*tally);
            }
        }
        evidence
    }

    pub fn overall_rate(&self) -> f32 {
        overall_rate(self.all)
    }
}

fn overall_rate(all: Tally) -> f32 {
    all.shrunken(0.5, 2.0)
}

impl SetView {
    /// `skills`: counts of each; `set`: of the items with exactly these, if there is more than one skill.
    pub fn new(all: Tally, skills: impl ExactSizeIterator<Item = Tally>, set: Option<Tally>) -> Self {
        let overall = overall_rate(all);
        let (count, weight) = (skills.len(), 1.0 / skills.len().max(1) as f32);
        let (mut prior, mut skill_logit, mut skill_log) = (0.0, 0.0, 0.0);
        for tally in skills {
            let rate = tally.shrunken(overall, SKILL_STRENGTH);
            prior += rate * weight;
            skill_logit += logit(rate) * weight;
            skill_log += tally.attempts.ln_1p() * weight;
        }
        if count == 0 {
            prior = overall;
            skill_logit = logit(prior);
        }
        let mut of_set = 0.0;
        if let (true, Some(tally)) = (count > 1, set) {
            let rate = tally.shrunken(prior, SET_STRENGTH);
            of_set = logit(rate) - logit(prior);
            prior = rate;
        }
        Self { prior, features: [skill_logit, 0.2 * skill_log, of_set] }
    }

    /// An item with these skills.
    pub fn item(&self, tally: Tally) -> ItemView {
        let expected = tally.shrunken(self.prior, ITEM_STRENGTH);
        let base = logit(expected);
        ItemView { base, expected, features: [base, 0.2 * tally.attempts.ln_1p()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unmet_item_is_judged_by_its_set_and_a_set_by_its_skills() {
        let sets = SkillSets::new([&[0u32][..], &[0, 1], &[0, 1], &[]]);
        assert_eq!((sets.of_item.as_slice(), sets.sets.len()), (&[0, 1, 1, 2][..], 3));
        let tally = |attempts: f32, right: f32| Tally { attempts, right };
        let evidence = Evidence::new(vec![tally(100.0, 90.0), tally(100.0, 10.0), tally(0.0, 0.0), tally(0.0, 0.0)], &sets, 2);
        assert_eq!(evidence.skills, [tally(200.0, 100.0), tally(100.0, 10.0)]);
        let view = |set: usize| {
            let skills = sets.sets[set].iter().map(|skill| evidence.skills[*skill as usize]).collect::<Vec<_>>();
            SetView::new(evidence.all, skills.into_iter(), Some(evidence.sets[set]))
        };
        let unmet = view(1).item(evidence.items[2]);
        assert!(unmet.expected < 0.15, "its twin was answered right in 10 of 100: {}", unmet.expected);
        assert!((view(2).prior - 0.5).abs() < 1e-6, "without skills, the overall rate");
        assert!(view(0).item(evidence.items[0]).expected > 0.85);
    }

    #[test]
    fn taking_away_never_goes_below_zero() {
        let tally = Tally { attempts: 3.0, right: 2.0 };
        assert_eq!(tally.less(Tally { attempts: 5.0, right: 1.0 }), Tally::default());
    }
}
