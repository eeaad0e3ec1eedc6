//! The journal of writes without a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, PoisonError},
};

use super::{EntryId, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError};
use crate::ident::Iccid;

/// A journal that lasts as long as the process: for tests and for cards that are virtual. A clone is a journal of its own
/// with the same entries, which nobody works on: what another process would find.
#[derive(Default)]
pub struct MemoryWriteJournal {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: i64,
    writes: BTreeMap<Iccid, (EntryId, PendingWrite)>,
    /// Those that somebody works on.
    held: BTreeSet<EntryId>,
}

impl MemoryWriteJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // A panic elsewhere leaves it whole: every change is one insert or one removal for each collection.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clone for MemoryWriteJournal {
    fn clone(&self) -> Self {
        let kept =
            self.with(|kept| Kept { last: kept.last, writes: kept.writes.clone(), held: BTreeSet::new() });
        Self { kept: Mutex::new(kept) }
    }
}

impl fmt::Debug for MemoryWriteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWriteJournal").finish_non_exhaustive()
    }
}

impl WriteJournal for MemoryWriteJournal {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        Ok(self.with(|kept| {
            let (id, write) = kept.writes.get(card)?.clone();
            Some(PendingEntry { id, write, under_way: kept.held.contains(&id) })
        }))
    }

    fn begin(&self, write: &PendingWrite) -> Result<EntryId, WriteJournalError> {
        self.with(|kept| {
            match kept.writes.get(&write.card) {
                Some((id, _)) if kept.held.contains(id) => {
                    return Err(WriteJournalError::UnderWay { card: write.card.clone() });
                }
                Some(_) => return Err(WriteJournalError::Pending { card: write.card.clone() }),
                None => {}
            }
            kept.last += 1;
            let id = EntryId(kept.last);
            kept.writes.insert(write.card.clone(), (id, write.clone()));
            kept.held.insert(id);
            Ok(id)
        })
    }

    fn replace(&self, entry: EntryId, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.with(|kept| match kept.writes.get_mut(&write.card) {
            Some((id, kept)) if *id == entry => {
                kept.clone_from(write);
                Ok(())
            }
            _ => Err(WriteJournalError::Gone { card: write.card.clone() }),
        })
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        self.with(|kept| match kept.writes.get(card) {
            Some((id, _)) if *id == entry => match kept.held.insert(entry) {
                true => Ok(()),
                false => Err(WriteJournalError::UnderWay { card: card.clone() }),
            },
            _ => Err(WriteJournalError::Gone { card: card.clone() }),
        })
    }

    fn leave(&self, entry: EntryId) {
        self.with(|kept| kept.held.remove(&entry));
    }

    fn close(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        self.with(|kept| match kept.writes.get(card) {
            Some((id, _)) if *id == entry && kept.held.contains(id) => {
                kept.held.remove(&entry);
                kept.writes.remove(card);
                Ok(())
            }
            _ => Err(WriteJournalError::Gone { card: card.clone() }),
        })
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        Ok(self.with(|kept| {
            let mut all: Vec<_> = kept.writes.values().collect();
            all.sort_by_key(|(id, _)| *id);
            let summary = |(id, write): &(EntryId, PendingWrite)| PendingSummary {
                id: *id,
                card: write.card.clone(),
                began: None,
                steps: write.steps(),
                origin: write.origin,
                under_way: kept.held.contains(id),
            };
            all.into_iter().map(summary).collect()
        }))
    }
}
