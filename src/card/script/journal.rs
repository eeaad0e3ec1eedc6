//! A script in the journal of writes: what it changes is entered step by step, old and new, before it is sent.
//!
//! A plan is known as a whole before its first step; a script finds out as it goes. So its entry grows, and can only be taken
//! back: what the script would have done next is in nobody's hands. It is closed when the script has come to its end, or
//! when nothing that it sent has changed anything; a script that stops in the middle leaves it, as one that was cut off does.
//! What it does to keys is entered too; that cannot be taken back, and says which values are no longer to be presented. So it stays in
//! the entry of a script that stops, also where nothing else is there.

use zeroize::Zeroizing;

use crate::{
    card::{
        FilePath, WriteJournal, WriteJournalError,
        apply::free,
        pending::{ChangedKey, HeldEntry, Origin, PendingWrite, Touch},
    },
    ident::Iccid,
    wire::{apdu::CommandApdu, arr::KeyRef, fcp::Fcp, script::Position},
};

use super::{ScriptError, run::Run};

/// The entry of a script.
pub(super) struct Ledger<'a> {
    writes: &'a dyn WriteJournal,
    write: PendingWrite,
    held: Option<HeldEntry<'a>>,
    /// Whether the entry says more than was done.
    outdated: bool,
}

impl<'a> Ledger<'a> {
    /// For a script of that name on a card; nothing is entered yet.
    pub(super) fn new(writes: &'a dyn WriteJournal, card: &Iccid, name: &str) -> Self {
        let write = PendingWrite {
            card: card.clone(),
            keys: Vec::new(),
            reference: Some(format!("script {name}")),
            origin: Origin::Script,
            touches: Vec::new(),
            changed_keys: Vec::new(),
        };
        Self { writes, write, held: None, outdated: false }
    }

    /// Refuses a card with a write that is not settled.
    pub(super) fn free(&self) -> Result<(), WriteJournalError> {
        free(self.writes, &self.write.card)
    }

    /// Notes a key that the card has taken: to take the script back needs it too.
    pub(super) fn presented(&mut self, key: KeyRef) {
        if !self.write.keys.contains(&key) {
            self.write.keys.push(key);
        }
    }

    fn enter(&mut self, touch: Touch) -> Result<(), WriteJournalError> {
        self.write.touches.push(touch);
        self.keep()
    }

    /// Enters what is about to be done to a key.
    pub(super) fn change_key(&mut self, changed: ChangedKey) -> Result<(), WriteJournalError> {
        self.write.changed_keys.push(changed);
        self.keep()
    }

    /// What was entered last of a key was not done.
    pub(super) fn key_stayed(&mut self) -> Result<(), WriteJournalError> {
        self.write.changed_keys.pop();
        self.keep()
    }

    fn keep(&mut self) -> Result<(), WriteJournalError> {
        match &self.held {
            Some(held) => held.replace(&self.write)?,
            None => self.held = Some(HeldEntry::begin(self.writes, &self.write)?),
        }
        self.outdated = false;
        Ok(())
    }

    /// What was entered last was not done. An entry that went on saying so would call a card lost that nothing was done to.
    fn was_not_done(&mut self) {
        self.write.touches.pop();
        self.outdated = true;
        // When that fails, it is tried once more with whatever is entered next, and at the end.
        let _ = self.keep();
    }

    /// The script is over. True when what it has changed stays in the journal. Of keys there is nothing to take back, and whoever has
    /// the card next must know all the same: the values at hand may be the old ones.
    pub(super) fn end(mut self, came_to_its_end: bool) -> Result<bool, WriteJournalError> {
        if self.outdated && !came_to_its_end && !self.write.is_empty() {
            self.keep()?;
        }
        match self.held {
            None => Ok(false),
            Some(held) if came_to_its_end || self.write.is_empty() => held.close().map(|()| false),
            Some(_) => Ok(true),
        }
    }
}

impl Run<'_, '_> {
    /// Enters what is about to be sent, also what is there already: cut off in the middle, that too leaves octets erased.
    pub(super) fn enter(&mut self, at: Position, touch: Touch) -> Result<(), ScriptError> {
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        self.entered = true;
        ledger.enter(touch).map_err(|source| ScriptError::Journal { at, source })
    }

    /// Whether the entry says that the script has created a file.
    pub(super) fn has_created(&self, file: &FilePath) -> bool {
        let is_it = |touch: &Touch| matches!(touch, Touch::Create { file: of, .. } if of == file);
        self.ledger.as_ref().is_some_and(|ledger| ledger.write.touches.iter().any(is_it))
    }

    /// Nothing of what is sent next is in the journal yet: an answer says nothing of what went before.
    pub(super) fn begin(&mut self) {
        self.entered = false;
        self.before.clear();
    }

    /// The card has done the last thing. One that has brought what was there already needs no way back.
    pub(super) fn was_done(&mut self) {
        let last = self.ledger.as_ref().and_then(|ledger| ledger.write.touches.last());
        let changes_nothing = match last {
            Some(Touch::Active { old, new, .. }) => old == new,
            Some(
                Touch::Octets { old, new, .. }
                | Touch::Record { old, new, .. }
                | Touch::Object { old, new, .. },
            ) => old == new,
            _ => false,
        };
        let entered = std::mem::take(&mut self.entered);
        if let (Some(ledger), true) = (&mut self.ledger, entered && changes_nothing) {
            // It may stay in the entry as it is kept: to take it back is to do nothing.
            ledger.write.touches.pop();
        }
    }

    /// The card has said that the last thing was not done.
    pub(super) fn was_not_done(&mut self) {
        if let (Some(ledger), true) = (&mut self.ledger, std::mem::take(&mut self.entered)) {
            ledger.was_not_done();
        }
    }
}

/// Octets of a transparent file change.
pub(super) fn octets(file: FilePath, at: usize, old: &[u8], new: &[u8]) -> Touch {
    let (old, new) = (Zeroizing::new(old.to_vec()), Zeroizing::new(new.to_vec()));
    Touch::Octets { file, at, known: old.len(), old, new }
}

/// A record changes.
pub(super) fn record(file: FilePath, number: u8, old: &[u8], new: &[u8]) -> Touch {
    Touch::Record { file, number, old: Zeroizing::new(old.to_vec()), new: Zeroizing::new(new.to_vec()) }
}

/// A file is created. With a template that we do not understand nobody could tell the file again.
pub(super) fn created(file: FilePath, apdu: &CommandApdu) -> Touch {
    match Fcp::decode(apdu.data()) {
        Ok(fcp) => Touch::Create { file, fcp },
        Err(_) => Touch::Other { file, what: "CREATE FILE".into() },
    }
}
