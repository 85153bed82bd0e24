//! Opening a database: its settings, and its schema brought up to date.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Result, Store, StoreError};
use crate::config::DatabaseConfig;

/// Prepared statements kept per connection. Bulk statements come in a dozen sizes each.
const STATEMENTS: usize = 256;

static SQLITE_SCHEMA: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES_SCHEMA: Migrator = sqlx::migrate!("src/store/migrations/postgres");

impl Store {
    /// Opens (for SQLite: creates) the database at `config.url` and brings its schema up to date.
    ///
    /// # Errors
    /// `Setup` for a URL that is neither `sqlite:` nor `postgres:`, or a migration that fails; `Unavailable` when it cannot be reached.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        if config.url.starts_with("sqlite:") {
            sqlite(config).await
        } else if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
            postgres(config).await
        } else {
            Err(StoreError::Setup("database URL must start with sqlite: or postgres:".into()))
        }
    }
}

async fn sqlite(config: &DatabaseConfig) -> Result<Store> {
    let busy = Duration::from_millis(config.busy_timeout_ms);
    let options = SqliteConnectOptions::from_str(&config.url).map_err(wrong_url)?;
    if config.url.contains(":memory:") || config.url.contains("mode=memory") {
        // Writer and readers would each see a database of their own.
        let why = "database URL: an in-memory database cannot be shared by several connections; name a file";
        return Err(StoreError::Setup(why.into()));
    }
    private_file(options.get_filename())?;
    let options = options.busy_timeout(busy).statement_cache_capacity(STATEMENTS).pragma("temp_store", "MEMORY");
    let writing = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged event must survive a power cut, not only a crash of the process.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        // Deleted rows are overwritten with zeros: erasure leaves no bytes in free pages.
        .pragma("secure_delete", "ON")
        // Event keys are random: a batch touches most pages of their index. Held in memory (KiB), they are written once.
        .pragma("cache_size", "-65536")
        // Write back every 16 MiB of log rather than every 4; a log that grew beyond 64 MiB is cut when it is next reset.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864");
    let reading = options.read_only(true).row_buffer_size(512).pragma("cache_size", "-16384");
    // Connections stay open: there is no server to spare, and the write-ahead log lives as long as one of them.
    let pool = || {
        let pool = SqlitePoolOptions::new().acquire_timeout(busy).test_before_acquire(false);
        pool.idle_timeout(None).max_lifetime(None)
    };
    let writer = pool().max_connections(1).connect_with(writing).await?;
    // Another process may be making the very same tables: then the second look finds them.
    let mut made = SQLITE_SCHEMA.run(&writer).await;
    for _ in 0..3 {
        if made.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            made = SQLITE_SCHEMA.run(&writer).await;
        }
    }
    made.map_err(not_migrated)?;
    let readers = pool().max_connections(config.max_connections).connect_with(reading).await?;
    Ok(Store::Sqlite { writer, readers })
}

async fn postgres(config: &DatabaseConfig) -> Result<Store> {
    let busy = Duration::from_millis(config.busy_timeout_ms);
    let options = PgConnectOptions::from_str(&config.url)
        .map_err(wrong_url)?
        .application_name("parcours")
        .statement_cache_capacity(STATEMENTS)
        // Waiting for a lock is waiting for the database. And no unit of work may sit on its locks for ever.
        .options([("lock_timeout", format!("{}ms", config.busy_timeout_ms)), ("idle_in_transaction_session_timeout", "300s".into())]);
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(busy)
        // A connection used a moment ago is alive; asking costs every request a round trip.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > Duration::from_secs(2) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    POSTGRES_SCHEMA.run(&pool).await.map_err(not_migrated)?;
    Ok(Store::Postgres { pool })
}

/// Makes a database that is not there yet, and its folder, readable by its owner alone; the write-ahead log gets the same mode.
fn private_file(path: &Path) -> Result<()> {
    let refused = |path: &Path, error| Err(StoreError::Setup(format!("cannot create {}: {error}", path.display())));
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new(""))
        && let Err(error) = std::fs::create_dir_all(folder)
    {
        return refused(folder, error);
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => refused(path, error),
        _ => Ok(()),
    }
}

fn wrong_url(error: sqlx::Error) -> StoreError {
    StoreError::Setup(format!("database URL: {error}"))
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match StoreError::from(error) {
            StoreError::Database(error) => StoreError::Setup(format!("migration: {error}")),
            passing => passing,
        },
        error => StoreError::Setup(format!("migration: {error}")),
    }
}
