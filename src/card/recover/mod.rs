//! After a cut: where a write stopped, and the way on to its end or back to its beginning.
//!
//! A write is a row of steps, each read back before the next. So after a cut a card shows the first of them done, the rest
//! not, and the one between in any state: that one UPDATE of several octets happens as a whole is not assumed. A card that
//! shows anything else was changed by somebody else meanwhile, and is left alone.
//!
//! The way on goes in the plan's order, the way back in the reverse: what leads to a live file is taken away first, and put
//! back last, so on either way too a device sees the old bootstrap, none, or the new one. Either may be cut off and gone
//! again. Keys go through the [`KeyGuard`] as for every write.

mod error;
mod forget;
mod looks;
mod needed;
mod seen;
mod standing;
mod way;

use crate::{
    ident::Iccid,
    wire::arr::{KeyRef, Operation},
};

use super::{
    FileError, FilePath, FileSystem, Key, KeyGuard, Written,
    apply::present_keys,
    observer::{Settled, WriteObserver},
    pending::{ChangedKey, HeldEntry, Origin, PendingEntry, PendingWrite, Touch, WriteJournal},
};

pub use error::RecoverError;
pub use forget::forget;
pub use looks::Looks;
pub use standing::{Standing, StepStanding, StepState};
pub use way::Way;

/// What a recovery did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Recovered {
    /// The card.
    pub card: Iccid,
    /// What the write was for, in the words of whoever began it.
    pub reference: Option<String>,
    /// What it holds now.
    pub now: Now,
    /// What was written for it, in order.
    pub written: Vec<Written>,
    /// Files that were deleted.
    pub deleted: Vec<FilePath>,
    /// Files that the write had created and that the card does not delete: they are empty, and nothing leads to them.
    pub left_empty: Vec<FilePath>,
    /// What a script has done to keys, or was about to do: that is not taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys_stay: Vec<ChangedKey>,
}

/// What a card holds after a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Now {
    /// What it held before the write.
    Old,
    /// What the write was to bring.
    New,
}

/// Sees how far a write came. The card is read, nothing on it is changed and no key is presented.
///
/// # Errors
/// [`RecoverError`]; [`RecoverError::Changed`] when it is not between old and new, [`RecoverError::NoWayBack`] when a script
/// has done what nobody can take back.
pub fn examine(fs: &mut FileSystem<'_>, write: &PendingWrite) -> Result<Standing, RecoverError> {
    if let Some(step) = write.touches.iter().find(|touch| matches!(touch, Touch::Other { .. })) {
        return Err(RecoverError::NoWayBack { file: step.file().clone(), what: step.what() });
    }
    let seen = seen::look(fs, write).map_err(|error| match (error, write.replaced_pin()) {
        // It would have to be presented to see anything.
        (RecoverError::Denied { .. }, Some(key)) => RecoverError::KeyReplaced { key },
        (error, _) => error,
    })?;
    Standing::of(write, seen)
}

/// As [`examine`]. Where the card lets none of it be seen without a key that the write has taken too, that is presented: it is needed for
/// either way. Which keys those were.
fn examine_with_keys(
    fs: &mut FileSystem<'_>,
    write: &PendingWrite,
    keys: &[Key],
    guard: &KeyGuard<'_>,
) -> Result<(Standing, Vec<KeyRef>), RecoverError> {
    let denied = match examine(fs, write) {
        Err(denied @ RecoverError::Denied { .. }) => denied,
        other => return Ok((other?, Vec::new())),
    };
    let mut needed: Vec<KeyRef> = Vec::new();
    for file in write.files() {
        // Keys of the write alone; a PIN that is needed besides is presented by whoever calls.
        let condition = match fs.rights(file) {
            Ok(rights) => rights.condition(Operation::Read),
            Err(FileError::Transport(error)) => return Err(error.into()),
            Err(_) => None,
        };
        let is_class_a0 = !fs.creates_files();
        let asked = condition.map(|condition| needed::keys_to_look(&condition, &write.keys, is_class_a0));
        for key in asked.unwrap_or_default() {
            if !needed.contains(&key) {
                needed.push(key);
            }
        }
    }
    if needed.is_empty() {
        return Err(denied);
    }
    if let Some(key) = needed.iter().copied().find(|key| write.has_replaced(*key)) {
        return Err(RecoverError::KeyReplaced { key });
    }
    present_keys(fs, Some(&write.card), &needed, keys, guard)?;
    Ok((examine(fs, write)?, needed))
}

/// Goes on to the end of a write, or back to its beginning; reads all of it back, tells `observer`, and closes it in the
/// journal.
///
/// # Errors
/// [`RecoverError`]. The write stays in the journal, so that it can be tried again.
pub fn recover(
    fs: &mut FileSystem<'_>,
    entry: &PendingEntry,
    way: Way,
    keys: &[Key],
    guard: &KeyGuard<'_>,
    writes: &dyn WriteJournal,
    observer: &mut dyn WriteObserver,
) -> Result<Recovered, RecoverError> {
    let write = &entry.write;
    let iccid = fs.iccid()?;
    if iccid != write.card {
        return Err(RecoverError::OtherCard { meant: write.card.clone(), found: iccid });
    }
    if (way, write.origin) == (Way::Resume, Origin::Script) {
        return Err(RecoverError::NoWayOn);
    }
    // Nobody else may settle it meanwhile, nor may we while somebody still writes.
    let held = HeldEntry::take(writes, &iccid, entry.id)?;
    let (mut standing, presented) = examine_with_keys(fs, write, keys, guard)?;
    let now = match way {
        Way::Resume => Now::New,
        Way::RollBack => Now::Old,
        Way::Settle if standing.is_new() && write.origin == Origin::Plan => Now::New,
        Way::Settle => Now::Old,
    };
    // One that was needed to look is not sent twice.
    let needed: Vec<KeyRef> = write.keys.iter().copied().filter(|key| !presented.contains(key)).collect();
    let present = |fs: &mut FileSystem<'_>| {
        if let Some(key) = write.keys.iter().copied().find(|key| write.has_replaced(*key)) {
            return Err(RecoverError::KeyReplaced { key });
        }
        Ok(present_keys(fs, Some(&write.card), &needed, keys, guard)?)
    };
    // What is not seen is not said to be as it was: such files are activated, looked at, and put back at the very end.
    let hiding = if now == Now::Old { std::mem::take(&mut standing.hiding) } else { Vec::new() };
    if !hiding.is_empty() {
        present(fs)?;
        for file in &hiding {
            fs.activate(file, true)?;
        }
        standing = examine(fs, write)?;
    }
    let moves = way::moves(&standing, write, now, fs)?;
    let mut recovered = Recovered {
        card: iccid,
        reference: write.reference.clone(),
        now,
        written: Vec::new(),
        deleted: Vec::new(),
        left_empty: Vec::new(),
        keys_stay: write.changed_keys.clone(),
    };
    if !moves.is_empty() {
        if hiding.is_empty() {
            present(fs)?;
        }
        let (last, moves): (Vec<_>, Vec<_>) = moves.into_iter().partition(|step| step.hides(write));
        way::go(fs, moves, &mut recovered)?;
        if !last.is_empty() {
            if !Standing::content_is_old(write, &seen::look(fs, write)?) {
                return Err(RecoverError::NotThere { now });
            }
            way::go(fs, last, &mut recovered)?;
        }
        // Once more all of it: what is said now is said of what was read.
        let after = examine(fs, write)?;
        let there = match now {
            Now::New => after.is_new(),
            Now::Old => after.shows_old(),
        };
        if !there {
            return Err(RecoverError::NotThere { now });
        }
        recovered.left_empty = match now {
            Now::New => Vec::new(),
            Now::Old => after.left_over(write),
        };
    }
    forget::doubt_replaced(write, guard)?;
    observer.settled(&Settled { reference: write.reference.as_deref(), now, why: None })?;
    held.close()?;
    Ok(recovered)
}

/// What is to be done before anything is planned for a card: a write that was cut off is taken back, or closed when all of it
/// is there. None when there was none, or another has settled it meanwhile.
///
/// # Errors
/// [`RecoverError`]; then nothing may be planned for the card.
pub fn settle(
    fs: &mut FileSystem<'_>,
    card: &Iccid,
    keys: &[Key],
    guard: &KeyGuard<'_>,
    writes: &dyn WriteJournal,
    observer: &mut dyn WriteObserver,
) -> Result<Option<Recovered>, RecoverError> {
    let mut looks = Looks::default();
    loop {
        let Some(entry) = writes.pending(card)? else { return Ok(None) };
        match recover(fs, &entry, Way::Settle, keys, guard, writes, observer) {
            Err(error) if looks.again(&error) => {}
            ended => return ended.map(Some),
        }
    }
}

impl std::fmt::Display for Recovered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.now {
            Now::Old if !self.keys_stay.is_empty() => {
                "the card's files hold what they held before the interrupted script; its keys do not"
            }
            Now::Old => "the card holds what it held before the interrupted write",
            Now::New => "the card holds what the interrupted write was to bring",
        })?;
        self.written.iter().try_for_each(|written| write!(f, "\n  {written}"))?;
        self.deleted.iter().try_for_each(|file| write!(f, "\n  {file} deleted"))?;
        self.keys_stay.iter().try_for_each(|changed| write!(f, "\n  not taken back: {changed}"))?;
        if self.keys_stay.iter().any(|changed| !changed.replaced().is_empty()) {
            let card = &self.card;
            write!(
                f,
                "\n  no value of it goes to the card before somebody has found out which one it takes: then run \
                 `bootgate card clear-refusal --iccid {card}`"
            )?;
        }
        self.left_empty.iter().try_for_each(|file| {
            write!(
                f,
                "\n  {file} stays: it is empty and nothing leads to it, and the card does not delete it"
            )
        })
    }
}
