//! `parcours openapi`.

use super::Globals;

/// Print the OpenAPI 3.1 description of the HTTP API.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
