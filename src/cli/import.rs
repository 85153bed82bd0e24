//! `parcours import`.

use super::Globals;

/// Turn an answer log into events and catalogue.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Layout of the log: gervet, akt, mikt, skills3 or csv.
    #[arg(long)]
    pub format: String,
    /// The log; may be gzipped.
    pub path: std::path::PathBuf,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
