//! `parcours bench serve`.

use super::Globals;

/// Recommendations a second, beside the same server's bare JSON echo.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
