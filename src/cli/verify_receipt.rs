//! `parcours verify receipt`.

use super::Globals;

/// Check an erasure receipt offline.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The receipt, as JSON.
    pub receipt: std::path::PathBuf,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
