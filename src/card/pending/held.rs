//! An entry of the journal in the hands of whoever works on it.

use super::{EntryId, PendingWrite, WriteJournal, WriteJournalError};
use crate::ident::Iccid;

/// A hand on an entry: that of the one contact with a card that has begun or taken it. Whoever takes the entry next has another,
/// and with this one nothing can be done to it any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// The card.
    pub card: Iccid,
    /// The entry.
    pub entry: EntryId,
    /// Which hand. A process gives each number once.
    pub number: u64,
}

/// An entry that its holder has begun or taken. It is left for the next contact with the card when it is dropped unclosed,
/// also by a panic.
#[must_use = "an entry that is dropped is left unsettled"]
pub struct HeldEntry<'a> {
    writes: &'a dyn WriteJournal,
    hold: Hold,
    closed: bool,
}

impl<'a> HeldEntry<'a> {
    /// Begins an entry.
    ///
    /// # Errors
    /// As [`WriteJournal::begin`].
    pub fn begin(writes: &'a dyn WriteJournal, write: &PendingWrite) -> Result<Self, WriteJournalError> {
        Ok(Self { writes, hold: writes.begin(write)?, closed: false })
    }

    /// Takes one that nobody works on.
    ///
    /// # Errors
    /// As [`WriteJournal::take`].
    pub fn take(
        writes: &'a dyn WriteJournal,
        card: &Iccid,
        entry: EntryId,
    ) -> Result<Self, WriteJournalError> {
        Ok(Self { writes, hold: writes.take(card, entry)?, closed: false })
    }

    /// Gives it another content.
    ///
    /// # Errors
    /// As [`WriteJournal::replace`].
    pub fn replace(&self, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.writes.replace(&self.hold, write)
    }

    /// Closes it.
    ///
    /// # Errors
    /// As [`WriteJournal::close`].
    pub fn close(mut self) -> Result<(), WriteJournalError> {
        self.writes.close(&self.hold)?;
        self.closed = true;
        Ok(())
    }
}

impl Drop for HeldEntry<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.writes.leave(&self.hold);
        }
    }
}

impl std::fmt::Debug for HeldEntry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldEntry").field("hold", &self.hold).finish_non_exhaustive()
    }
}
