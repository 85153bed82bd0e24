//! `parcours simulate`.

use super::Globals;

/// Make a course and a cohort of learners who answer, from a seed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seed of everything random.
    #[arg(long, default_value_t = 2026)]
    pub seed: u64,
}

pub async fn run(_args: Args, _globals: Globals) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
