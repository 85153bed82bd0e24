//! `parcours openapi`: the API's description, as served at `/v1/openapi.json`.

use super::Globals;

/// Print the OpenAPI 3.1 description of the HTTP API.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, globals: Globals) -> anyhow::Result<()> {
    let document = crate::api::openapi::document();
    let pretty = serde_json::to_string_pretty(&document)?;
    globals.print(&document, || pretty)
}
