//! `parcours erase`.

use super::Globals;

/// Erase a learner: data at once, the model by retraining one shard; prints the receipt.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Read the learner id from this file ("-": standard input), so that it stays out of the shell history.
    #[arg(long, value_name = "FILE")]
    pub learner_file: std::path::PathBuf,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
