//! Parts of the scored answers: items hardly answered in training, learners' first answers, groups of learners.

use std::collections::HashMap;

use serde::Serialize;

use super::exam::Exam;
use super::score::Scored;
use crate::learning::metrics::auc;

/// An item with at most this many training answers is cold.
pub const COLD: u32 = 5;

/// What was measured on some of the answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    pub name: String,
    pub learners: usize,
    pub events: usize,
    /// `None`: all answers right, all wrong, or none.
    pub auc: Option<f64>,
    pub log_loss: Option<f64>,
    pub mean_p: Option<f64>,
    pub share_right: Option<f64>,
    /// mean p - share right: above 0, the model expects too much.
    pub calibration_gap: Option<f64>,
}

/// -ln of what was given to what happened.
pub fn loss(scored: &Scored) -> f64 {
    let p = f64::from(scored.p);
    -if scored.correct { p } else { 1.0 - p }.clamp(1e-7, 1.0).ln()
}

impl Slice {
    pub fn of<'a>(name: impl Into<String>, scored: impl IntoIterator<Item = &'a Scored>) -> Self {
        let scored: Vec<&Scored> = scored.into_iter().collect();
        let mean = |value: &dyn Fn(&Scored) -> f64| {
            (!scored.is_empty()).then(|| scored.iter().map(|scored| value(scored)).sum::<f64>() / scored.len() as f64)
        };
        let mut learners: Vec<u32> = scored.iter().map(|scored| scored.learner).collect();
        learners.sort_unstable();
        learners.dedup();
        let (mean_p, share_right) = (mean(&|s| f64::from(s.p)), mean(&|s| f64::from(u8::from(s.correct))));
        Self {
            name: name.into(),
            learners: learners.len(),
            events: scored.len(),
            auc: auc(&scored.iter().map(|scored| (scored.p, scored.correct)).collect::<Vec<_>>()),
            log_loss: mean(&loss),
            mean_p,
            share_right,
            calibration_gap: mean_p.zip(share_right).map(|(p, right)| p - right),
        }
    }
}

/// Cold items, unseen items, the first answer and the first five of each learner.
pub fn standard(exam: &Exam, scored: &[Scored]) -> Vec<Slice> {
    let attempts = |scored: &&Scored| exam.item_attempts[scored.item as usize];
    vec![
        Slice::of(format!("items with at most {COLD} training answers"), scored.iter().filter(|s| attempts(s) <= COLD)),
        Slice::of("items without training answers", scored.iter().filter(|s| attempts(s) == 0)),
        Slice::of("first answer of a learner", scored.iter().filter(|s| s.position == 0)),
        Slice::of("first 5 answers of a learner", scored.iter().filter(|s| s.position < 5)),
    ]
}

/// Learners split by something, and how differently the model serves them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grouping {
    pub by: String,
    pub groups: Vec<Slice>,
    /// Best AUC - worst AUC.
    pub largest_auc_gap: Option<f64>,
    /// Largest |mean p - share right|.
    pub largest_calibration_gap: Option<f64>,
}

impl Grouping {
    /// `group`: of each candidate of the exam, by position.
    pub fn of(by: impl Into<String>, group: &[String], scored: &[Scored]) -> Self {
        let mut by_group: HashMap<&str, Vec<&Scored>> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        for name in group {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        scored.iter().for_each(|scored| by_group.entry(&group[scored.learner as usize]).or_default().push(scored));
        let mut groups: Vec<Slice> =
            names.into_iter().filter_map(|name| by_group.remove(name).map(|scored| Slice::of(name, scored))).collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let aucs = || groups.iter().filter_map(|group| group.auc);
        let gaps = groups.iter().filter_map(|group| group.calibration_gap).map(f64::abs);
        Self {
            by: by.into(),
            largest_auc_gap: aucs().reduce(f64::max).zip(aucs().reduce(f64::min)).map(|(best, worst)| best - worst),
            largest_calibration_gap: gaps.reduce(f64::max),
            groups,
        }
    }

    /// Quarters of the learners by a number; learners of equal number stay together.
    pub fn quarters(by: &str, values: &[f64], scored: &[Scored], name: impl Fn(f64, f64) -> String) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let bounds: Vec<f64> = (1..4).map(|quarter| sorted[(sorted.len() * quarter / 4).min(sorted.len() - 1)]).collect();
        let quarter = |value: f64| bounds.iter().filter(|bound| value >= **bound).count();
        let mut extent = [(f64::INFINITY, f64::NEG_INFINITY); 4];
        for value in values {
            let (low, high) = &mut extent[quarter(*value)];
            (*low, *high) = (low.min(*value), high.max(*value));
        }
        let named = |value: &f64| {
            let quarter = quarter(*value);
            format!("{}: {}", quarter + 1, name(extent[quarter].0, extent[quarter].1))
        };
        Self::of(by, &values.iter().map(named).collect::<Vec<_>>(), scored)
    }
}

/// Quarters by length of history and by share of right answers, and the groups a file named (one for each candidate).
///
/// The second is chosen by the very answers that are scored: in its outer quarters some calibration gap is to be expected of any
/// model, so it compares models and is no verdict on one.
pub fn groupings(exam: &Exam, scored: &[Scored], named: Option<&[String]>) -> Vec<Grouping> {
    let lengths: Vec<f64> = exam.candidates.iter().map(|candidate| candidate.answers.len() as f64).collect();
    let right = |candidate: &super::Candidate| {
        let scored = &candidate.answers[candidate.from..];
        scored.iter().filter(|answer| answer.correct).count() as f64 / scored.len() as f64
    };
    let rates: Vec<f64> = exam.candidates.iter().map(right).collect();
    let mut groupings: Vec<Grouping> = named.map(|group| Grouping::of("group", group, scored)).into_iter().collect();
    groupings.push(Grouping::quarters("answers of the learner", &lengths, scored, |low, high| format!("{low} to {high} answers")));
    groupings.push(Grouping::quarters("share right of the learner", &rates, scored, |low, high| {
        format!("{:.0} % to {:.0} % right", 100.0 * low, 100.0 * high)
    }));
    groupings
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::tests::some_answers;
    use super::super::partition::tests::log;
    use super::*;
    use crate::domain::TenantId;
    use crate::privacy::Secrets;

    #[test]
    fn cold_items_and_first_answers_are_told_apart() {
        let often: Vec<(&str, u8)> = vec![("often", 1); 6];
        let log = log(&[("1", &often), ("2", &[("rare", 1)]), ("3", &[("often", 1), ("rare", 0), ("new", 1)])]);
        let exam = Exam::new(&log, &[6, 1, 0], &Secrets::from_seed(1), &TenantId::default()).unwrap();
        let item = |name: &str| exam.train.vocabulary.items.iter().position(|item| item.as_str() == name).unwrap() as u32;
        let answer = |name: &str, position, p, correct| Scored { learner: 0, position, item: item(name), p, spread: 0.0, correct };
        let scored = [answer("often", 0, 0.9, true), answer("rare", 1, 0.3, false), answer("new", 2, 0.5, true)];
        let slices = standard(&exam, &scored);
        assert_eq!(slices.iter().map(|slice| slice.events).collect::<Vec<_>>(), [2, 1, 1, 3]);
        assert_eq!((slices[0].auc, slices[1].auc), (Some(1.0), None));
        assert!((slices[1].calibration_gap.unwrap() + 0.5).abs() < 1e-6);
    }

    #[test]
    fn quarters_cover_all_and_the_largest_gap_is_the_worst_groups() {
        let scored = some_answers(10, 20);
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        let grouping = Grouping::quarters("number", &values, &scored, |low, high| format!("{low} to {high}"));
        assert_eq!(grouping.groups.len(), 4);
        assert_eq!(grouping.groups.iter().map(|group| group.events).sum::<usize>(), 200);
        assert_eq!(grouping.groups[0].name, "1: 0 to 1");
        let worst = grouping.groups.iter().map(|group| group.calibration_gap.unwrap().abs()).fold(0.0, f64::max);
        assert_eq!(grouping.largest_calibration_gap, Some(worst));
        // All alike: one group, no gap.
        let one = Grouping::quarters("number", &[1.0; 10], &scored, |low, _| format!("{low}"));
        assert_eq!((one.groups.len(), one.largest_auc_gap), (1, Some(0.0)));
    }
}
