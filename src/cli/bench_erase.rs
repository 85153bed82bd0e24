//! `parcours bench erase`.

use super::Globals;

/// Erasure: time until unreadable and clean, cost of the retrain, accuracy before and after.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
