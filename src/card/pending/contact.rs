//! The journal as one contact with a card uses it, and as it loses it when nobody waits for that contact any more.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{EntryId, Hold, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError};
use crate::ident::Iccid;

/// The journal in the hands of one contact with a card. A thread whose card is mute may hang in it for ever, or come back when
/// its card is in another reader and somebody else settles what it had begun. So who gives the contact up takes the entries out
/// of its hands: they are free from then on, and the contact can neither change, nor close, nor take any.
pub struct ContactWrites {
    journal: Arc<dyn WriteJournal>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    given_up: bool,
    holds: BTreeSet<Hold>,
}

impl ContactWrites {
    /// For a contact that begins.
    pub fn new(journal: Arc<dyn WriteJournal>) -> Self {
        Self { journal, held: Mutex::default() }
    }

    /// Nobody waits for the contact any more.
    pub fn give_up(&self) {
        let holds = {
            let mut held = self.held();
            held.given_up = true;
            std::mem::take(&mut held.holds)
        };
        holds.iter().for_each(|hold| self.journal.leave(hold));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self, card: &Iccid) -> Result<(), WriteJournalError> {
        match self.held().given_up {
            true => Err(WriteJournalError::GivenUp { card: card.clone() }),
            false => Ok(()),
        }
    }

    /// Notes an entry that came into its hands. The journal may have been waited for, and the contact been given up meanwhile.
    fn hold(&self, hold: Hold) -> Result<Hold, WriteJournalError> {
        let given_up = {
            let mut held = self.held();
            if !held.given_up {
                held.holds.insert(hold.clone());
            }
            held.given_up
        };
        if given_up {
            self.journal.leave(&hold);
            return Err(WriteJournalError::GivenUp { card: hold.card });
        }
        Ok(hold)
    }
}

impl WriteJournal for ContactWrites {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        self.journal.pending(card)
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        self.wanted(&write.card)?;
        self.hold(self.journal.begin(write)?)
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.wanted(&hold.card)?;
        self.journal.replace(hold, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        self.wanted(card)?;
        self.hold(self.journal.take(card, entry)?)
    }

    fn leave(&self, hold: &Hold) {
        self.held().holds.remove(hold);
        self.journal.leave(hold);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.wanted(&hold.card)?;
        self.journal.close(hold)?;
        self.held().holds.remove(hold);
        Ok(())
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.journal.list()
    }
}

impl fmt::Debug for ContactWrites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactWrites").finish_non_exhaustive()
    }
}
