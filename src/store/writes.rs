//! The journal of writes to cards, in SQLite. What cards hold is sealed by the vault before it comes here.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::SqliteConnection;

use super::{Store, blocking::Blocking, error::Failed, owner::Owner, row::Reading};
use crate::{
    card::{
        EntryId, Hold, Origin, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError,
    },
    ident::{Clock, Iccid, Timestamp},
    job::{Route, State},
    vault::{Purpose, Vault},
};

/// The last number that a hand on an entry got in this process.
static LAST_HOLD: AtomicU64 = AtomicU64::new(0);

/// The journal for code that blocks; it may be asked from any thread, as [`Keys`](super::Keys) may.
#[derive(Clone)]
pub struct Writes {
    blocking: Blocking,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    /// This process, as the owner of entries.
    owner: Arc<Owner>,
    /// The hands of this process that are on entries at this moment.
    held: Arc<Mutex<BTreeSet<u64>>>,
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

    fn held(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody works on an entry: a hand of this process, or of another one that lives.
    fn is_under_way(&self, owner: Option<&str>) -> Result<bool, Failed> {
        let Some(owner) = owner else { return Ok(false) };
        // Those of earlier versions name the process alone.
        let (process, number) = owner.split_once(':').unwrap_or((owner, ""));
        if process != self.owner.token()? {
            return Ok(self.owner.lives(process));
        }
        Ok(number.parse().is_ok_and(|number| self.held().contains(&number)))
    }

    /// Who owns the entry that a hand of this process is on: the process, and the hand's number.
    fn name(&self, number: u64) -> Result<String, Failed> {
        Ok(format!("{}:{number}", self.owner.token()?))
    }

    /// Puts a new hand on an entry by what `work` does for its name, and tells whether it did.
    fn lay_hand_on<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection, &str) -> Result<Result<EntryId, T>, Failed> + Send,
    ) -> Result<Result<(EntryId, u64), T>, WriteJournalError> {
        let number = LAST_HOLD.fetch_add(1, Ordering::Relaxed) + 1;
        let name = self.name(number).map_err(WriteJournalError::new)?;
        // Before anybody can see its name.
        self.held().insert(number);
        let done = self.transaction(async |tx| work(tx, &name).await);
        if !matches!(done, Ok(Ok(_))) {
            self.held().remove(&number);
        }
        done.map(|done| done.map(|entry| (entry, number)))
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

/// What jobs have put on a card is not known to be there when something else is written to it. The job that this write is for has not
/// done its work yet; and one whose write is taken up later is told of that when it is settled.
async fn overwritten(tx: &mut SqliteConnection, card: &Iccid, at: Timestamp) -> Result<(), Failed> {
    let states: Vec<_> =
        State::ALL.into_iter().filter(|state| state.has_delivered()).map(State::name).collect();
    let update = sqlx::query(
        "UPDATE job SET overwritten_at = ? WHERE iccid = ? AND route = ? AND overwritten_at IS NULL
         AND state IN (SELECT value FROM json_each(?))",
    );
    let update = update.bind(at.as_millis()).bind(card.digits()).bind(Route::Card.to_string());
    update.bind(serde_json::Value::from(states).to_string()).execute(tx).await?;
    Ok(())
}

impl WriteJournal for Writes {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        let found = self.transaction(async |tx| find(tx, card).await)?;
        let Some(found) = found else { return Ok(None) };
        let opened = self.vault.open(purpose(card), &found.sealed).map_err(WriteJournalError::new)?;
        let write = PendingWrite::from_octets(&opened).map_err(WriteJournalError::new)?;
        let under_way = self.is_under_way(found.owner.as_deref()).map_err(WriteJournalError::new)?;
        Ok(Some(PendingEntry { id: found.id, write, under_way }))
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        let sealed = self.seal(write)?;
        let now = self.clock.now();
        let begun = self.lay_hand_on(async |tx, name| {
            if let Some(Found { owner, .. }) = find(tx, &write.card).await? {
                return Ok(Err(self.is_under_way(owner.as_deref())?));
            }
            let insert = sqlx::query(
                "INSERT INTO card_write (iccid, owner, script, began_at, steps, sealed) VALUES (?, ?, ?, ?, ?, ?)",
            );
            let done = insert
                .bind(write.card.digits())
                .bind(name)
                .bind(write.origin == Origin::Script)
                .bind(now.as_millis())
                .bind(steps(write))
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            outdate(tx, &write.card).await?;
            overwritten(tx, &write.card, now).await?;
            Ok(Ok(EntryId(done.last_insert_rowid())))
        })?;
        let card = write.card.clone();
        match begun {
            Ok((entry, number)) => Ok(Hold { card, entry, number }),
            Err(true) => Err(WriteJournalError::UnderWay { card }),
            Err(false) => Err(WriteJournalError::Pending { card }),
        }
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        let sealed = self.seal(write)?;
        let name = self.name(hold.number).map_err(WriteJournalError::new)?;
        let changed = self.transaction(async |tx| {
            let update = sqlx::query(
                "UPDATE card_write SET steps = ?, sealed = ? WHERE id = ? AND iccid = ? AND owner = ?",
            );
            let update = update.bind(steps(write)).bind(sealed);
            let done = update.bind(hold.entry.0).bind(write.card.digits()).bind(name).execute(tx).await?;
            Ok(done.rows_affected())
        })?;
        if changed == 1 { Ok(()) } else { Err(WriteJournalError::Gone { card: hold.card.clone() }) }
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        let taken = self.lay_hand_on(async |tx, name| {
            match find(tx, card).await? {
                Some(Found { id, owner, .. }) if id == entry => {
                    if self.is_under_way(owner.as_deref())? {
                        return Ok(Err(WriteJournalError::UnderWay { card: card.clone() }));
                    }
                }
                _ => return Ok(Err(WriteJournalError::Gone { card: card.clone() })),
            }
            let update = sqlx::query("UPDATE card_write SET owner = ? WHERE id = ?");
            update.bind(name).bind(entry.0).execute(&mut *tx).await?;
            outdate(tx, card).await?;
            Ok(Ok(entry))
        })?;
        taken.map(|(entry, number)| Hold { card: card.clone(), entry, number })
    }

    fn leave(&self, hold: &Hold) {
        // When the file does not take it, the entry is free to others when this process ends, and to this one at once.
        if let Ok(name) = self.name(hold.number) {
            let _ = self.transaction(async |tx| {
                let update = sqlx::query("UPDATE card_write SET owner = NULL WHERE id = ? AND owner = ?");
                update.bind(hold.entry.0).bind(name).execute(tx).await?;
                Ok(())
            });
        }
        self.held().remove(&hold.number);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        let name = self.name(hold.number).map_err(WriteJournalError::new)?;
        let closed = self.transaction(async |tx| {
            let delete = sqlx::query("DELETE FROM card_write WHERE id = ? AND iccid = ? AND owner = ?");
            let delete = delete.bind(hold.entry.0).bind(hold.card.digits());
            Ok(delete.bind(name).execute(tx).await?.rows_affected())
        })?;
        self.held().remove(&hold.number);
        if closed == 1 { Ok(()) } else { Err(WriteJournalError::Gone { card: hold.card.clone() }) }
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
                Ok(PendingSummary {
                    id: EntryId(r.plain("id")?),
                    card: Iccid::from_card(&iccid).map_err(|_| r.corrupt("iccid"))?,
                    began: Some(r.time("began_at")?),
                    steps: usize::try_from(steps).map_err(|_| r.corrupt("steps"))?,
                    origin: if r.plain("script")? { Origin::Script } else { Origin::Plan },
                    under_way: self.is_under_way(owner.as_deref())?,
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
