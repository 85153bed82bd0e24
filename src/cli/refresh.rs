//! `parcours refresh`.

use super::Globals;

/// Train the shards that changed; promote the result when it is not worse.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Train every shard, changed or not.
    #[arg(long)]
    pub full: bool,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
