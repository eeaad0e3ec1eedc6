//! SQLite and memory behind the traits that card, dm and job own.
//!
//! [`Store`] is one SQLite file, shared by all bootgate processes of a machine:
//!
//! - Write-ahead log; one connection writes, in transactions that begin with `BEGIN IMMEDIATE`; a pool of others
//!   reads. A transaction that begins deferred and writes later cannot wait for the one before it and fails.
//! - `synchronous = FULL`: what a call has returned survives SIGKILL and also a power cut, at the price of one sync
//!   to disk for each transaction. An accepted job and a journalled key must not be lost, and both are rare enough.
//! - The file is made with mode 0600. Of the secrets of accounts it holds digests alone, no plaintext; but with a
//!   digest MD5 credentials can be computed, so the file itself is secret. What cards hold while they are written is sealed by the vault.
//!
//! [`Memory`] is the same without a file, for rehearsals and tests.
//!
//! [`BackupFile`] holds what a script found on a card before it changed it, and [`BackupFolder`] that of many cards.

mod accounts;
mod blocking;
mod card_backup;
mod claims;
mod devices;
mod error;
mod fingerprints;
mod jobs;
mod keys;
mod memory;
mod memory_outbox;
mod memory_writes;
mod open;
mod orders;
mod outbox;
mod owner;
mod references;
mod row;
mod writes;

use std::{path::PathBuf, sync::Arc};

use sqlx::{Sqlite, SqlitePool, Transaction, sqlite::SqliteConnectOptions};

pub use card_backup::{BackupFile, BackupFileError, BackupFolder};
pub use error::StoreError;
pub use fingerprints::SealedFingerprints;
pub use keys::Keys;
pub use memory::Memory;
pub use memory_outbox::MemoryOutbox;
pub use memory_writes::MemoryWrites;
pub use orders::Orders;
pub use outbox::{Durability, OutboxFile};
pub use writes::Writes;

/// Jobs, accounts and devices in an SQLite file.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    options: SqliteConnectOptions,
    writer: SqlitePool,
    readers: SqlitePool,
    owner: Arc<owner::Owner>,
}

impl Store {
    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Closes all connections; further calls fail. What was returned before is on disk without this, too.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that may write: it holds the write lock from its first moment.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

#[cfg(test)]
mod tests;
