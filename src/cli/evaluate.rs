//! `parcours evaluate`.

use super::Globals;

/// Train on one answer log, score another, and print the metrics beside a baseline.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Layout of the logs: gervet, akt, mikt or skills3.
    #[arg(long)]
    pub format: String,
    /// Answers to train on.
    #[arg(long)]
    pub train: std::path::PathBuf,
    /// Answers to score.
    #[arg(long)]
    pub test: std::path::PathBuf,
    /// Table of item and skill, where the layout needs one.
    #[arg(long)]
    pub item_skill: Option<std::path::PathBuf>,
    /// Model to evaluate.
    #[arg(long)]
    pub model: Option<String>,
    /// Members of the ensemble.
    #[arg(long)]
    pub shards: Option<u16>,
    /// Seed of everything random.
    #[arg(long)]
    pub seed: Option<u64>,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
