//! The journal of writes without a file.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use super::{EntryId, Hold, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError};
use crate::ident::Iccid;

/// A journal that lasts as long as the process: for tests and for cards that are virtual. A clone is a journal of its own
/// with the same entries, which nobody works on: what another process would find.
#[derive(Default)]
pub struct MemoryWriteJournal {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The last number that was given, to an entry or to a hand on one.
    last: u64,
    writes: BTreeMap<Iccid, Entry>,
}

#[derive(Clone)]
struct Entry {
    id: EntryId,
    write: PendingWrite,
    /// The hand that it is in.
    holder: Option<u64>,
}

impl Kept {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The entry that a hand is on.
    fn held(&mut self, hold: &Hold) -> Result<&mut Entry, WriteJournalError> {
        let entry = self.writes.get_mut(&hold.card);
        let held = entry.filter(|entry| entry.id == hold.entry && entry.holder == Some(hold.number));
        held.ok_or_else(|| WriteJournalError::Gone { card: hold.card.clone() })
    }
}

impl MemoryWriteJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // A panic elsewhere leaves it whole: every change is one insert or one removal.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clone for MemoryWriteJournal {
    fn clone(&self) -> Self {
        let (last, mut writes) = self.with(|kept| (kept.last, kept.writes.clone()));
        writes.values_mut().for_each(|entry| entry.holder = None);
        Self { kept: Mutex::new(Kept { last, writes }) }
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
            let Entry { id, write, holder } = kept.writes.get(card)?.clone();
            Some(PendingEntry { id, write, under_way: holder.is_some() })
        }))
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        self.with(|kept| {
            let card = write.card.clone();
            match kept.writes.get(&card) {
                Some(entry) if entry.holder.is_some() => return Err(WriteJournalError::UnderWay { card }),
                Some(_) => return Err(WriteJournalError::Pending { card }),
                None => {}
            }
            let id = EntryId(i64::try_from(kept.number()).unwrap_or(i64::MAX));
            let number = kept.number();
            kept.writes.insert(card.clone(), Entry { id, write: write.clone(), holder: Some(number) });
            Ok(Hold { card, entry: id, number })
        })
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.with(|kept| kept.held(hold).map(|entry| entry.write.clone_from(write)))
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        self.with(|kept| {
            let number = kept.number();
            match kept.writes.get_mut(card).filter(|there| there.id == entry) {
                Some(Entry { holder: Some(_), .. }) => {
                    Err(WriteJournalError::UnderWay { card: card.clone() })
                }
                Some(there) => {
                    there.holder = Some(number);
                    Ok(Hold { card: card.clone(), entry, number })
                }
                None => Err(WriteJournalError::Gone { card: card.clone() }),
            }
        })
    }

    fn leave(&self, hold: &Hold) {
        self.with(|kept| kept.held(hold).map(|entry| entry.holder = None).unwrap_or_default());
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.with(|kept| {
            kept.held(hold)?;
            kept.writes.remove(&hold.card);
            Ok(())
        })
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        Ok(self.with(|kept| {
            let mut all: Vec<_> = kept.writes.values().collect();
            all.sort_by_key(|entry| entry.id);
            let summary = |entry: &Entry| PendingSummary {
                id: entry.id,
                card: entry.write.card.clone(),
                began: None,
                steps: entry.write.steps(),
                origin: entry.write.origin,
                under_way: entry.holder.is_some(),
            };
            all.into_iter().map(summary).collect()
        }))
    }
}
