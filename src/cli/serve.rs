//! `parcours serve`.

use super::Globals;

/// Serve the API, the console and the jobs.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
