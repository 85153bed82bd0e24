//! `parcours bench ingest`.

use super::Globals;

/// Events a second.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
