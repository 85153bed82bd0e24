//! Connections and units of work.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};

use super::{Result, StoreError};
use crate::config::DatabaseConfig;

/// Which database is behind a [`Store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A handle on the database; cheap to clone.
#[derive(Debug, Clone)]
pub enum Store {
    /// SQLite has one writer at a time: one connection writes, several read (WAL).
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres { pool: PgPool },
}

/// A unit of work. Dropped without [`Tx::commit`], it leaves no trace.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs `$body` with `$conn` bound to the connection of `$tx`, whichever database it is.
/// The body is compiled once for each, from one SQL text.
#[macro_export]
#[doc(hidden)]
macro_rules! with_tx {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

impl Store {
    /// Opens (for SQLite: creates) the database at `config.url` and brings its schema up to date.
    ///
    /// # Errors
    /// `Setup` for a URL that is neither `sqlite:` nor `postgres:`, or a migration that fails; `Unavailable` when it cannot be reached.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        let url = config.url.as_str();
        let busy = Duration::from_millis(config.busy_timeout_ms);
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)
                .map_err(|error| StoreError::Setup(format!("database URL: {error}")))?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // An acknowledged event must survive a power cut, not only a crash of the process.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(busy)
                .foreign_keys(true)
                .auto_vacuum(SqliteAutoVacuum::Incremental)
                // Deleted rows are overwritten with zeros: erasure leaves no bytes in free pages.
                .pragma("secure_delete", "ON")
                .pragma("temp_store", "MEMORY");
            let writer = SqlitePoolOptions::new().max_connections(1).acquire_timeout(busy).connect_with(options.clone()).await?;
            sqlx::migrate!("src/store/migrations/sqlite").run(&writer).await.map_err(|error| StoreError::Setup(format!("migration: {error}")))?;
            let readers = SqlitePoolOptions::new().max_connections(config.max_connections).acquire_timeout(busy).connect_with(options.read_only(true)).await?;
            Ok(Self::Sqlite { writer, readers })
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url).map_err(|error| StoreError::Setup(format!("database URL: {error}")))?;
            let pool = PgPoolOptions::new().max_connections(config.max_connections).acquire_timeout(busy).connect_with(options).await?;
            sqlx::migrate!("src/store/migrations/postgres").run(&pool).await.map_err(|error| StoreError::Setup(format!("migration: {error}")))?;
            Ok(Self::Postgres { pool })
        } else {
            Err(StoreError::Setup("database URL must start with sqlite: or postgres:".into()))
        }
    }

    pub fn backend(&self) -> Backend {
        match self {
            Self::Sqlite { .. } => Backend::Sqlite,
            Self::Postgres { .. } => Backend::Postgres,
        }
    }

    /// A snapshot to read from.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres { pool } => Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        })
    }

    /// A unit of work that writes. SQLite takes the write lock at once, so that it never fails half-way for a lock.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres { pool } => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        with_tx!(&mut tx, |conn| sqlx::query("SELECT 1").execute(conn).await.map(drop))?;
        Ok(())
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { pool } => pool.close().await,
        }
    }
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}
