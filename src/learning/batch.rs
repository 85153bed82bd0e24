//! One optimiser step's worth of learners, laid out for the network: rows for answers, pairs of answers and skills, packed runs.

use std::collections::BTreeMap;

use super::dataset::{Answer, Vocabulary};
use super::features::{Evidence, FEATURES, Record, gap_code};
use super::recurrence::Runs;

/// Runs of one recurrence and the gap before each of their rows, in packed order.
#[derive(Debug, Clone, Default)]
pub struct Track {
    pub runs: Runs,
    pub gaps: Vec<u32>,
}

impl Track {
    fn pack(runs: impl IntoIterator<Item = Vec<u32>>, gaps: &[u32]) -> Self {
        let runs = Runs::pack(runs.into_iter().collect(), gaps.len());
        let gaps = runs.source.iter().map(|row| gaps[*row as usize]).collect();
        Self { runs, gaps }
    }
}

/// Rows are answers, learner by learner, in order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub items: Vec<u32>,
    /// How far an item's own vector is trusted: attempts / (attempts + [`FADE_IN`]).
    pub fade: Vec<f32>,
    /// 1 or 0.
    pub correct: Vec<f32>,
    /// The item's shrunken logit, by others' counts.
    pub base: Vec<f32>,
    /// [answers, FEATURES].
    pub features: Vec<f32>,
    /// (answer, skill) pairs: the answer's row, the skill, and one over the number of the answer's skills.
    pub pair_answer: Vec<u32>,
    pub pair_skill: Vec<u32>,
    pub pair_weight: Vec<f32>,
    pub domain: Track,
    pub skill: Track,
    pub item: Track,
}

/// Answers after which an item's own vector counts half.
pub const FADE_IN: f32 = 10.0;

pub fn fade(attempts: f32) -> f32 {
    attempts / (attempts + FADE_IN)
}

impl Batch {
    /// `evidence`: counts of learners other than those in `sequences`, by vocabulary position.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a [Answer]>, vocabulary: &Vocabulary, evidence: &Evidence) -> Self {
        let mut batch = Self::default();
        let (mut domain_runs, mut skill_runs, mut item_runs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut domain_gaps, mut skill_gaps, mut item_gaps) = (Vec::new(), Vec::new(), Vec::new());
        for answers in sequences {
            let mut record = Record::default();
            let mut domain = Vec::with_capacity(answers.len());
            let (mut by_skill, mut by_item): (BTreeMap<u32, Vec<u32>>, BTreeMap<u32, Vec<u32>>) = Default::default();
            for answer in answers {
                let row = batch.items.len() as u32;
                let skills = vocabulary.item_skills[answer.item as usize].as_slice();
                let description = evidence.describe(&record, None, Some(answer.item), skills);
                let (step, time) = (record.overall.step + 1, answer.occurred_at);
                batch.items.push(answer.item);
                batch.fade.push(fade(evidence.items[answer.item as usize].attempts));
                batch.correct.push(f32::from(u8::from(answer.correct)));
                batch.base.push(description.base);
                batch.features.extend(description.features);
                domain.push(row);
                domain_gaps.push(gap_code(&record.overall, step, time));
                by_item.entry(answer.item).or_default().push(row);
                item_gaps.push(gap_code(&record.item(answer.item), step, time));
                for &skill in skills {
                    by_skill.entry(skill).or_default().push(batch.pair_answer.len() as u32);
                    skill_gaps.push(gap_code(&record.skill(skill), step, time));
                    batch.pair_answer.push(row);
                    batch.pair_skill.push(skill);
                    batch.pair_weight.push(1.0 / skills.len() as f32);
                }
                record.note(Some(answer.item), skills, answer.correct, description.expected, time);
            }
            domain_runs.push(domain);
            skill_runs.extend(by_skill.into_values());
            item_runs.extend(by_item.into_values());
        }
        batch.domain = Track::pack(domain_runs, &domain_gaps);
        batch.skill = Track::pack(skill_runs, &skill_gaps);
        batch.item = Track::pack(item_runs, &item_gaps);
        batch
    }

    pub fn answers(&self) -> usize {
        debug_assert_eq!(self.features.len(), self.items.len() * FEATURES);
        self.items.len()
    }
}
