//! Several models side by side, as a Markdown table.

use super::Report;

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.4}"))
}

pub fn markdown(reports: &[Report]) -> String {
    let Some(first) = reports.first() else { return String::new() };
    let mut text = format!(
        "trained on {} answers of {} learners; scored {} answers of {} learners; split by {}\n\n\
         | model | AUC | 95 % | accuracy | log loss | ECE | AUC cold items | AUC first answer | AUC first 5 | behind the best | train s | parameters |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        first.train_answers, first.train_learners, first.judgement.metrics.events, first.test_learners, first.split
    );
    for report in reports {
        let (judgement, metrics) = (&report.judgement, &report.judgement.metrics);
        let interval = match (judgement.auc_low.zip(judgement.auc_high), &report.cv) {
            (Some((low, high)), _) => format!("{low:.4} to {high:.4}"),
            (None, Some(cv)) => format!("± {} over folds", number(cv.auc_sd)),
            (None, None) => "-".into(),
        };
        let slice = |at: usize| number(judgement.slices.get(at).and_then(|slice| slice.auc));
        let behind = report.behind.as_ref().map_or("-".into(), |b| format!("{:.4} ({:.4} to {:.4})", b.auc, b.low, b.high));
        text += &format!(
            "| {} | {} | {interval} | {:.4} | {:.4} | {:.4} | {} | {} | {} | {behind} | {:.1} | {} |\n",
            report.model,
            number(metrics.auc),
            metrics.accuracy,
            metrics.log_loss,
            metrics.ece,
            slice(0),
            slice(2),
            slice(3),
            report.train_seconds,
            report.parameters
        );
    }
    if first.repeated_rows_collapsed > 0 {
        text += &format!("\n{} rows repeated an attempt for another skill and were folded into it", first.repeated_rows_collapsed);
    }
    text.trim_end().to_owned()
}
