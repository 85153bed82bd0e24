//! What is printed of one model.

use serde::Serialize;

use crate::learning::evaluate::Judgement;
use crate::learning::evaluate::bootstrap::Interval;
use crate::learning::evaluate::leak::Repeats;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `auc, accuracy, log_loss, ece, events`, and what else was measured.
    #[serde(flatten)]
    pub judgement: Judgement,
    pub train_seconds: f64,
    /// Answers trained on (each epoch counts) per second of training.
    pub events_per_second: f64,
    /// Of the longest-trained member; passes over the data for other models.
    pub epochs: usize,
    pub parameters: usize,
    pub model: String,
    pub shards: u16,
    pub members: usize,
    pub seed: u64,
    /// By learner or by time; and the fold.
    pub split: String,
    pub train_answers: usize,
    pub train_learners: usize,
    pub test_learners: usize,
    pub score_seconds: f64,
    /// Rows of the log that repeated an attempt for another skill and were folded into it.
    pub repeated_rows_collapsed: usize,
    /// Scored answers that repeat the item of the answer before; what the warning about leaks goes by.
    pub repeats: Repeats,
    /// Beside the best model of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv: Option<CrossValidation>,
}

/// How far this model's AUC lies from the best one's, on the same draws of learners.
#[derive(Debug, Clone, Serialize)]
pub struct Behind {
    pub best: String,
    pub auc: f64,
    pub low: f64,
    pub high: f64,
}

/// Standard deviations over folds, and the folds.
#[derive(Debug, Clone, Serialize)]
pub struct CrossValidation {
    pub auc_sd: Option<f64>,
    pub accuracy_sd: Option<f64>,
    pub log_loss_sd: Option<f64>,
    pub ece_sd: Option<f64>,
    pub folds: Vec<Report>,
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample's; `None` with fewer than two values.
fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

impl Report {
    /// The one report, or the folds' means: metrics and training answers are averaged, times and scored answers summed. What only makes sense of one set of test
    /// learners (intervals, slices, groups) is left to the folds.
    pub fn over_folds(folds: Vec<Self>, cross_validated: bool) -> Self {
        let mut whole = folds[0].clone();
        if !cross_validated {
            return whole;
        }
        let all = |value: &dyn Fn(&Self) -> f64| folds.iter().map(value).collect::<Vec<_>>();
        let aucs: Vec<f64> = folds.iter().filter_map(|fold| fold.judgement.metrics.auc).collect();
        let metrics = |value: fn(&crate::learning::metrics::Metrics) -> f64| all(&|fold| value(&fold.judgement.metrics));
        let (accuracy, log_loss, ece) = (metrics(|m| m.accuracy), metrics(|m| m.log_loss), metrics(|m| m.ece));
        let judgement = &mut whole.judgement;
        judgement.metrics.auc = (!aucs.is_empty()).then(|| mean(&aucs));
        judgement.metrics.accuracy = mean(&accuracy);
        judgement.metrics.log_loss = mean(&log_loss);
        judgement.metrics.ece = mean(&ece);
        judgement.metrics.events = folds.iter().map(|fold| fold.judgement.metrics.events).sum();
        (judgement.auc_low, judgement.auc_high, judgement.log_loss_low, judgement.log_loss_high) = (None, None, None, None);
        (judgement.reliability, judgement.slices, judgement.groupings, judgement.spread) = (vec![], vec![], vec![], None);
        judgement.draws = Default::default();
        whole.train_seconds = all(&|fold| fold.train_seconds).iter().sum();
        whole.score_seconds = all(&|fold| fold.score_seconds).iter().sum();
        whole.events_per_second = mean(&all(&|fold| fold.events_per_second));
        let per_fold =
            |value: &dyn Fn(&Self) -> usize| (all(&|fold| value(fold) as f64).iter().sum::<f64>() / folds.len() as f64).round() as usize;
        whole.train_answers = per_fold(&|fold| fold.train_answers);
        whole.train_learners = per_fold(&|fold| fold.train_learners);
        whole.repeated_rows_collapsed = folds.iter().map(|fold| fold.repeated_rows_collapsed).max().unwrap_or_default();
        whole.epochs = folds.iter().map(|fold| fold.epochs).max().unwrap_or_default();
        whole.test_learners = folds.iter().map(|fold| fold.test_learners).sum();
        whole.split = format!("learner, {} folds", folds.len());
        whole.cv = Some(CrossValidation {
            auc_sd: deviation(&aucs),
            accuracy_sd: deviation(&accuracy),
            log_loss_sd: deviation(&log_loss),
            ece_sd: deviation(&ece),
            folds,
        });
        whole
    }

    pub fn text(&self) -> String {
        let metrics = &self.judgement.metrics;
        let number = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.4}"));
        let interval = |low: Option<f64>, high: Option<f64>| match (low, high) {
            (Some(low), Some(high)) => format!(" ({low:.4} to {high:.4})"),
            _ => String::new(),
        };
        let mut text = format!(
            "{} on {} answers of {} learners (split by {}): AUC {}{}, accuracy {:.4}, log loss {:.4}{}, calibration error {:.4}\n\
             trained in {:.1} s ({:.0} answers/s), {} members, {} parameters",
            self.model,
            metrics.events,
            self.test_learners,
            self.split,
            number(metrics.auc),
            interval(self.judgement.auc_low, self.judgement.auc_high),
            metrics.accuracy,
            metrics.log_loss,
            interval(self.judgement.log_loss_low, self.judgement.log_loss_high),
            metrics.ece,
            self.train_seconds,
            self.events_per_second,
            self.members,
            self.parameters
        );
        if let Some(cv) = &self.cv {
            text += &format!("\nover {} folds: AUC ± {}, log loss ± {}", cv.folds.len(), number(cv.auc_sd), number(cv.log_loss_sd));
        }
        for slice in &self.judgement.slices {
            text += &format!("\n{}: AUC {} on {} answers", slice.name, number(slice.auc), slice.events);
        }
        for grouping in &self.judgement.groupings {
            text += &format!(
                "\ngroups by {}: largest AUC gap {}, largest calibration gap {}",
                grouping.by,
                number(grouping.largest_auc_gap),
                number(grouping.largest_calibration_gap)
            );
        }
        if let Some(spread) = &self.judgement.spread {
            text += &format!(
                "\nspread over members: {:.4} on average; {} of answers within one, {} within two (a standard error: 0.68, 0.95)",
                spread.mean_spread,
                number(spread.coverage_1),
                number(spread.coverage_2)
            );
        }
        if self.repeated_rows_collapsed > 0 {
            text += &format!("\n{} rows repeated an attempt for another skill and were folded into it", self.repeated_rows_collapsed);
        }
        text
    }
}

/// Says of each model how far it is behind the best one, by paired draws.
pub fn compare(reports: &mut [Report]) {
    let Some(best) = reports.iter().filter(|r| r.judgement.metrics.auc.is_some()).max_by(|a, b| {
        let auc = |report: &Report| report.judgement.metrics.auc.unwrap_or_default();
        auc(a).total_cmp(&auc(b))
    }) else {
        return;
    };
    let (name, auc, draws) = (best.model.clone(), best.judgement.metrics.auc.unwrap_or_default(), best.judgement.draws.auc.clone());
    for report in reports {
        let (Some(own), false) = (report.judgement.metrics.auc, report.model == name) else { continue };
        let Some(Interval { low, high }) = Interval::of(report.judgement.draws.auc.iter().zip(&draws).map(|(own, best)| own - best)) else {
            continue;
        };
        report.behind = Some(Behind { best: name.clone(), auc: own - auc, low, high });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::metrics::Metrics;

    fn report(model: &str, auc: f64, draws: &[f64]) -> Report {
        let judgement = Judgement {
            metrics: Metrics { auc: Some(auc), accuracy: 0.7, log_loss: 0.5, ece: 0.01, events: 100 },
            auc_low: None,
            auc_high: None,
            log_loss_low: None,
            log_loss_high: None,
            bootstrap_draws: draws.len(),
            reliability: vec![],
            slices: vec![],
            groupings: vec![],
            spread: None,
            draws: crate::learning::evaluate::bootstrap::Draws { auc: draws.to_vec(), log_loss: vec![] },
        };
        Report {
            judgement,
            train_seconds: 2.0,
            events_per_second: 50.0,
            epochs: 1,
            parameters: 3,
            model: model.into(),
            shards: 1,
            members: 0,
            seed: 1,
            split: "learner".into(),
            train_answers: 400,
            train_learners: 40,
            test_learners: 10,
            score_seconds: 1.0,
            repeated_rows_collapsed: 0,
            repeats: Repeats::default(),
            behind: None,
            cv: None,
        }
    }

    #[test]
    fn folds_are_averaged_and_their_spread_is_told() {
        let whole = Report::over_folds(vec![report("irt", 0.7, &[]), report("irt", 0.8, &[])], true);
        assert_eq!((whole.judgement.metrics.events, whole.train_answers, whole.train_seconds), (200, 400, 4.0));
        assert!((whole.judgement.metrics.auc.unwrap() - 0.75).abs() < 1e-12);
        let cv = whole.cv.unwrap();
        assert!((cv.auc_sd.unwrap() - 0.005f64.sqrt()).abs() < 1e-12);
        assert_eq!((cv.log_loss_sd, cv.folds.len()), (Some(0.0), 2));
        assert!(Report::over_folds(vec![report("irt", 0.7, &[])], false).cv.is_none());
    }

    #[test]
    fn differences_are_taken_draw_by_draw() {
        let mut reports = [report("good", 0.8, &[0.7, 0.8, 0.9]), report("poor", 0.7, &[0.6, 0.7, 0.8])];
        compare(&mut reports);
        assert!(reports[0].behind.is_none());
        let behind = reports[1].behind.clone().unwrap();
        assert_eq!(behind.best, "good");
        // The draws overlap, their differences do not: always a tenth behind.
        assert!((behind.low + 0.1).abs() < 1e-9 && (behind.high + 0.1).abs() < 1e-9);
    }
}
