//! Carries out a plan: keys, then the journal, then one operation after the other, each read back, then the journal again.
//! "Done" is said of what was read back and of nothing else.

use std::{fmt, ops::Range};

use super::{
    ApduCounts, FileError, FilePath, FileSystem, Key, KeyError, KeyGuard, Plan, TransportError, WriteJournal,
    WriteJournalError,
    pending::{complete, pending},
    plan::{Operation, Region},
    rights::is_pin,
};
use crate::{
    ident::Iccid,
    wire::{apdu::CommandApdu, arr::KeyRef},
};

/// The most octets of one READ BINARY.
const READ_BLOCK: usize = 256;
/// Octets that need no writing are written along when there are so few of them between two that do: a command costs more.
const GAP: usize = 32;

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
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Created => write!(f, "{} created", self.file),
            Change::Octets { from, count } => write!(f, "{}: {count} octets from {from}", self.file),
            Change::Record(number) => write!(f, "{}: record {number}", self.file),
        }
    }
}

/// Why a plan was not carried out to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The plan was made in another session; the card may have changed since.
    #[error("the plan was made before the card was connected anew; plan again")]
    Stale,
    /// A key that the plan needs was not given. Nothing was written.
    #[error("key {key} is needed and was not given; nothing was written")]
    KeyMissing {
        /// The key.
        key: KeyRef,
    },
    /// A key was not presented or not accepted. Nothing was written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal of writes cannot be used, or holds an unsettled write to the card. Nothing was written.
    #[error("nothing was written: {0}")]
    Journal(#[from] WriteJournalError),
    /// All was written and read back, but the journal of writes could not be told.
    #[error(
        "all was written and read back, but the journal of writes was not closed; the next contact closes it: {0}"
    )]
    NotClosed(#[source] WriteJournalError),
    /// The card refused before anything was written.
    #[error("nothing was written: {source}")]
    NothingWritten {
        /// What it refused.
        source: FileError,
    },
    /// The card refused in the middle. What was written is known.
    #[error("only a part was written ({}): {source}. A device sees no bootstrap, or the new one; plan again", list(.written))]
    Partial {
        /// What was written.
        written: Vec<Written>,
        /// What it refused.
        source: FileError,
    },
    /// What was read back is not what was written.
    #[error("{file} holds something else at {at} than was written there (written: {}); the card may be worn", list(.written))]
    Mismatch {
        /// The file.
        file: FilePath,
        /// The first octet that differs.
        at: usize,
        /// What was written.
        written: Vec<Written>,
    },
    /// The card said something else than that it was done, or that nothing was: the last thing may be done, half done or not
    /// done.
    #[error(
        "the card does not say that nothing was changed: {source}; what is in the last file is not known (written: {}; \
         {doing} may be). The card's memory may be worn", list(.written)
    )]
    Damaged {
        /// What was written for certain.
        written: Vec<Written>,
        /// What may have been written.
        doing: Box<Written>,
        /// What the card said.
        source: Box<FileError>,
    },
    /// An answer was lost in the middle: the card may or may not have done the last thing.
    #[error("the answer was lost while writing; what is on the card is not known (written: {}; {doing} may be)", list(.written))]
    Unknown {
        /// What was written for certain.
        written: Vec<Written>,
        /// What may have been written.
        doing: Box<Written>,
        /// How the answer was lost.
        source: TransportError,
    },
}

impl ApplyError {
    /// True when the card is for certain as it was before.
    pub fn wrote_nothing(&self) -> bool {
        match self {
            Self::Stale
            | Self::KeyMissing { .. }
            | Self::Key(_)
            | Self::Journal(_)
            | Self::NothingWritten { .. } => true,
            Self::Partial { .. }
            | Self::Mismatch { .. }
            | Self::Unknown { .. }
            | Self::Damaged { .. }
            | Self::NotClosed(_) => false,
        }
    }
}

fn list(written: &[Written]) -> String {
    match written {
        [] => "nothing".into(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// Carries out a plan in the session that it was made in. What the card holds and is to hold is in the journal before the
/// first change, and leaves it when all was read back; a card whose number cannot be read is not written.
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
    if plan.session != fs.id() {
        return Err(ApplyError::Stale);
    }
    if plan.is_unchanged() {
        return Ok(Outcome::Unchanged);
    }
    let card = plan.iccid.as_ref().ok_or(KeyError::NoIccid)?;
    if writes.pending(card)?.is_some() {
        return Err(WriteJournalError::Pending { card: card.clone() }.into());
    }
    present_keys(fs, Some(card), &plan.keys, keys, guard)?;
    let mut operations = plan.operations.clone();
    complete(fs, &mut operations).map_err(|source| ApplyError::NothingWritten { source })?;
    writes.begin(&pending(card, plan, &operations))?;
    let mut work = Work::new(fs);
    let done = operations.iter().try_for_each(|operation| work.carry_out(operation));
    let written = work.written;
    match done {
        Ok(()) => writes.close(card).map_err(ApplyError::NotClosed)?,
        Err(error) => {
            if error.wrote_nothing() {
                // The news is why nothing was written; an entry that stays is found to be of an untouched card.
                let _ = writes.close(card);
            }
            return Err(error);
        }
    }
    Ok(Outcome::Written { written, apdus: fs.session().counts() })
}

/// Presents the keys that are needed.
pub(super) fn present_keys(
    fs: &mut FileSystem<'_>,
    card: Option<&Iccid>,
    needed: &[KeyRef],
    keys: &[Key],
    guard: &KeyGuard<'_>,
) -> Result<(), ApplyError> {
    for needed in needed {
        match keys.iter().find(|key| key.reference == *needed) {
            Some(key) => {
                guard.present(fs.session_mut(), card, key)?;
            }
            // A PIN that is switched off counts as presented.
            None if is_pin(*needed) && guard.is_not_needed(fs.session_mut(), *needed)? => {}
            None => return Err(ApplyError::KeyMissing { key: *needed }),
        }
    }
    Ok(())
}

/// Operations under way.
pub(super) struct Work<'a, 't> {
    fs: &'a mut FileSystem<'t>,
    /// What was done so far.
    pub(super) written: Vec<Written>,
    /// What the last writing command was to do; it stays after the answer, so that a loss while reading back names it.
    doing: Option<Written>,
}

impl<'a, 't> Work<'a, 't> {
    /// Nothing done yet.
    pub(super) fn new(fs: &'a mut FileSystem<'t>) -> Self {
        Self { fs, written: Vec::new(), doing: None }
    }

    pub(super) fn carry_out(&mut self, operation: &Operation) -> Result<(), ApplyError> {
        match operation {
            Operation::Create { file, fcp } => {
                self.doing = Some(Written { file: file.clone(), change: Change::Created });
                let created = self.fs.create(file, fcp);
                self.note(created)
            }
            Operation::TakeOut { file, at, .. } => {
                self.write(file, *at, &[0xFF])?;
                self.compare(file, *at, &[0xFF])
            }
            Operation::Write(region) => self.write_region(region),
            Operation::PutIn { file, at, octet } => {
                self.write(file, *at, &[*octet])?;
                self.compare(file, *at, &[*octet])
            }
            Operation::Record { file, number, octets, .. } => {
                self.doing = Some(Written { file: file.clone(), change: Change::Record(*number) });
                let written = self.fs.write_record(file, *number, octets);
                self.note(written)?;
                let read = self.fs.read_record(file, *number);
                let read = self.check(read)?;
                let mut wanted = octets.clone();
                wanted.resize(read.len(), 0xFF);
                self.same(file, 0, &read, &wanted)
            }
        }
    }

    fn write_region(&mut self, region: &Region) -> Result<(), ApplyError> {
        let old = |at: usize| region.old.get(at).copied().flatten();
        let differs = |at: usize, new: u8| match old(at) {
            Some(octet) => octet != new,
            // FF is what a file is filled with; where it is not, reading back shows it.
            None => new != 0xFF,
        };
        let places = |wanted: &dyn Fn(usize, u8) -> bool| -> Vec<usize> {
            region.new.iter().enumerate().filter(|(at, new)| wanted(*at, **new)).map(|(at, _)| at).collect()
        };
        let to_write = runs(&places(&differs), CommandApdu::MAX_DATA, GAP);
        self.write_runs(region, &to_write)?;
        let to_read = places(&|at, new| differs(at, new) || old(at).is_none());
        let mut missing = Vec::new();
        for run in runs(&to_read, READ_BLOCK, READ_BLOCK) {
            let wanted = region.new.get(run.clone()).unwrap_or(&[]);
            let read = self.read(&region.file, region.at + run.start, run.len())?;
            for (at, (got, wanted)) in run.clone().zip(read.iter().zip(wanted)) {
                let written = to_write.iter().any(|r| r.contains(&at));
                match got == wanted {
                    true => {}
                    false if written => return self.mismatch(&region.file, region.at + at),
                    false => missing.push(at),
                }
            }
        }
        // Octets that were not known and turned out not to be FF.
        let more = runs(&missing, CommandApdu::MAX_DATA, GAP);
        self.write_runs(region, &more)?;
        for run in more {
            let wanted = region.new.get(run.clone()).unwrap_or(&[]);
            self.compare(&region.file, region.at + run.start, wanted)?;
        }
        Ok(())
    }

    fn write_runs(&mut self, region: &Region, runs: &[Range<usize>]) -> Result<(), ApplyError> {
        for run in runs {
            let octets = region.new.get(run.clone()).unwrap_or(&[]);
            self.write(&region.file, region.at + run.start, octets)?;
        }
        Ok(())
    }

    fn write(&mut self, file: &FilePath, at: usize, octets: &[u8]) -> Result<(), ApplyError> {
        let change = Change::Octets { from: at, count: octets.len() };
        self.doing = Some(Written { file: file.clone(), change });
        let written = self.fs.write(file, at, octets);
        self.note(written)
    }

    fn read(&mut self, file: &FilePath, at: usize, length: usize) -> Result<Vec<u8>, ApplyError> {
        let read = self.fs.read(file, at, length);
        self.check(read)
    }

    fn compare(&mut self, file: &FilePath, at: usize, wanted: &[u8]) -> Result<(), ApplyError> {
        let read = self.read(file, at, wanted.len())?;
        self.same(file, at, &read, wanted)
    }

    fn same(&mut self, file: &FilePath, at: usize, read: &[u8], wanted: &[u8]) -> Result<(), ApplyError> {
        match read.iter().zip(wanted).position(|(got, wanted)| got != wanted) {
            Some(place) => self.mismatch(file, at + place),
            None => Ok(()),
        }
    }

    fn mismatch(&mut self, file: &FilePath, at: usize) -> Result<(), ApplyError> {
        Err(ApplyError::Mismatch { file: file.clone(), at, written: std::mem::take(&mut self.written) })
    }

    /// Books what was written, or says what the failure leaves behind.
    fn note(&mut self, done: Result<(), FileError>) -> Result<(), ApplyError> {
        self.check(done)?;
        self.written.extend(self.doing.clone());
        Ok(())
    }

    fn check<T>(&mut self, done: Result<T, FileError>) -> Result<T, ApplyError> {
        done.map_err(|source| {
            let written = std::mem::take(&mut self.written);
            match (source, self.doing.take()) {
                (FileError::Transport(source), Some(doing)) => {
                    ApplyError::Unknown { written, doing: Box::new(doing), source }
                }
                (source, Some(doing)) if source.leaves_doubt() => {
                    ApplyError::Damaged { written, doing: Box::new(doing), source: Box::new(source) }
                }
                (source, _) if written.is_empty() => ApplyError::NothingWritten { source },
                (source, _) => ApplyError::Partial { written, source },
            }
        })
    }
}

/// Groups places, which are in ascending order, into runs of at most `longest`, none with more than `gap` others between
/// two of its places.
fn runs(places: &[usize], longest: usize, gap: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for &at in places {
        match out.last_mut() {
            Some(run) if at < run.start + longest && at <= run.end + gap => run.end = at + 1,
            _ => out.push(at..at + 1),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_grouped_into_commands() {
        let all: Vec<usize> = (0..1024).collect();
        assert_eq!(runs(&all, 255, 32), [0..255, 255..510, 510..765, 765..1020, 1020..1024]);
        assert_eq!(runs(&[3, 4, 30, 100], 255, 32), [3..31, 100..101]);
        assert_eq!(runs(&[0, 33, 67], 255, 32), [0..34, 67..68]);
        assert!(runs(&[], 255, 32).is_empty());
    }
}
