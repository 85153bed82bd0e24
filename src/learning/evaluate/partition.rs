//! Which answers of a log train, and which are scored: for each learner, how many of their first answers are for training.
//!
//! All of them: a training learner. None: a test learner. Some: a split by time, where the learner's later answers are scored.

use std::collections::HashSet;

use crate::domain::hash::Hasher;
use crate::ingest::formats::Log;

/// Learners (positions in the log) and how many of their answers train.
pub type Cuts = Vec<usize>;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} learners are in both logs: this would not be a held-out test")]
pub struct Shared(pub usize);

/// One log from two: `train`'s learners train, `test`'s are scored. Where the logs disagree about an item, `train` is right.
///
/// # Errors
/// A learner is in both.
pub fn merge(train: Log, test: Log) -> Result<(Log, Cuts), Shared> {
    let known: HashSet<&str> = train.learners.iter().map(|learner| learner.id.as_str()).collect();
    let shared = test.learners.iter().filter(|learner| known.contains(learner.id.as_str())).count();
    if shared > 0 {
        return Err(Shared(shared));
    }
    let mut cuts: Cuts = train.learners.iter().map(|learner| learner.answers.len()).collect();
    cuts.resize(train.learners.len() + test.learners.len(), 0);
    let mut merged = test;
    merged.catalog.items.extend(train.catalog.items);
    merged.catalog.skills.extend(train.catalog.skills);
    merged.learners.splice(0..0, train.learners);
    merged.repeated_rows += train.repeated_rows;
    Ok((merged, cuts))
}

fn hold_out(log: &Log, held_out: impl Fn(usize) -> bool) -> Cuts {
    let cut = |(position, learner): (usize, &crate::ingest::formats::LoggedLearner)| {
        if held_out(position) { 0 } else { learner.answers.len() }
    };
    log.learners.iter().enumerate().map(cut).collect()
}

/// Learners in order of their ids (numbers by size, before texts) are held out at positions 0, n, 2 n, …
pub fn hold_out_every(log: &Log, n: usize) -> Cuts {
    let mut order: Vec<usize> = (0..log.learners.len()).collect();
    order.sort_by_cached_key(|&position| {
        let id = &log.learners[position].id;
        (id.parse::<u128>().unwrap_or(u128::MAX), id.clone())
    });
    let held_out: HashSet<usize> = order.into_iter().step_by(n.max(1)).collect();
    hold_out(log, |position| held_out.contains(&position))
}

/// Learners whose id hashes to `fold` of `folds` are held out. Depends on the id alone: not on a seed, nor on the other learners.
pub fn fold(log: &Log, fold: usize, folds: usize) -> Cuts {
    let of = |id: &str| Hasher::new("parcours 2026 evaluation fold").part(id.as_bytes()).finish_u64() % folds.max(1) as u64;
    hold_out(log, |position| of(&log.learners[position].id) == fold as u64)
}

/// The first `share` of each learner's answers (rounded up) train, the later ones are scored.
pub fn by_time(log: &Log, share: f64) -> Cuts {
    let cut = |answers: usize| ((answers as f64 * share).ceil() as usize).min(answers);
    log.learners.iter().map(|learner| cut(learner.answers.len())).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ingest::formats::{Format, ReadOptions, read};

    /// Learners and their answers (item, right), as a log in the gervet layout.
    pub(in crate::learning::evaluate) fn log(learners: &[(&str, &[(&str, u8)])]) -> Log {
        let mut text = String::from("user_id\titem_id\ttimestamp\tcorrect\tskill_id\n");
        for (learner, answers) in learners {
            for (item, right) in *answers {
                text += &format!("{learner}\t{item}\t0\t{right}\ts\n");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.tsv");
        std::fs::write(&path, text).unwrap();
        read(Format::Gervet, &path, &ReadOptions::default()).unwrap()
    }

    const THREE: &[(&str, u8)] = &[("a", 1), ("b", 0), ("a", 1)];

    #[test]
    fn a_learner_in_both_logs_is_refused() {
        let (one, two) = (log(&[("1", THREE), ("2", THREE)]), log(&[("2", THREE)]));
        assert_eq!(merge(one.clone(), two).unwrap_err(), Shared(1));
        let (merged, cuts) = merge(one, log(&[("3", THREE)])).unwrap();
        assert_eq!(merged.learners.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(cuts, [3, 3, 0]);
    }

    #[test]
    fn every_second_learner_is_held_out_in_order_of_numbers() {
        let log = log(&[("10", THREE), ("9", THREE), ("x", THREE), ("2", THREE)]);
        // In order: 2, 9, 10, x; held out are 2 and 10.
        assert_eq!(hold_out_every(&log, 2), [0, 3, 3, 0]);
    }

    #[test]
    fn each_learner_is_held_out_in_exactly_one_fold() {
        let ids: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let learners: Vec<(&str, &[(&str, u8)])> = ids.iter().map(|id| (id.as_str(), THREE)).collect();
        let log = log(&learners);
        let folds: Vec<Cuts> = (0..5).map(|k| fold(&log, k, 5)).collect();
        assert!((0..40).all(|learner| folds.iter().filter(|cuts| cuts[learner] == 0).count() == 1));
        assert!(folds.iter().all(|cuts| cuts.contains(&0)));
    }

    #[test]
    fn by_time_the_first_answers_train() {
        let long: &[(&str, u8)] = &[("a", 1); 10];
        assert_eq!(by_time(&log(&[("1", long), ("2", THREE), ("3", &THREE[..1])]), 0.8), [8, 3, 1]);
    }
}
