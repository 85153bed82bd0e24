//! Settings: one small struct per concern, each default explained where it is set. Read from TOML, then environment
//! (`PARCOURS_SERVER__ADDRESS=…`), then flags. Secrets are files named here; they are never values, so they cannot print.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

mod training;

pub use training::TrainingConfig;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub database: DatabaseConfig,
    pub server: ServerConfig,
    pub storage: StorageConfig,
    pub ingest: IngestConfig,
    pub training: TrainingConfig,
    pub model: ModelConfig,
    pub jobs: JobsConfig,
    pub privacy: PrivacyConfig,
    pub log: LogConfig,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` (created when missing) or `postgres://…`. A password may be given by PGPASSWORD or a `.pgpass` file instead.
    pub url: String,
    /// Reading connections (SQLite) or all connections (Postgres).
    pub max_connections: u32,
    /// How long a request waits for the database before it is told to come back.
    pub busy_timeout_ms: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite:parcours-data/parcours.db".into(), max_connections: 8, busy_timeout_ms: 5_000 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Loopback by default: put a TLS-terminating proxy in front before opening it.
    pub address: SocketAddr,
    /// Largest body of `/v1/events` and `/v1/catalog`, in MiB; more is 413.
    pub max_body_mib: usize,
    /// Largest body anywhere else, in KiB.
    pub max_small_body_kib: usize,
    /// A request that takes longer is answered 503.
    pub request_timeout_ms: u64,
    /// Requests worked on at once; beyond it, 429 with `Retry-After`.
    pub max_in_flight: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 8080).into(),
            max_body_mib: 32,
            max_small_body_kib: 256,
            request_timeout_ms: 30_000,
            max_in_flight: 512,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Artefacts of trained members and their manifests.
    pub artefacts: PathBuf,
    /// The pseudonym, tombstone and receipt-signing keys; made at first start, mode 0600. Keep them out of database backups.
    pub secrets: PathBuf,
    /// Append-only rights ledger; must outlive a restored database.
    pub ledger: PathBuf,
}

impl Default for StorageConfig {
    fn default() -> Self {
        let base = Path::new("parcours-data");
        Self { artefacts: base.join("models"), secrets: base.join("secrets"), ledger: base.join("rights-ledger.jsonl") }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Events in one request.
    pub max_batch: usize,
    /// How far an event may lie in the future (clocks drift) before it is quarantined.
    pub max_future_minutes: i64,
    /// Longest plausible response time; more is quarantined.
    pub max_response_hours: i64,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self { max_batch: 50_000, max_future_minutes: 5, max_response_hours: 24 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Members of the ensemble, one a shard. About 1,000 learners a shard is a good size. A change is a full refresh.
    pub shards: u16,
    /// Fewer active members than this: the count-based baseline answers.
    pub quorum: u16,
    /// A refresh is promoted when its held-out log loss is at most this much above the serving model's.
    pub promotion_margin: f64,
    /// Learner states kept in memory.
    pub state_cache: usize,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { shards: 8, quorum: 1, promotion_margin: 0.005, state_cache: 20_000 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// Cron expression (UTC) of the regular refresh; empty: none.
    pub refresh_cron: String,
    /// Threads that train shards side by side; 0: one a core.
    pub training_threads: usize,
    /// How long a worker may be silent before another takes its job over.
    pub lease_seconds: i64,
    /// How often an idle worker looks for work.
    pub poll_ms: u64,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { refresh_cron: "0 3 * * *".into(), training_threads: 0, lease_seconds: 60, poll_ms: 250 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Version of the consent text shown by the LMS, written into the ledger.
    pub consent_text_version: String,
    /// Days until the last backup that holds an erased learner has expired: the tombstone stays that long.
    pub backup_retention_days: i64,
}

impl Default for PrivacyConfig {
    fn default() -> Self {
        Self { consent_text_version: "1".into(), backup_retention_days: 90 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `tracing` filter, e.g. "info,parcours=debug".
    pub filter: String,
    /// JSON lines instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn".into(), json: false }
    }
}

/// A setting that cannot be used, with its name.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub String);

/// `PARCOURS_*` variables that mean something else: flags of the command line, and the test command's own. Any other unknown one
/// is a typo, and an error.
const NOT_SETTINGS: &[&str] = &["database_url", "config", "tenant", "shared", "bin", "cache", "venv"];

impl Config {
    /// Defaults, then the TOML file (which must exist when named), then `PARCOURS_*` variables (`__` between levels).
    ///
    /// # Errors
    /// Names the key that is unknown or has the wrong type.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError(format!("{} is not a file", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(Env::prefixed("PARCOURS_").split("__").ignore(NOT_SETTINGS))
            .extract()
            .map_err(|error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Refuses values that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |what: &str| Err(ConfigError(what.into()));
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| self.database.url.starts_with(scheme)) {
            return refuse("database.url must start with sqlite: or postgres:");
        }
        if self.model.shards == 0 || self.model.shards > 64 {
            return refuse("model.shards must be 1 to 64");
        }
        if self.model.quorum == 0 || self.model.quorum > self.model.shards {
            return refuse("model.quorum must be 1 to model.shards");
        }
        if self.model.promotion_margin.is_nan() || self.model.promotion_margin < 0.0 {
            return refuse("model.promotion_margin must not be negative");
        }
        if !self.jobs.refresh_cron.is_empty() {
            use std::str::FromStr;
            croner::Cron::from_str(&self.jobs.refresh_cron).map_err(|error| ConfigError(format!("jobs.refresh_cron: {error}")))?;
        }
        self.training.check().map_err(|error| ConfigError(format!("training: {error}")))
    }

    /// The configuration as it may be shown: a password inside the database URL is replaced by `***`.
    pub fn redacted(&self) -> Self {
        let mut config = self.clone();
        config.database.url = without_password(&self.database.url);
        config
    }
}

/// Passwords stand before the `@` or among the parameters.
fn without_password(url: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(address, parameters)| (address, Some(parameters)));
    let address = match address.split_once("://").and_then(|(head, tail)| Some((head, tail.rsplit_once('@')?))) {
        Some((head, (credentials, rest))) => match credentials.split_once(':') {
            Some((user, _)) => format!("{head}://{user}:***@{rest}"),
            None => address.to_string(),
        },
        None => address.to_string(),
    };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=***"),
        _ => pair.to_string(),
    };
    match parameters {
        Some(parameters) => format!("{address}?{}", parameters.split('&').map(hide).collect::<Vec<_>>().join("&")),
        None => address,
    }
}
