//! Units of work.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Database, Postgres, Sqlite, Transaction};

use super::{Result, StoreError, inventory};
use crate::domain::{TenantId, hash::Hasher};

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
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres {
        pool: PgPool,
    },
}

/// A unit of work. Dropped without [`Tx::commit`], it leaves no trace.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Unit<Sqlite>),
    Postgres(Unit<Postgres>),
}

/// What a unit of work holds on to.
#[derive(Debug)]
pub enum Unit<DB: Database> {
    /// May write, all or nothing.
    Write(Transaction<'static, DB>),
    /// Reads one snapshot.
    Read(Transaction<'static, DB>),
    /// Reads statement by statement, outside any transaction.
    Glance(PoolConnection<DB>),
}

impl<DB: Database> Deref for Unit<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Write(transaction) | Self::Read(transaction) => transaction,
            Self::Glance(connection) => connection,
        }
    }
}

impl<DB: Database> DerefMut for Unit<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Write(transaction) | Self::Read(transaction) => transaction,
            Self::Glance(connection) => connection,
        }
    }
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

/// The class of a tenant's advisory locks for one purpose. Two tenants in one class would only wait for each other.
pub(super) fn lock_class(purpose: &'static str, tenant: &TenantId) -> i32 {
    Hasher::new(purpose).part(tenant.as_str().as_bytes()).finish_u64() as i32
}

impl Store {
    pub fn backend(&self) -> Backend {
        match self {
            Self::Sqlite { .. } => Backend::Sqlite,
            Self::Postgres { .. } => Backend::Postgres,
        }
    }

    /// A snapshot to read from.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(Unit::Read(readers.begin().await?)),
            Self::Postgres { pool } => Tx::Postgres(Unit::Read(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)),
        })
    }

    /// For a single reading statement on a hot path: no snapshot, and none of a transaction's two round trips.
    pub async fn glance(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(Unit::Glance(readers.acquire().await?)),
            Self::Postgres { pool } => Tx::Postgres(Unit::Glance(pool.acquire().await?)),
        })
    }

    /// A unit of work that writes. SQLite takes the write lock at once, so that it never fails half-way for a lock.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(Unit::Write(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres { pool } => Tx::Postgres(Unit::Write(pool.begin().await?)),
        })
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.glance().await?;
        with_tx!(&mut tx, |conn| sqlx::query("SELECT 1").execute(conn).await.map(drop))?;
        Ok(())
    }

    /// After an erasure: sees to it that no byte of a deleted row stays where this process can help it. SQLite zeroes deleted rows
    /// in the database (`secure_delete`), but its write-ahead log still holds the pages as they were: it is written back and cut.
    /// A reader that holds on to an old snapshot delays that; after ten seconds, `Unavailable`: to be asked again. Nothing to do
    /// in Postgres, whose vacuum and log have their own clocks.
    pub async fn scrub(&self) -> Result<()> {
        let Self::Sqlite { writer, .. } = self else { return Ok(()) };
        for _ in 0..50 {
            let mut connection = writer.acquire().await?;
            // Not waiting for readers inside SQLite: other writers would wait along.
            let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut *connection).await?;
            sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
            let outcome: sqlx::Result<(i64, i64, i64)> =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
            sqlx::query(AssertSqlSafe(format!("PRAGMA busy_timeout = {patience}"))).execute(&mut *connection).await?;
            drop(connection);
            if matches!(outcome, Ok((0, _, _))) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut))
    }

    /// Postgres leaves the bytes of deleted rows in its pages until something overwrites them, and a plain vacuum does not. This
    /// rewrites the tables that name learners, indexes included, each under an exclusive lock: for the quiet hours. What remains
    /// then is the write-ahead log, until its segments are recycled, and the planner's statistics, until the next `ANALYZE`.
    /// SQLite: gives free pages back; `secure_delete` has zeroed them.
    pub async fn rewrite(&self) -> Result<()> {
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::query("PRAGMA incremental_vacuum").fetch_all(writer).await?;
            }
            Self::Postgres { pool } => {
                older_snapshots_end(pool).await?;
                let named = inventory::TABLES.iter().filter(|(_, handling)| matches!(handling, inventory::Handling::ByPseudonym { .. }));
                for table in named.map(|(table, _)| *table).chain(["erasure_requests"]) {
                    sqlx::query(sqlx::AssertSqlSafe(format!("VACUUM (FULL) {table}"))).execute(pool).await?;
                }
            }
        }
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

/// A rewrite keeps what an older snapshot may still want to see: waits until those that were open when it is called have ended,
/// half a minute at most.
async fn older_snapshots_end(pool: &PgPool) -> Result<()> {
    let mark: String = sqlx::query_scalar("SELECT pg_current_xact_id()::xid::text").fetch_one(pool).await?;
    for _ in 0..120 {
        let older: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND age(backend_xmin) > age($1::text::xid)",
        )
        .bind(&mark)
        .fetch_one(pool)
        .await?;
        if older == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    tracing::warn!("a long transaction is open: the rewrite may leave some deleted bytes behind");
    Ok(())
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(Unit::Write(tx) | Unit::Read(tx)) => tx.commit().await?,
            Self::Postgres(Unit::Write(tx) | Unit::Read(tx)) => tx.commit().await?,
            Self::Sqlite(Unit::Glance(_)) | Self::Postgres(Unit::Glance(_)) => {}
        }
        Ok(())
    }

    /// True when this unit of work may write.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Sqlite(Unit::Write(_)) | Self::Postgres(Unit::Write(_)))
    }

    /// Postgres: waits for, and then holds, the advisory locks (`class`, slot) until the unit of work ends. Slots are taken in
    /// ascending order, so two units never wait for each other. SQLite has one writer: nothing to do.
    pub(super) async fn hold(&mut self, class: i32, slots: &[i32]) -> Result<()> {
        if let Self::Postgres(unit) = self {
            let mut slots = slots.to_vec();
            slots.sort_unstable();
            slots.dedup();
            sqlx::query("SELECT pg_advisory_xact_lock($1, slot) FROM UNNEST($2::int[]) AS slots(slot)")
                .bind(class)
                .bind(slots)
                .execute(&mut **unit)
                .await?;
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
