//! Carries out a plan: keys, then the journal, then one operation after the other, each read back, then the journal again.
//! "Done" is said of what was read back and of nothing else.

mod error;
mod work;

use std::fmt;

pub use error::ApplyError;
pub(super) use work::Work;

use super::{
    ApduCounts, FilePath, FileSystem, Key, KeyError, KeyGuard, Now, Plan, WriteJournal, WriteJournalError,
    observer::{Settled, Unobserved, WriteObserver},
    pending::{HeldEntry, complete, pending},
    rights::is_pin,
};
use crate::{
    ident::{Iccid, counted},
    wire::arr::KeyRef,
};

/// What became of a plan that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Outcome {
    /// The card was as it should be already; nothing was sent.
    Unchanged,
    /// This was written and read back.
    Written {
        /// In order.
        written: Vec<Written>,
        /// What went over the wire since the card was connected.
        apdus: ApduCounts,
    },
}

/// Something that was done to a card.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The file.
    pub file: FilePath,
    /// What was done to it.
    pub change: Change,
}

/// What was done to a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was created.
    Created,
    /// Octets were written.
    Octets {
        /// The first.
        from: usize,
        /// How many.
        count: usize,
    },
    /// A record was written.
    Record(u8),
    /// A data object was put in place, or taken away.
    Object {
        /// Its tag.
        tag: u8,
        /// Whether it was taken away.
        away: bool,
    },
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Created => write!(f, "{} created", self.file),
            Change::Octets { from, count } => {
                write!(f, "{}: {} from {from}", self.file, counted(count, "octet"))
            }
            Change::Record(number) => write!(f, "{}: record {number}", self.file),
            Change::Object { tag, away: false } => write!(f, "{}: data object {tag:02X}", self.file),
            Change::Object { tag, away: true } => write!(f, "{}: data object {tag:02X} away", self.file),
        }
    }
}

/// Carries out a plan in the session that it was made in, for nobody who has to be told: see [`apply_for`].
///
/// # Errors
/// [`ApplyError`]; which one says whether anything was written. A write that stopped in the middle stays in the journal.
pub fn apply(
    fs: &mut FileSystem<'_>,
    plan: &Plan,
    keys: &[Key],
    guard: &KeyGuard<'_>,
    writes: &dyn WriteJournal,
) -> Result<Outcome, ApplyError> {
    apply_for(fs, plan, keys, guard, writes, &mut Unobserved)
}

/// Carries out a plan in the session that it was made in. What the card holds and is to hold is in the journal before
/// `observer` hears of it and before the first change, and leaves it when all was read back and `observer` knows: whatever
/// is cut off between two of these, the entry is there and the next contact with the card settles it. A card whose number
/// cannot be read is not written.
///
/// # Errors
/// [`ApplyError`]; which one says whether anything was written. A write that stopped in the middle stays in the journal.
pub fn apply_for(
    fs: &mut FileSystem<'_>,
    plan: &Plan,
    keys: &[Key],
    guard: &KeyGuard<'_>,
    writes: &dyn WriteJournal,
    observer: &mut dyn WriteObserver,
) -> Result<Outcome, ApplyError> {
    if plan.session != fs.id() {
        return Err(ApplyError::Stale);
    }
    if plan.is_unchanged() {
        return Ok(Outcome::Unchanged);
    }
    let card = plan.iccid.as_ref().ok_or(KeyError::NoIccid)?;
    free(writes, card)?;
    present_keys(fs, Some(card), &plan.keys, keys, guard)?;
    let mut operations = plan.operations.clone();
    complete(fs, &mut operations).map_err(|source| ApplyError::NothingWritten { source })?;
    let entry = HeldEntry::begin(writes, &pending(card, plan, &operations))?;
    let reference = plan.reference.as_deref();
    if let Err(error) = observer.begun(reference) {
        // An entry that stays is found to be of an untouched card.
        let _ = entry.close();
        return Err(ApplyError::NotBegun(error));
    }
    let mut work = Work::new(fs);
    let done = operations.iter().try_for_each(|operation| work.carry_out(operation));
    let written = work.written;
    match done {
        Ok(()) => {
            let settled = Settled { reference, now: Now::New, why: None };
            let told = observer.settled(&settled);
            told.map_err(|source| ApplyError::NotTold { now: Now::New, source })?;
            entry.close().map_err(ApplyError::NotClosed)?;
        }
        Err(error) => {
            if error.wrote_nothing() {
                let settled = Settled { reference, now: Now::Old, why: Some(&error) };
                observer.settled(&settled).map_err(|source| ApplyError::NotTold { now: Now::Old, source })?;
                // The news is why nothing was written; an entry that stays is found to be of an untouched card.
                let _ = entry.close();
            }
            return Err(error);
        }
    }
    Ok(Outcome::Written { written, apdus: fs.session().counts() })
}

/// Refuses a card with a write that is not settled.
pub(super) fn free(writes: &dyn WriteJournal, card: &Iccid) -> Result<(), WriteJournalError> {
    match writes.pending(card)? {
        Some(entry) if entry.under_way => Err(WriteJournalError::UnderWay { card: card.clone() }),
        Some(_) => Err(WriteJournalError::Pending { card: card.clone() }),
        None => Ok(()),
    }
}

/// Presents the keys that are needed. None is sent before it is known that all of them are held and that the guard would let each
/// of them go: a key that goes to the card for nothing is a try that is risked for nothing.
pub(super) fn present_keys(
    fs: &mut FileSystem<'_>,
    card: Option<&Iccid>,
    needed: &[KeyRef],
    keys: &[Key],
    guard: &KeyGuard<'_>,
) -> Result<(), ApplyError> {
    let mut held = Vec::new();
    for needed in needed {
        match keys.iter().find(|key| key.id == *needed) {
            Some(key) => held.push(key),
            // A PIN that is switched off counts as presented.
            None if is_pin(*needed) && guard.is_not_needed(fs.session_mut(), *needed)? => {}
            None => return Err(ApplyError::KeyMissing { key: *needed, places: Vec::new() }),
        }
    }
    // The guard looks at each key again before it sends it, so one alone needs no look of its own.
    if held.len() > 1 {
        for key in &held {
            guard.look(fs.session_mut(), card, key.id)?;
        }
    }
    for key in held {
        guard.present(fs.session_mut(), card, key)?;
    }
    Ok(())
}
