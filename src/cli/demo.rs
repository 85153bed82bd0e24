//! `parcours demo`.

use super::Globals;

/// A sample course, a trained model and a server on this machine, in about a minute.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen here.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub address: std::net::SocketAddr,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
