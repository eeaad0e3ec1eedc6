//! The journal of writes beside [`Memory`]: what is begun or taken up there tells the jobs and the claims of its card,
//! as in the file.

use std::sync::Arc;

use super::Memory;
use crate::{
    card::{
        EntryId, Hold, MemoryWriteJournal, PendingEntry, PendingSummary, PendingWrite, WriteJournal,
        WriteJournalError,
    },
    ident::{Clock, Iccid},
};

/// A journal that lasts as long as the process, for jobs and claims that do.
pub struct MemoryWrites {
    journal: MemoryWriteJournal,
    memory: Arc<Memory>,
    clock: Arc<dyn Clock>,
}

impl MemoryWrites {
    /// An empty journal; `memory` has the jobs and claims of the cards.
    pub fn new(memory: Arc<Memory>, clock: Arc<dyn Clock>) -> Self {
        Self { journal: MemoryWriteJournal::new(), memory, clock }
    }
}

impl std::fmt::Debug for MemoryWrites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryWrites").finish_non_exhaustive()
    }
}

impl WriteJournal for MemoryWrites {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        self.journal.pending(card)
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        let hold = self.journal.begin(write)?;
        self.memory.outdate(&write.card);
        self.memory.overwritten(&write.card, self.clock.now());
        Ok(hold)
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.journal.replace(hold, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        let hold = self.journal.take(card, entry)?;
        self.memory.outdate(card);
        Ok(hold)
    }

    fn leave(&self, hold: &Hold) {
        self.journal.leave(hold);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.journal.close(hold)
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.journal.list()
    }
}
