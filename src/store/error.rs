//! What can go wrong with the database, by what the caller can do about it.

use sqlx::sqlite::SqliteError;

/// A failed unit of work. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Locked, unreachable or out of connections: try again shortly.
    #[error("the database is busy or unreachable")]
    Unavailable(#[source] sqlx::Error),
    /// The disk is full or the database is read-only: an operator must act.
    #[error("the database cannot be written")]
    NotWritable(#[source] sqlx::Error),
    /// A row makes no sense.
    #[error("table {table}, column {column}: {why}")]
    Corrupt { table: &'static str, column: String, why: String },
    /// Another worker holds the job now, or it is over: stop working on it.
    #[error("the job's lease was lost")]
    LeaseLost,
    /// The URL or the migrations are wrong.
    #[error("{0}")]
    Setup(String),
    #[error("database error")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    pub fn corrupt(table: &'static str, column: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Corrupt { table, column: column.into(), why: why.into() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let database = match &error {
            E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Io(_) => return Self::Unavailable(error),
            E::Database(database) => database,
            _ => return Self::Database(error),
        };
        let code = database.code().unwrap_or_default();
        let kind = if database.try_downcast_ref::<SqliteError>().is_some() { sqlite_trouble(&code) } else { postgres_trouble(&code) };
        match kind {
            Some(Trouble::Passing) => Self::Unavailable(error),
            Some(Trouble::Disk) => Self::NotWritable(error),
            None => Self::Database(error),
        }
    }
}

enum Trouble {
    Passing,
    Disk,
}

/// An extended result code; its low byte is the primary one.
fn sqlite_trouble(code: &str) -> Option<Trouble> {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const READ_ONLY: u32 = 8;
    const IO: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    match code.parse::<u32>().ok()? & 0xff {
        BUSY | LOCKED => Some(Trouble::Passing),
        READ_ONLY | IO | FULL | CANNOT_OPEN => Some(Trouble::Disk),
        _ => None,
    }
}

/// A SQLSTATE; its first two characters are the class.
fn postgres_trouble(code: &str) -> Option<Trouble> {
    match code {
        // Disk full; I/O error; read-only transaction (a standby).
        "53100" | "58030" | "25006" => Some(Trouble::Disk),
        // Lock not available.
        "55P03" => Some(Trouble::Passing),
        // Connection exception, transaction rollback (deadlock, serialisation), insufficient resources, operator intervention.
        _ if ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) => Some(Trouble::Passing),
        _ => None,
    }
}
