//! `parcours serve`: the service.

use std::net::SocketAddr;

use super::Globals;
use crate::server::{Server, stop_signal};

/// Serve the API, the console and the jobs until told to stop (SIGTERM or Ctrl-C: requests in flight are finished).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen here instead of the configured address.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<SocketAddr>,
}

pub async fn run(args: Args, mut globals: Globals) -> anyhow::Result<()> {
    if let Some(address) = args.address {
        globals.config.server.address = address;
    }
    let stop = stop_signal();
    let app = globals.open().await?;
    let server = Server::bind(app).await?;
    globals.print(&serde_json::json!({ "address": server.address() }), || {
        format!("Parcours serves on http://{0}  (API page: http://{0}/docs, console: http://{0}/console)", server.address())
    })?;
    server.run_until(stop).await
}
