//! Transactions for code that blocks.

use std::io::Error;

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Store, error::Failed};

/// Asks the file from any thread, also from one that runs asynchronous tasks (which it then holds up): each question has a
/// thread, a runtime and a connection of its own, and waits for no task of the caller's. A card asks a handful of times,
/// so what that costs does not count.
#[derive(Clone)]
pub(super) struct Blocking {
    options: SqliteConnectOptions,
    thread: &'static str,
}

impl Blocking {
    /// On the file of `store`; `thread` names the threads that ask.
    pub(super) fn new(store: &Store, thread: &'static str) -> Self {
        Self { options: store.options.clone(), thread }
    }

    /// Runs `work` in a transaction that may write, and waits for it. It is on disk when this returns.
    pub(super) fn transaction<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failed> + Send,
    ) -> Result<T, Failed> {
        let run = || -> Result<T, Failed> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.map_err(|e| Failed::Sqlite(e.into()))?.block_on(async {
                let mut conn = self.options.connect().await?;
                let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
                let done = work(&mut tx).await?;
                tx.commit().await?;
                conn.close().await?;
                Ok(done)
            })
        };
        let thread = || std::thread::Builder::new().name(self.thread.into());
        let done = std::thread::scope(|scope| {
            let thread = thread().spawn_scoped(scope, run)?;
            thread.join().map_err(|_| Error::other("the thread that asks the database panicked"))
        });
        done.map_err(|e| Failed::Sqlite(e.into()))?
    }
}
