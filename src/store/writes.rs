//! The journal of writes to cards, in SQLite. What cards hold is sealed by the vault before it comes here.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sqlx::SqliteConnection;

use super::{Store, blocking::Blocking, error::Failed, owner::Owner, row::Reading};
use crate::{
    card::{EntryId, Origin, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError},
    ident::{Clock, Iccid},
    vault::{Purpose, Vault},
};

/// The journal for code that blocks; it may be asked from any thread, as [`Keys`](super::Keys) may.
#[derive(Clone)]
pub struct Writes {
    blocking: Blocking,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    /// This process, as the owner of entries.
    owner: Arc<Owner>,
    /// The entries that this process works on at this moment.
    held: Arc<Mutex<BTreeSet<EntryId>>>,
}

/// What there is to know of a row before it is opened.
struct Found {
    id: EntryId,
    owner: Option<String>,
    sealed: Vec<u8>,
}

impl Writes {
    /// The journal in the file of `store`, sealed by `vault`.
    pub fn new(store: &Store, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        let (blocking, owner) = (Blocking::new(store, "write journal"), Arc::clone(&store.owner));
        Self { blocking, vault, clock, owner, held: Arc::default() }
    }

    fn transaction<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failed> + Send,
    ) -> Result<T, WriteJournalError> {
        self.blocking.transaction(work).map_err(WriteJournalError::new)
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<EntryId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody works on an entry: this process, or another one that lives.
    fn is_under_way(&self, id: EntryId, owner: Option<&str>) -> Result<bool, Failed> {
        let Some(owner) = owner else { return Ok(false) };
        Ok(if owner == self.owner.token()? { self.held().contains(&id) } else { self.owner.lives(owner) })
    }

    fn seal(&self, write: &PendingWrite) -> Result<Vec<u8>, WriteJournalError> {
        self.vault.seal(purpose(&write.card), &write.to_octets()).map_err(WriteJournalError::new)
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

/// What batches keep of scripts that came to their end on a card is true until something else is written there.
async fn outdate(tx: &mut SqliteConnection, card: &Iccid) -> Result<(), Failed> {
    let update = sqlx::query("UPDATE row_claim SET done_at = NULL WHERE iccid = ? AND done_at IS NOT NULL");
    update.bind(card.digits()).execute(tx).await?;
    Ok(())
}

impl WriteJournal for Writes {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        let found = self.transaction(async |tx| find(tx, card).await)?;
        let Some(found) = found else { return Ok(None) };
        let opened = self.vault.open(purpose(card), &found.sealed).map_err(WriteJournalError::new)?;
        let write = PendingWrite::from_octets(&opened).map_err(WriteJournalError::new)?;
        let under_way =
            self.is_under_way(found.id, found.owner.as_deref()).map_err(WriteJournalError::new)?;
        Ok(Some(PendingEntry { id: found.id, write, under_way }))
    }

    fn begin(&self, write: &PendingWrite) -> Result<EntryId, WriteJournalError> {
        let sealed = self.seal(write)?;
        let now = self.clock.now();
        let owner = self.owner.token().map_err(WriteJournalError::new)?;
        let begun = self.transaction(async |tx| {
            if let Some(Found { id, owner, .. }) = find(tx, &write.card).await? {
                return Ok(Err(self.is_under_way(id, owner.as_deref())?));
            }
            let insert = sqlx::query(
                "INSERT INTO card_write (iccid, owner, script, began_at, steps, sealed) VALUES (?, ?, ?, ?, ?, ?)",
            );
            let done = insert
                .bind(write.card.digits())
                .bind(owner)
                .bind(write.origin == Origin::Script)
                .bind(now.as_millis())
                .bind(steps(write))
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            outdate(tx, &write.card).await?;
            let id = EntryId(done.last_insert_rowid());
            // Before anybody can see it.
            self.held().insert(id);
            Ok(Ok(id))
        })?;
        begun.map_err(|under_way| match under_way {
            true => WriteJournalError::UnderWay { card: write.card.clone() },
            false => WriteJournalError::Pending { card: write.card.clone() },
        })
    }

    fn replace(&self, entry: EntryId, write: &PendingWrite) -> Result<(), WriteJournalError> {
        let sealed = self.seal(write)?;
        let owner = self.owner.token().map_err(WriteJournalError::new)?;
        let changed = self.transaction(async |tx| {
            let update =
                sqlx::query("UPDATE card_write SET steps = ?, sealed = ? WHERE id = ? AND owner = ?");
            let done = update.bind(steps(write)).bind(sealed).bind(entry.0).bind(owner).execute(tx).await?;
            Ok(done.rows_affected())
        })?;
        if changed == 1 { Ok(()) } else { Err(WriteJournalError::Gone { card: write.card.clone() }) }
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        let token = self.owner.token().map_err(WriteJournalError::new)?;
        let taken = self.transaction(async |tx| {
            match find(tx, card).await? {
                Some(Found { id, owner, .. }) if id == entry => {
                    if self.is_under_way(id, owner.as_deref())? {
                        return Ok(Some(false));
                    }
                }
                _ => return Ok(None),
            }
            let update = sqlx::query("UPDATE card_write SET owner = ? WHERE id = ?");
            update.bind(token).bind(entry.0).execute(&mut *tx).await?;
            outdate(tx, card).await?;
            self.held().insert(entry);
            Ok(Some(true))
        })?;
        match taken {
            Some(true) => Ok(()),
            Some(false) => Err(WriteJournalError::UnderWay { card: card.clone() }),
            None => Err(WriteJournalError::Gone { card: card.clone() }),
        }
    }

    fn leave(&self, entry: EntryId) {
        self.held().remove(&entry);
        // When the file does not take it, the entry is free to others when this process ends, and to this one at once.
        if let Ok(token) = self.owner.token() {
            let _ = self.transaction(async |tx| {
                let update = sqlx::query("UPDATE card_write SET owner = NULL WHERE id = ? AND owner = ?");
                update.bind(entry.0).bind(token).execute(tx).await?;
                Ok(())
            });
        }
    }

    fn close(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        let owner = self.owner.token().map_err(WriteJournalError::new)?;
        let closed = self.transaction(async |tx| {
            let delete = sqlx::query("DELETE FROM card_write WHERE id = ? AND iccid = ? AND owner = ?");
            let done = delete.bind(entry.0).bind(card.digits()).bind(owner).execute(tx).await?;
            Ok(done.rows_affected())
        })?;
        self.held().remove(&entry);
        if closed == 1 { Ok(()) } else { Err(WriteJournalError::Gone { card: card.clone() }) }
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.transaction(async |tx| {
            let all =
                "SELECT id, iccid, owner, script, began_at, steps FROM card_write ORDER BY began_at, id";
            let rows = sqlx::query(all).fetch_all(tx).await?;
            let summary = |row| {
                let r = Reading { table: "card_write", row };
                let (iccid, steps): (String, i64) = (r.plain("iccid")?, r.plain("steps")?);
                let owner: Option<String> = r.plain("owner")?;
                let id = EntryId(r.plain("id")?);
                Ok(PendingSummary {
                    id,
                    card: Iccid::from_card(&iccid).map_err(|_| r.corrupt("iccid"))?,
                    began: Some(r.time("began_at")?),
                    steps: usize::try_from(steps).map_err(|_| r.corrupt("steps"))?,
                    origin: if r.plain("script")? { Origin::Script } else { Origin::Plan },
                    under_way: self.is_under_way(id, owner.as_deref())?,
                })
            };
            rows.iter().map(summary).collect()
        })
    }
}

async fn find(tx: &mut SqliteConnection, card: &Iccid) -> Result<Option<Found>, Failed> {
    let select = sqlx::query("SELECT id, owner, sealed FROM card_write WHERE iccid = ?");
    let Some(row) = select.bind(card.digits()).fetch_optional(tx).await? else { return Ok(None) };
    let r = Reading { table: "card_write", row: &row };
    Ok(Some(Found { id: EntryId(r.plain("id")?), owner: r.plain("owner")?, sealed: r.plain("sealed")? }))
}

fn steps(write: &PendingWrite) -> i64 {
    i64::try_from(write.steps()).unwrap_or(i64::MAX)
}
