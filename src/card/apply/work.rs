//! One operation after the other, each read back.

use std::ops::Range;

use super::{ApplyError, Change, Written};
use crate::{
    card::{
        FileError, FilePath, FileSystem,
        plan::{Operation, Region},
    },
    wire::apdu::CommandApdu,
};

/// The most octets of one READ BINARY.
const READ_BLOCK: usize = 256;
/// Octets that need no writing are written along when there are so few of them between two that do: a command costs more.
const GAP: usize = 32;

/// Operations under way.
pub(in crate::card) struct Work<'a, 't> {
    fs: &'a mut FileSystem<'t>,
    /// What was done so far.
    pub(in crate::card) written: Vec<Written>,
    /// What the last writing command was to do; it stays after the answer, so that a loss while reading back names it.
    doing: Option<Written>,
}

impl<'a, 't> Work<'a, 't> {
    /// Nothing done yet.
    pub(in crate::card) fn new(fs: &'a mut FileSystem<'t>) -> Self {
        Self { fs, written: Vec::new(), doing: None }
    }

    pub(in crate::card) fn carry_out(&mut self, operation: &Operation) -> Result<(), ApplyError> {
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
            Operation::Object { file, tag, new, .. } => self.object(file, *tag, new.as_deref()),
        }
    }

    /// Puts a data object in place, or takes it away, and reads it back.
    fn object(&mut self, file: &FilePath, tag: u8, new: Option<&[u8]>) -> Result<(), ApplyError> {
        self.doing =
            Some(Written { file: file.clone(), change: Change::Object { tag, away: new.is_none() } });
        let written = match new {
            Some(new) => self.fs.set(file, new),
            None => self.fs.delete_object(file, tag),
        };
        self.note(written)?;
        let read = self.fs.retrieve(file, tag);
        match (self.check(read)?, new) {
            (None, None) => Ok(()),
            (Some(read), Some(new)) if read == new => Ok(()),
            (Some(read), Some(new)) => {
                let at = read.iter().zip(new).position(|(read, new)| read != new);
                self.mismatch(file, at.unwrap_or(read.len().min(new.len())))
            }
            _ => self.mismatch(file, 0),
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
        let unknown = places(&|at, _| old(at).is_none());
        let mut missing = Vec::new();
        for run in read_back(&to_write, &unknown) {
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

/// What is read after `written` was sent: every octet of it, those written along included, and the places that are not known.
fn read_back(written: &[Range<usize>], unknown: &[usize]) -> Vec<Range<usize>> {
    let mut places: Vec<usize> =
        written.iter().flat_map(Clone::clone).chain(unknown.iter().copied()).collect();
    places.sort_unstable();
    places.dedup();
    runs(&places, READ_BLOCK, READ_BLOCK)
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

    #[test]
    fn what_is_written_along_is_read_back_too() {
        let differing: Vec<usize> = [0].into_iter().chain(40..=250).chain([274]).collect();
        let written = runs(&differing, CommandApdu::MAX_DATA, GAP);
        assert_eq!(written, [0..1, 40..275]);
        // Reads of 256 end elsewhere than writes of 255; 251 to 273 are between two places that differ.
        assert_eq!(read_back(&written, &[]), [0..256, 256..275]);
    }

    proptest::proptest! {
        #[test]
        fn every_octet_that_is_written_and_every_unknown_one_is_read(
            differs in proptest::collection::vec(proptest::bool::weighted(0.6), 0..1200),
            quiet in proptest::collection::vec((0..1200_usize, 1..60_usize), 0..12),
            unknown in proptest::collection::btree_set(0..1200_usize, 0..30),
        ) {
            let calm = |at: &usize| quiet.iter().any(|(from, count)| (*from..from + count).contains(at));
            let differing: Vec<usize> = (0..differs.len()).filter(|at| differs[*at] && !calm(at)).collect();
            let written = runs(&differing, CommandApdu::MAX_DATA, GAP);
            let unknown: Vec<usize> = unknown.into_iter().collect();
            let reads = read_back(&written, &unknown);
            let is_read = |at: usize| reads.iter().any(|run| run.contains(&at));
            proptest::prop_assert!(written.iter().flat_map(Clone::clone).all(is_read));
            proptest::prop_assert!(unknown.iter().copied().all(is_read));
            proptest::prop_assert!(reads.iter().all(|run| run.len() <= READ_BLOCK));
        }
    }
}
