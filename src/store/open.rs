//! Opening the file: making it, knowing it, bringing its schema up to date.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};

use tracing::warn;

use super::{Store, StoreError, owner::Owner};

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// What `PRAGMA application_id` says of our files: "btgt".
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"btgt");

/// Connections that read.
const READERS: u32 = 4;

/// How long a call waits for its turn inside this process, on top of the wait for other processes.
const TURN: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the file, and makes it when it is missing. `busy` is how long to wait for another process that writes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        make(path).map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        Self::open_existing(path, busy).await
    }

    /// Opens the file, and makes nothing: for who only looks.
    ///
    /// # Errors
    /// [`StoreError`], among them [`StoreError::Missing`].
    pub async fn open_existing(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(busy)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full);
        prepare(path, &options, busy).await?;

        let failed = |source| StoreError::Sqlite { path: path.to_owned(), source };
        // A connection to a file does not go stale, and asking it each time costs as much as a small statement.
        let pool = || {
            let pool = SqlitePoolOptions::new().acquire_timeout(TURN).idle_timeout(None).max_lifetime(None);
            pool.test_before_acquire(false)
        };
        let writer = pool().max_connections(1).connect_with(options.clone()).await.map_err(failed)?;
        let readers =
            pool().max_connections(READERS).connect_with(options.clone().pragma("query_only", "ON"));
        let readers = readers.await.map_err(failed)?;
        Ok(Self { path: path.to_owned(), options, writer, readers, owner: Arc::new(Owner::new(path)) })
    }
}

/// Makes directory and file where they are missing, for their owner alone.
fn make(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty() && !d.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    // SQLite gives its log files the mode of the database. An existing file is not opened here: closing it would
    // take away the locks that another connection of this process may hold on it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Err(_) => {
            let mode = std::fs::metadata(path)?.mode();
            if mode & 0o077 != 0 {
                warn!(store.path = %path.display(), "{} can be read by others (mode {:o}); it should be 600",
                    path.display(), mode & 0o777);
            }
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// Makes sure that the file is ours and has the newest schema, and leaves a foreign one untouched.
async fn prepare(path: &Path, options: &SqliteConnectOptions, busy: Duration) -> Result<(), StoreError> {
    let refused = |source: sqlx::Error| refusal(path.to_owned(), source);
    let mut conn = SqliteConnection::connect_with(options).await.map_err(refused)?;
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    let found = recognise(&mut conn, path).await?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    write_ahead(&mut conn, path, busy).await?;
    if found < known {
        // Under one write lock, so that of two processes that come at once the second finds the work done.
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(refused)?;
        if recognise(&mut tx, path).await? < known {
            // `run` does the same, but its future is not known to be `Send`.
            let migrated = MIGRATIONS.run_direct(None, &mut *tx, false).await;
            migrated.map_err(|source| StoreError::Migrate { path: path.to_owned(), source })?;
            let mark = sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"));
            sqlx::query(mark).execute(&mut *tx).await.map_err(refused)?;
        }
        tx.commit().await.map_err(refused)?;
    }
    conn.close().await.map_err(refused)
}

/// The schema of the file; 0 when it is empty.
async fn recognise(conn: &mut SqliteConnection, path: &Path) -> Result<i64, StoreError> {
    let refused = |source: sqlx::Error| refusal(path.to_owned(), source);
    // Tables and mark come in one transaction, perhaps of another process, perhaps between these two questions. Asked in
    // this order, tables without a mark are nobody's but a stranger's.
    let (tables,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM sqlite_master").fetch_one(&mut *conn).await.map_err(refused)?;
    let (mark,): (i32,) =
        sqlx::query_as("PRAGMA application_id").fetch_one(&mut *conn).await.map_err(refused)?;
    match (mark, tables) {
        (0, 0) => Ok(0),
        (APPLICATION_ID, _) => {
            let newest = sqlx::query_as("SELECT coalesce(max(version), 0) FROM _sqlx_migrations");
            let (version,): (i64,) = newest.fetch_one(&mut *conn).await.map_err(refused)?;
            Ok(version)
        }
        _ => Err(StoreError::NotOurs { path: path.to_owned() }),
    }
}

/// Switches the file to a write-ahead log. SQLite does not always wait for its turn to do so, so we do.
async fn write_ahead(conn: &mut SqliteConnection, path: &Path, busy: Duration) -> Result<(), StoreError> {
    let started = tokio::time::Instant::now();
    loop {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(&mut *conn).await;
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => return Err(StoreError::NoWal { path: path.to_owned() }),
            Err(error) if is_busy(&error) && started.elapsed() < busy => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(refusal(path.to_owned(), error)),
        }
    }
}

/// `SQLITE_BUSY`, the low octet of its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|c| c & 0xFF == 5)
}

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// SQLite's code 26 is `SQLITE_NOTADB`.
fn refusal(path: PathBuf, source: sqlx::Error) -> StoreError {
    match code(&source) {
        Some(26) => StoreError::NotOurs { path },
        _ => StoreError::Sqlite { path, source },
    }
}
