//! Why a database cannot be used.

use std::path::PathBuf;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its directory cannot be made.
    #[error("{}: cannot make the database; check [store] path and the rights on its directory", .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no file, and none was to be made.
    #[error("{}: there is no database", .path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{}: is not a database of bootgate; it was left as it is. Name another file as [store] path", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer bootgate.
    #[error("{}: was written by a newer bootgate (schema {found}; this one knows up to {known}); update bootgate", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("{}: cannot bring the schema up to date", .path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: sqlx::migrate::MigrateError,
    },
    /// SQLite's write-ahead log does not work there, for example on a network file system.
    #[error("{}: the file system does not carry a write-ahead log; put [store] path on a local disk", .path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
    },
    /// SQLite failed.
    #[error("{}: cannot open the database", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: sqlx::Error,
    },
}

/// A row that cannot be understood: another program wrote it, or the disk is failing.
#[derive(Debug, thiserror::Error)]
#[error("table {table}: column {column} holds a value that bootgate never writes there")]
pub(super) struct Corrupt {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
}

/// Why a statement had no effect.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// A file beside the database.
    #[error("{}: cannot be used", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}
