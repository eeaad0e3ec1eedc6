//! An entry of the journal in the hands of whoever works on it.

use super::{EntryId, PendingWrite, WriteJournal, WriteJournalError};
use crate::ident::Iccid;

/// An entry that its holder has begun or taken. It is left for the next contact with the card when it is dropped unclosed,
/// also by a panic.
pub(in crate::card) struct Held<'a> {
    writes: &'a dyn WriteJournal,
    card: Iccid,
    id: EntryId,
    closed: bool,
}

impl<'a> Held<'a> {
    /// Begins an entry.
    pub(in crate::card) fn begin(
        writes: &'a dyn WriteJournal,
        write: &PendingWrite,
    ) -> Result<Self, WriteJournalError> {
        let id = writes.begin(write)?;
        Ok(Self { writes, card: write.card.clone(), id, closed: false })
    }

    /// Takes one that nobody works on.
    pub(in crate::card) fn take(
        writes: &'a dyn WriteJournal,
        card: &Iccid,
        id: EntryId,
    ) -> Result<Self, WriteJournalError> {
        writes.take(card, id)?;
        Ok(Self { writes, card: card.clone(), id, closed: false })
    }

    /// Lets it hold this.
    pub(in crate::card) fn replace(&self, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.writes.replace(self.id, write)
    }

    /// Closes it.
    pub(in crate::card) fn close(mut self) -> Result<(), WriteJournalError> {
        self.writes.close(&self.card, self.id)?;
        self.closed = true;
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.writes.leave(self.id);
        }
    }
}
