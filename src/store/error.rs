//! What can go wrong with the database, by what the caller can do about it.

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
        match &error {
            E::PoolTimedOut | E::PoolClosed | E::Io(_) => Self::Unavailable(error),
            E::Database(cause) => {
                let code = cause.code().unwrap_or_default().to_string();
                let text = cause.message();
                // SQLite: 5 busy, 6 locked, 8 read-only, 10 i/o, 13 full, 14 cannot open. Postgres: class 53 resources, 57 shutdown, 40 serialisation.
                if text.contains("disk is full")
                    || text.contains("disk full")
                    || code == "53100"
                    || code == "13"
                    || text.contains("readonly")
                {
                    Self::NotWritable(error)
                } else if text.contains("database is locked")
                    || text.contains("table is locked")
                    || code.starts_with("53")
                    || code.starts_with("57")
                    || code.starts_with("40")
                {
                    Self::Unavailable(error)
                } else {
                    Self::Database(error)
                }
            }
            _ => Self::Database(error),
        }
    }
}
