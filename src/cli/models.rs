//! `parcours models`.

use super::Globals;

/// List, show, promote or roll back model versions.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
