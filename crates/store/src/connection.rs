//! Opening files, migrations, and named transactions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::StoreError;

/// How long a writer waits for another connection of this process, in milliseconds.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Pages the write-ahead log may hold before it is folded into the file: 16 MiB of 16 KiB pages.
const WAL_PAGES_MAX: u32 = 1_000;
/// What one connection keeps of its file in memory, in KiB. A transaction that changes more writes pages out early.
const CACHE_KIB: u32 = 4_096;
/// The same while much is destroyed at once: pages that are written out early are read and written again.
const CACHE_WHILE_DESTROYING_KIB: u32 = 32_768;
/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 64;

/// How a file gets through a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Changes go to a write-ahead log first: readers are never in the way.
    WriteAhead,
    /// The pages that a transaction changes are saved first, and new ones go straight to their place: for files that grow
    /// by large transactions, which would otherwise write everything twice.
    Rollback,
}

/// A connection with its path, so that errors name the file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
}

impl File {
    /// Opens or creates a file for writing and migrates it. `migrations[i]` takes version i to i + 1.
    pub(crate) fn open(
        path: &Path,
        page_bytes: u32,
        recovery: Recovery,
        migrations: &[&str],
    ) -> Result<Self, StoreError> {
        let mode = match recovery {
            Recovery::WriteAhead => "WAL",
            Recovery::Rollback => "TRUNCATE",
        };
        let at = |operation| move |error: rusqlite::Error| StoreError::from_sqlite(path, operation, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags).map_err(at("open"))?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(at("open"))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        keep_plans(&connection).map_err(at("open"))?;
        let file = Self { path: path.to_owned(), connection };
        file.refuse_newer(migrations)?;
        file.connection
            .execute_batch(&format!(
                "PRAGMA page_size={page_bytes}; PRAGMA journal_mode={mode}; PRAGMA synchronous=FULL; \
                 PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; \
                 PRAGMA wal_autocheckpoint={WAL_PAGES_MAX}; PRAGMA cache_size=-{CACHE_KIB}; \
                 PRAGMA temp_store=MEMORY;"
            ))
            .map_err(at("open"))?;
        if cfg!(feature = "fault-injection") && is_planted("synchronous-off") {
            file.connection.execute_batch("PRAGMA synchronous=OFF;").map_err(at("open"))?;
        }
        let mut file = file;
        file.migrate(migrations)?;
        Ok(file)
    }

    /// Opens an existing file for reading only.
    pub(crate) fn open_for_reading(path: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let at = |operation| move |error: rusqlite::Error| StoreError::from_sqlite(path, operation, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags).map_err(at("open"))?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(at("open"))?;
        connection.execute_batch("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;").map_err(at("open"))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        keep_plans(&connection).map_err(at("open"))?;
        let file = Self { path: path.to_owned(), connection };
        file.refuse_newer(migrations)?;
        Ok(file)
    }

    /// The version of the schema that the file has.
    pub(crate) fn version(&self) -> Result<i64, StoreError> {
        self.connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| StoreError::from_sqlite(&self.path, "open", &error))
    }

    fn refuse_newer(&self, migrations: &[&str]) -> Result<(), StoreError> {
        let (found, known) = (self.version()?, i64::try_from(migrations.len()).unwrap_or(i64::MAX));
        if found > known {
            return Err(StoreError::NewerSchema { path: self.path.clone(), found, known });
        }
        Ok(())
    }

    fn migrate(&mut self, migrations: &[&str]) -> Result<(), StoreError> {
        let found = usize::try_from(self.version()?).unwrap_or(0);
        for (version, sql) in migrations.iter().enumerate().skip(found) {
            self.write("migrate", |tx| {
                tx.execute_batch(sql)?;
                tx.pragma_update(None, "user_version", version + 1)
            })?;
        }
        Ok(())
    }

    /// Runs `body` in a transaction that takes the write lock at once and commits at the end, durably.
    ///
    /// `operation` names the transaction in errors and metrics.
    pub(crate) fn write<T>(
        &mut self,
        operation: &'static str,
        body: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { path, connection } = self;
        let at = |error: rusqlite::Error| StoreError::from_sqlite(path, operation, &error);
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        let value = body(&tx).map_err(at)?;
        tx.commit().map_err(at)?;
        Ok(value)
    }

    /// From now on commits of this connection may be lost with power, though never torn: for what can be rebuilt.
    pub(crate) fn relax_durability(&self) -> Result<(), StoreError> {
        self.pragma("PRAGMA synchronous=NORMAL")
    }

    /// From now on commits of this connection leave folding the write-ahead log to another, up to `pages_max`.
    pub(crate) fn fold_at(&self, pages_max: u32) -> Result<(), StoreError> {
        self.pragma(&format!("PRAGMA wal_autocheckpoint={pages_max}"))
    }

    /// Folds the write-ahead log into the file as far as nobody is in the way.
    pub(crate) fn fold(&self) -> Result<(), StoreError> {
        self.read("fold the write-ahead log", |connection| {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        })
    }

    /// Runs `body` with a larger cache, and gives the memory back afterwards.
    pub(crate) fn with_large_cache<T>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pragma(&format!("PRAGMA cache_size=-{CACHE_WHILE_DESTROYING_KIB}"))?;
        let done = body(self);
        self.pragma(&format!("PRAGMA cache_size=-{CACHE_KIB}; PRAGMA shrink_memory"))?;
        done
    }

    /// Reads of one step see one state of the file, and take its lock once: until [`File::end_snapshot`].
    pub(crate) fn begin_snapshot(&self) -> Result<(), StoreError> {
        self.pragma("BEGIN")
    }

    /// Ends what [`File::begin_snapshot`] began; does nothing where nothing was begun.
    pub(crate) fn end_snapshot(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.pragma("COMMIT") }
    }

    /// Lets go of the view of the file that reads may have left open, and of its pages in memory.
    pub(crate) fn rest(&self) -> Result<(), StoreError> {
        self.end_snapshot()?;
        self.pragma("PRAGMA shrink_memory")
    }

    fn pragma(&self, sql: &str) -> Result<(), StoreError> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| StoreError::from_sqlite(&self.path, "set up the connection", &error))
    }

    /// Runs `body` on a consistent snapshot.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        body(&self.connection).map_err(|error| StoreError::from_sqlite(&self.path, operation, &error))
    }

    /// Folds the write-ahead log into the file and cuts it to nothing, so that no deleted byte stays in it.
    pub(crate) fn empty_wal(&self) -> Result<(), StoreError> {
        if cfg!(feature = "fault-injection") && self.path.ends_with("keys.db") && is_planted("keys-log-busy")
        {
            return Err(StoreError::WalBusy { path: self.path.clone() });
        }
        let busy: i64 = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| StoreError::from_sqlite(&self.path, "empty the write-ahead log", &error))?;
        if busy == 0 { Ok(()) } else { Err(StoreError::WalBusy { path: self.path.clone() }) }
    }

    /// SQLite's own check of the whole file: the first problem it finds, if any.
    pub(crate) fn problem(&self) -> Result<Option<String>, StoreError> {
        let verdict: String = self.read("check", |connection| {
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        })?;
        Ok((verdict != "ok").then_some(verdict))
    }
}

/// Statements are planned once, whatever is bound to them. Otherwise SQLite, built with STAT4, plans every statement that
/// compares with a bound value again each time it is run.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Whether the environment plants this fault.
pub(crate) fn is_planted(name: &str) -> bool {
    std::env::var_os("FIDUCIA_FAULT").is_some_and(|planted| planted == name)
}

/// Reads a 16-byte id column.
pub(crate) fn bytes16(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<[u8; 16]> {
    fixed(row, column)
}

/// Reads a 16-byte id column that may be null.
pub(crate) fn optional_bytes16(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<[u8; 16]>> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
        Ok(None)
    } else {
        bytes16(row, column).map(Some)
    }
}

/// Reads a blob column of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    let blob = row.get_ref(column)?.as_blob()?;
    blob.try_into().map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Blob,
            format!("expected {N} bytes, found {}", blob.len()).into(),
        )
    })
}

/// Reads an instant column: microseconds since 1970.
pub(crate) fn instant(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<fiducia_policy::Timestamp> {
    let micros: i64 = row.get(column)?;
    fiducia_policy::Timestamp::from_microsecond(micros).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, error.into())
    })
}

/// Reads an instant column that may be null.
pub(crate) fn optional_instant(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<fiducia_policy::Timestamp>> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
        Ok(None)
    } else {
        instant(row, column).map(Some)
    }
}
