//! What each part of the learner model is worth: the same training with one part taken out, judged on held-out learners.
//!
//! Parts are taken out of what the network reads, so that nothing else changes: same shapes, same seeds, same batches.

use super::TrainingConfig;
use super::batch::Batch;
use super::dataset::{Dataset, Sequence};
use super::evidence::{ITEM_FEATURES, SET_FEATURES};
use super::metrics::Metrics;
use super::record::{FEATURES, LEARNER_FEATURES, OVERALL_SURPLUS, OWN_FEATURES, SKILL_SURPLUS};
use super::train::{Progress, TrainError, Trainer};

/// A part that can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The recurrent state over all answers.
    DomainState,
    /// The recurrent states by skill.
    SkillStates,
    /// Both: what is left is a perceptron on counts, skills and items.
    States,
    /// Items' own vectors: an item is then known by its counts and skills.
    ItemVectors,
    /// Time and number of answers since the skill, the item and anything was last answered, in gates and features.
    Gaps,
    /// What the learner's own answers add up to, overall and by skill.
    LearnerCounts,
    /// What the learner did on the very item.
    OwnItem,
    /// The shrunken logit that the network's output is added to; it still reads it.
    Residual,
    /// All that others' answers say of items and skills.
    OthersCounts,
}

impl Part {
    pub const ALL: [Self; 9] = [
        Self::DomainState,
        Self::SkillStates,
        Self::States,
        Self::ItemVectors,
        Self::Gaps,
        Self::LearnerCounts,
        Self::OwnItem,
        Self::Residual,
        Self::OthersCounts,
    ];

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::DomainState => "the state over all answers",
            Self::SkillStates => "the states by skill",
            Self::States => "all recurrent states",
            Self::ItemVectors => "items' own vectors",
            Self::Gaps => "gaps in time and answers",
            Self::LearnerCounts => "the learner's own counts",
            Self::OwnItem => "earlier answers to the very item",
            Self::Residual => "the residual form",
            Self::OthersCounts => "others' counts",
        }
    }

    /// Takes the part out of a batch.
    pub(super) fn take_out(self, batch: &mut Batch) {
        const LEARNER: usize = ITEM_FEATURES + SET_FEATURES;
        const OWN: usize = LEARNER + LEARNER_FEATURES;
        // Where gaps stand among the learner's features and the own ones: see `record`.
        const GAPS: [usize; 5] = [LEARNER + 5, LEARNER + SKILL_SURPLUS + 4, LEARNER + SKILL_SURPLUS + 5, OWN + 3, OWN + 4];
        let mut blank = |places: &[usize]| {
            let width = batch.inputs.len() / batch.correct.len().max(1);
            for rows in [(&mut batch.features, FEATURES), (&mut batch.inputs, width)] {
                for row in rows.0.chunks_exact_mut(rows.1) {
                    places.iter().for_each(|place| row[*place] = 0.0);
                }
            }
        };
        let counts: Vec<usize> = (LEARNER..OWN).filter(|place| !GAPS.contains(place)).collect();
        debug_assert!(counts.contains(&(LEARNER + OVERALL_SURPLUS)));
        match self {
            Self::DomainState => batch.hidden_states.0 = true,
            Self::SkillStates => batch.hidden_states.1 = true,
            Self::States => batch.hidden_states = (true, true),
            Self::ItemVectors => batch.fade.iter_mut().for_each(|fade| *fade = 0.0),
            Self::Gaps => {
                blank(&GAPS);
                for track in [&mut batch.domain, &mut batch.skill] {
                    for gaps in [&mut track.gap_steps, &mut track.gap_times] {
                        *gaps = std::sync::Arc::new(gaps.iter().map(|bucket| (*bucket).min(1)).collect());
                    }
                }
            }
            Self::LearnerCounts => blank(&counts),
            Self::OwnItem => blank(&(OWN..OWN + OWN_FEATURES).collect::<Vec<_>>()),
            Self::Residual => batch.base.iter_mut().for_each(|base| *base = 0.0),
            Self::OthersCounts => {
                blank(&(0..LEARNER).collect::<Vec<_>>());
                batch.base.iter_mut().for_each(|base| *base = 0.0);
            }
        }
    }
}

/// Trains on `train` without a part, and judges on `held_out` (in the same vocabulary).
///
/// # Errors
/// As training one member.
pub fn without(
    part: Option<Part>,
    train: &Dataset,
    held_out: &[Sequence],
    config: &TrainingConfig,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Metrics, TrainError> {
    let mut trainer = Trainer::new(train, config, seed)?;
    trainer.without = part;
    while !trainer.done() {
        trainer.epoch(progress)?;
    }
    let network = trainer.network()?;
    trainer.judge(&network, &train.sequences.iter().collect::<Vec<_>>(), &held_out.iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::sample::Class;
    use crate::learning::train::Silent;

    #[test]
    fn a_part_that_is_taken_out_is_missed() {
        let mut train = Class { learners: 90, answers: 40, items: 12, skills: 3 }.dataset(5);
        let held_out = train.sequences.split_off(70);
        let config = TrainingConfig { width: 8, max_epochs: 3, ..TrainingConfig::default() };
        let of = |part| without(part, &train, &held_out, &config, 1, &Silent).unwrap();
        let whole = of(None);
        assert_eq!(whole, of(None));
        for part in Part::ALL {
            assert_ne!(of(Some(part)).log_loss, whole.log_loss, "{} changed nothing", part.words());
        }
        assert!(of(Some(Part::OthersCounts)).log_loss > whole.log_loss);
    }
}
