//! The room as a whole, on a cohort small enough for every run of the tests.

use super::study::Training;
use super::*;
use crate::learning::TrainingConfig;
use crate::learning::train::Silent;

fn asked(threads: usize) -> Report {
    let config = TrainingConfig { width: 8, max_epochs: 2, ..TrainingConfig::default() };
    let questions = Questions { learners: 150, shards: 2, seed: 7, ablation_seeds: 1, sharding: true };
    judge(&questions, &Training { config, threads }, &Silent).unwrap()
}

#[test]
fn a_report_repeats_to_the_last_digit_whatever_the_threads() {
    let report = asked(2);
    assert_eq!(report, asked(1));
    assert_eq!((report.held_out, report.members), (30, 2));
    assert_eq!(report.mastery_auc.all.pairs, 30 * 17);
    assert!(report.mastery_auc.practised.pairs < report.mastery_auc.all.pairs);
    assert!(report.mastery_auc.all.auc.unwrap() > 0.55, "{:?}", report.mastery_auc.all);
    assert_eq!(report.recall_log_loss.len(), recall::DELAYS.len());
    assert_eq!(report.sharding.iter().map(|row| row.shards).collect::<Vec<_>>(), sharding::SHARDS);
    let two = &report.sharding[1];
    let everything = &report.ablation[0];
    assert_eq!((everything.auc.mean, everything.auc_lost.mean), (two.auc.unwrap(), 0.0), "the same members, judged on the same answers");
    assert!(report.ablation[1..].iter().any(|row| row.auc_lost.mean != 0.0), "{:?}", report.ablation);
}

#[test]
fn too_few_learners_are_refused_with_a_reason() {
    let questions = Questions { learners: 5, shards: 1, seed: 7, ablation_seeds: 0, sharding: false };
    let training = Training { config: TrainingConfig::default(), threads: 1 };
    assert!(judge(&questions, &training, &Silent).unwrap_err().to_string().contains("simulate more learners"));
}
