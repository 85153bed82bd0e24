//! What smaller shards cost: the same training learners shared out among more and more members, the same held-out learners.

use serde::Serialize;

use super::study::{Study, Training};
use crate::learning::train::Progress;

pub const SHARDS: [u16; 5] = [1, 2, 4, 8, 16];

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub shards: u16,
    /// Those with enough data to train.
    pub members: usize,
    pub learners_a_shard: f64,
    /// On every answer of the held-out learners.
    pub auc: Option<f64>,
    pub log_loss: f64,
    pub ece: f64,
    /// AUC of the fewest shards, less this one's.
    pub auc_lost: Option<f64>,
}

/// # Errors
/// As [`Study::learn`].
pub fn judge(study: &Study, training: &Training, progress: &dyn Progress) -> anyhow::Result<Vec<Row>> {
    let learners = study.trained_on().count() as f64;
    let mut rows: Vec<Row> = Vec::with_capacity(SHARDS.len());
    for shards in SHARDS {
        let predictor = study.learn(shards, training, progress)?;
        let metrics = study.answers(&predictor, training.threads)?;
        tracing::info!("{shards} shards: log loss {:.4}", metrics.log_loss);
        let whole = rows.first().map_or(metrics.auc, |first| first.auc);
        rows.push(Row {
            shards,
            members: predictor.members(),
            learners_a_shard: learners / f64::from(shards),
            auc: metrics.auc,
            log_loss: metrics.log_loss,
            ece: metrics.ece,
            auc_lost: whole.zip(metrics.auc).map(|(whole, auc)| whole - auc),
        });
    }
    Ok(rows)
}
