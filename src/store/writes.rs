//! The journal of writes to cards, in SQLite. What cards hold is sealed by the vault before it comes here.

use std::sync::Arc;

use sqlx::{Row, SqliteConnection};

use super::{Store, blocking::Blocking, error::Failed, row::Reading};
use crate::{
    card::{PendingSummary, PendingWrite, WriteJournal, WriteJournalError},
    ident::{Clock, Iccid},
    vault::{Purpose, Vault},
};

/// The journal for code that blocks; it may be asked from any thread, as [`Keys`](super::Keys) may.
#[derive(Clone)]
pub struct Writes {
    blocking: Blocking,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
}

impl Writes {
    /// The journal in the file of `store`, sealed by `vault`.
    pub fn new(store: &Store, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        Self { blocking: Blocking::new(store, "write journal"), vault, clock }
    }

    fn transaction<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failed> + Send,
    ) -> Result<T, WriteJournalError> {
        self.blocking.transaction(work).map_err(WriteJournalError::new)
    }
}

impl std::fmt::Debug for Writes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writes").finish_non_exhaustive()
    }
}

/// What an entry is sealed for: it opens for no other card.
fn purpose(card: &Iccid) -> Purpose<'_> {
    Purpose { kind: "card-write", of: card.digits() }
}

impl WriteJournal for Writes {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingWrite>, WriteJournalError> {
        let sealed: Option<Vec<u8>> = self.transaction(async |tx| {
            let found = sqlx::query("SELECT sealed FROM card_write WHERE iccid = ?");
            let row = found.bind(card.digits()).fetch_optional(tx).await?;
            row.map(|row| Ok(row.try_get("sealed")?)).transpose()
        })?;
        let Some(sealed) = sealed else { return Ok(None) };
        let opened = self.vault.open(purpose(card), &sealed).map_err(WriteJournalError::new)?;
        PendingWrite::from_octets(&opened).map(Some).map_err(WriteJournalError::new)
    }

    fn begin(&self, write: &PendingWrite) -> Result<(), WriteJournalError> {
        let sealed =
            self.vault.seal(purpose(&write.card), &write.to_octets()).map_err(WriteJournalError::new)?;
        let steps = i64::try_from(write.steps()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let fresh = self.transaction(async |tx| {
            let insert = sqlx::query(
                "INSERT INTO card_write (iccid, began_at, steps, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            );
            let done = insert
                .bind(write.card.digits())
                .bind(now.as_millis())
                .bind(steps)
                .bind(sealed)
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        })?;
        if fresh { Ok(()) } else { Err(WriteJournalError::Pending { card: write.card.clone() }) }
    }

    fn close(&self, card: &Iccid) -> Result<(), WriteJournalError> {
        self.transaction(async |tx| {
            sqlx::query("DELETE FROM card_write WHERE iccid = ?").bind(card.digits()).execute(tx).await?;
            Ok(())
        })
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.transaction(async |tx| {
            let all = sqlx::query("SELECT iccid, began_at, steps FROM card_write ORDER BY began_at, iccid");
            let rows = all.fetch_all(tx).await?;
            let summary = |row| {
                let r = Reading { table: "card_write", row };
                let (iccid, steps): (String, i64) = (r.plain("iccid")?, r.plain("steps")?);
                Ok(PendingSummary {
                    card: Iccid::from_card(&iccid).map_err(|_| r.corrupt("iccid"))?,
                    began: Some(r.time("began_at")?),
                    steps: usize::try_from(steps).map_err(|_| r.corrupt("steps"))?,
                })
            };
            rows.iter().map(summary).collect()
        })
    }
}
