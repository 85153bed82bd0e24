//! `parcours evaluate --ablate`: what each part of the learner model is worth, on one log, over some seeds.

use anyhow::ensure;
use serde::Serialize;

use super::Setting;
use super::plan::Sitting;
use crate::cli::bar::Bar;
use crate::learning::ablate::{Part, without};
use crate::learning::dataset::Sequence;
use crate::learning::evaluate::side_by_side;
use crate::learning::train::member_seed;

/// One member on all training answers, without a part.
#[derive(Debug, Serialize)]
pub struct Row {
    /// None: the whole model.
    pub part: Option<Part>,
    pub auc: f64,
    /// Standard deviation over the seeds.
    pub auc_sd: f64,
    pub log_loss: f64,
    /// AUC against the whole model's.
    pub difference: f64,
}

#[derive(Debug, Serialize)]
pub struct Ablation {
    pub seeds: u64,
    pub rows: Vec<Row>,
}

impl Ablation {
    pub fn of(sitting: &Sitting, setting: &Setting, seeds: u64) -> anyhow::Result<Self> {
        ensure!(seeds > 0, "--ablate needs at least one seed");
        let exam = &sitting.exam;
        ensure!(exam.candidates.iter().all(|candidate| candidate.from == 0), "--ablate holds out whole learners");
        let sequence = |(place, candidate): (usize, &crate::learning::evaluate::Candidate)| Sequence {
            learner: crate::domain::Pseudonym((place as u128).to_le_bytes()),
            answers: candidate.answers.clone(),
            views: vec![],
        };
        let held_out: Vec<Sequence> = exam.candidates.iter().enumerate().map(sequence).collect();
        let parts: Vec<Option<Part>> = std::iter::once(None).chain(Part::ALL.map(Some)).collect();
        let bar = Bar::new();
        let seeds_of = |part: usize| {
            let judge = |seed: u64| {
                let seed = member_seed(setting.config.seed + seed, crate::domain::ShardId(0));
                without(parts[part], &exam.train, &held_out, &setting.config, seed, &bar)
            };
            (0..seeds).map(judge).collect::<Result<Vec<_>, _>>()
        };
        let judged = side_by_side(parts.len(), setting.threads, seeds_of);
        bar.finish();
        let mut rows: Vec<Row> = Vec::new();
        for (part, judged) in parts.iter().zip(judged) {
            let judged = judged?;
            let aucs: Vec<f64> = judged.iter().filter_map(|metrics| metrics.auc).collect();
            ensure!(aucs.len() == judged.len(), "all answers are right or all are wrong: there is no AUC");
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let auc = mean(&aucs);
            let spread = aucs.iter().map(|value| (value - auc).powi(2)).sum::<f64>() / (aucs.len().max(2) - 1) as f64;
            let log_loss = mean(&judged.iter().map(|metrics| metrics.log_loss).collect::<Vec<_>>());
            let difference = auc - rows.first().map_or(auc, |whole| whole.auc);
            rows.push(Row { part: *part, auc, auc_sd: spread.sqrt(), log_loss, difference });
        }
        Ok(Self { seeds, rows })
    }

    pub fn markdown(&self) -> String {
        let line = |row: &Row| {
            let name = row.part.map_or("the whole model".to_string(), |part| format!("without {}", part.words()));
            format!("| {name} | {:.4} ± {:.4} | {:+.4} | {:.4} |", row.auc, row.auc_sd, row.difference, row.log_loss)
        };
        let lines: Vec<String> = self.rows.iter().map(line).collect();
        format!("| | AUC, {} seeds | difference | log loss |\n|---|---|---|---|\n{}", self.seeds, lines.join("\n"))
    }
}
