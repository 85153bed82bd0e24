//! The command line: one file per command.
//!
//! A command line is parsed into [`Cli`], the configuration is read (defaults, `--config` file, `PARCOURS_*`
//! variables, flags), telemetry starts, and the command's `run` gets its own `Args` and the [`Globals`].
//! With `--json` a command prints exactly one JSON object on standard output; progress and logs go to standard error.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::domain::TenantId;

mod bar;
pub mod bench_erase;
pub mod bench_ingest;
pub mod bench_serve;
pub mod bench_train;
pub mod config;
pub mod demo;
pub mod erase;
pub mod evaluate;
pub mod export;
mod follow;
pub mod import;
pub mod keys;
mod measure;
pub mod models;
pub mod openapi;
pub mod recommend;
pub mod refresh;
pub mod serve;
pub mod simulate;
pub mod simulate_truth;
pub mod train;
pub mod verify_receipt;

/// Exit code for a command line or a configuration that cannot be used (clap's own code, too).
const USAGE: u8 = 2;

/// Self-hosted learner modelling and recommendations for online learning, with exact, provable unlearning.
///
/// Start with `parcours demo`: a sample course, a trained model and a server on this machine, in about a minute.
#[derive(Debug, Parser)]
#[command(name = "parcours", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Settings come from defaults, then the file named by --config, then variables such as PARCOURS_SERVER__ADDRESS
(two underscores between levels), then flags. `parcours config` prints what came out of it.
Exit codes: 0 done, 1 failed, 2 unusable command line or configuration.";

/// Flags every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// TOML file with settings.
    #[arg(long, global = true, env = "PARCOURS_CONFIG", value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Database: `sqlite:PATH` (created when missing) or `postgres://…`; wins over the configuration.
    #[arg(long, global = true, env = "PARCOURS_DATABASE_URL", hide_env_values = true, value_name = "URL", help_heading = "Global options")]
    pub database_url: Option<String>,
    /// Print one JSON object on standard output; progress and logs go to standard error.
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Import(import::Args),
    Train(train::Args),
    Refresh(refresh::Args),
    Evaluate(evaluate::Args),
    Recommend(recommend::Args),
    Erase(erase::Args),
    Export(export::Args),
    VerifyReceipt(verify_receipt::Args),
    Models(models::Args),
    Keys(keys::Args),
    Simulate(simulate::Args),
    /// Measure training, serving, ingestion or erasure on this machine.
    #[command(subcommand)]
    Bench(BenchCommand),
    Config(config::Args),
    Openapi(openapi::Args),
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    Train(bench_train::Args),
    Serve(bench_serve::Args),
    Ingest(bench_ingest::Args),
    Erase(bench_erase::Args),
}

/// What every command gets beside its own arguments.
#[derive(Debug, Clone)]
pub struct Globals {
    pub config: Config,
    pub json: bool,
}

impl Globals {
    /// Opens the database and the secrets the configuration names.
    pub async fn open(&self) -> anyhow::Result<App> {
        App::open(self.config.clone()).await
    }

    /// With `--json` prints `value` as the one object on standard output; otherwise what `text` makes.
    pub fn print<T: serde::Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        use std::io::Write;
        let line = if self.json { serde_json::to_string(value)? } else { text() };
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{}", line.trim_end()).and_then(|()| out.flush()) {
            // `parcours … | head` is not a failure.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }
}

/// A tenant on the command line.
#[derive(Debug, Clone, clap::Args)]
pub struct TenantArg {
    /// The tenant this is about.
    #[arg(long, default_value = "default", env = "PARCOURS_TENANT", value_parser = parse_tenant, value_name = "SLUG")]
    pub tenant: TenantId,
}

/// For clap: a tenant's slug.
pub fn parse_tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = match globals(&cli.global) {
        Ok(globals) => globals,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    crate::telemetry::init_logs(&globals.config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command, globals)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.chain().skip(1).for_each(|cause| eprintln!("  because: {cause}"));
            if error.is::<ConfigError>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// The effective configuration: file and environment, then flags.
fn globals(args: &GlobalArgs) -> Result<Globals, ConfigError> {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(url) = &args.database_url {
        config.database.url.clone_from(url);
        config.check()?;
    }
    Ok(Globals { config, json: args.json })
}

async fn run(command: Command, globals: Globals) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(args, globals).await,
        Command::Serve(args) => serve::run(args, globals).await,
        Command::Import(args) => import::run(args, globals).await,
        Command::Train(args) => train::run(args, globals).await,
        Command::Refresh(args) => refresh::run(args, globals).await,
        Command::Evaluate(args) => evaluate::run(args, globals).await,
        Command::Recommend(args) => recommend::run(args, globals).await,
        Command::Erase(args) => erase::run(args, globals).await,
        Command::Export(args) => export::run(args, globals).await,
        Command::VerifyReceipt(args) => verify_receipt::run(args, globals).await,
        Command::Models(args) => models::run(args, globals).await,
        Command::Keys(args) => keys::run(args, globals).await,
        Command::Simulate(args) => simulate::run(args, globals).await,
        Command::Bench(BenchCommand::Train(args)) => bench_train::run(args, globals).await,
        Command::Bench(BenchCommand::Serve(args)) => bench_serve::run(args, globals).await,
        Command::Bench(BenchCommand::Ingest(args)) => bench_ingest::run(args, globals).await,
        Command::Bench(BenchCommand::Erase(args)) => bench_erase::run(args, globals).await,
        Command::Config(args) => config::run(args, globals).await,
        Command::Openapi(args) => openapi::run(args, globals).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_database_flag_wins_over_the_configuration() {
        let cli = Cli::parse_from(["parcours", "config", "--database-url", "sqlite:elsewhere.db", "--json"]);
        let globals = globals(&cli.global).unwrap();
        assert_eq!(globals.config.database.url, "sqlite:elsewhere.db");
        assert!(globals.json);
    }
}
