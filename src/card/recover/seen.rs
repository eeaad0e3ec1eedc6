//! What a card shows of the files of a write.

use std::{collections::BTreeMap, fmt, ops::Range};

use crate::{
    card::{
        FileError, FilePath, FileSystem,
        pending::{ACTIVE, INACTIVE, PendingWrite, Touch, lay_out, object_in},
    },
    wire::{Decode, apdu::StatusClass, fcp::LifeCycle, tlv::Tlv},
};

use super::RecoverError;

/// What the card shows of the files of a write: an octet for each place that the write touches, file after file and record
/// after record.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) files: Vec<FilePath>,
    pub(super) exists: Vec<bool>,
    /// Which of them show nothing of what they hold, because they are not active.
    hidden: Vec<bool>,
    pub(super) spans: Vec<Span>,
    /// None: there is no such octet.
    pub(super) octets: Vec<Option<u8>>,
}

/// The octets of a file, or of a record of it, from the first to the last that the write touches.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) file: usize,
    part: Part,
    /// Where the first of them is in the file.
    at: usize,
    /// Where they are among all octets of the write.
    pub(super) places: Range<usize>,
}

/// Which octets of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Those of a transparent file.
    Octets,
    /// Those of a record.
    Record(u8),
    /// Those of a data object, laid out.
    Object(u8),
    /// No octet of it: whether it is active.
    Active,
}

impl Span {
    /// Whether it is no content.
    pub(super) fn is_life_cycle(&self) -> bool {
        self.part == Part::Active
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seen({} octets of {} files)", self.octets.len(), self.files.len())
    }
}

impl Seen {
    pub(super) fn index(&self, file: &FilePath) -> usize {
        self.files.iter().position(|known| known == file).unwrap_or(usize::MAX)
    }

    /// Whether the card shows octets that a step of a write was to bring, where it is not known what was there before.
    pub(super) fn shows_new(&self, write: &PendingWrite, touch: &Touch) -> bool {
        let (_, new) = contents(touch);
        let mut unknown = self.shown(touch).iter().zip(new.iter()).skip(known(write, touch));
        unknown.any(|(seen, new)| *new != 0xFF && *seen == Some(*new))
    }

    pub(super) fn has(&self, file: &FilePath) -> bool {
        self.exists.get(self.index(file)).copied().unwrap_or(false)
    }

    /// Files of which the write may have changed what they hold, and which do not show it.
    pub(super) fn hiding(&self, write: &PendingWrite) -> Vec<FilePath> {
        let files = self.files.iter().zip(&self.hidden).filter(|(_, hidden)| **hidden);
        files.map(|(file, _)| file).filter(|file| has_content(write, file)).cloned().collect()
    }

    /// Where the octets of a step are among all of them.
    pub(super) fn places(&self, touch: &Touch) -> Range<usize> {
        let (part, at, length) = extent(touch);
        let file = self.index(touch.file());
        let span = self.spans.iter().find(|span| (span.file, span.part) == (file, part));
        match span {
            Some(span) if length > 0 => {
                let start = span.places.start + at.saturating_sub(span.at);
                start..start + length
            }
            _ => 0..0,
        }
    }

    pub(super) fn shown(&self, touch: &Touch) -> &[Option<u8>] {
        self.octets.get(self.places(touch)).unwrap_or(&[])
    }
}

/// Which octets a step changes, from where on, and how many.
fn extent(touch: &Touch) -> (Part, usize, usize) {
    match touch {
        Touch::Create { .. } | Touch::Other { .. } => (Part::Octets, 0, 0),
        Touch::Octets { at, new, .. } => (Part::Octets, *at, new.len()),
        Touch::Record { number, new, .. } => (Part::Record(*number), 0, new.len()),
        Touch::Object { tag, new, .. } => (Part::Object(*tag), 0, new.len()),
        Touch::Active { new, .. } => (Part::Active, 0, new.len()),
    }
}

/// Old and new content of a step.
pub(super) fn contents(touch: &Touch) -> (&[u8], &[u8]) {
    match touch {
        Touch::Create { .. } | Touch::Other { .. } => (&[], &[]),
        Touch::Active { old, new, .. } => (old, new),
        Touch::Octets { old, new, .. } | Touch::Record { old, new, .. } | Touch::Object { old, new, .. } => {
            (old, new)
        }
    }
}

/// How many octets are known that were there before a step: none in a file that the same write creates. It may be emptied or
/// deleted on the way back before others are, so until it is created it may hold anything.
pub(super) fn known(write: &PendingWrite, touch: &Touch) -> usize {
    let creates = |other: &Touch| matches!(other, Touch::Create { file, .. } if file == touch.file());
    match touch {
        _ if write.touches.iter().any(creates) => 0,
        Touch::Octets { known, .. } => *known,
        _ => contents(touch).0.len(),
    }
}

/// Whether a write changes what a file holds, and not only whether it is active.
pub(super) fn has_content(write: &PendingWrite, file: &FilePath) -> bool {
    let is_content = |touch: &&Touch| !matches!(touch, Touch::Active { .. }) && extent(touch).2 > 0;
    write.touches.iter().filter(is_content).any(|touch| touch.file() == file)
}

/// Reads every file of a write.
pub(super) fn look(fs: &mut FileSystem<'_>, write: &PendingWrite) -> Result<Seen, RecoverError> {
    let files: Vec<FilePath> = write.files().into_iter().cloned().collect();
    let mut seen =
        Seen { files, exists: Vec::new(), hidden: Vec::new(), spans: Vec::new(), octets: Vec::new() };
    for (index, file) in seen.files.iter().enumerate() {
        let touches = || write.touches.iter().filter(|touch| touch.file() == file);
        let created = touches().any(|touch| matches!(touch, Touch::Create { .. }));
        let fcp = match fs.parameters(file) {
            Ok(fcp) => Some(fcp),
            Err(error) if error.is_absent() && created => None,
            Err(error) => return Err(changed(file, error)),
        };
        let there = fcp.is_some();
        let life_cycle = fcp.and_then(|fcp| fcp.life_cycle);
        // What it holds is seen when it is active again. Of one that is not, the write has said so or is about to.
        let is_hidden = life_cycle.is_some_and(LifeCycle::is_deactivated)
            && touches().any(|touch| matches!(touch, Touch::Active { .. }));
        seen.exists.push(there);
        seen.hidden.push(is_hidden);
        // From the first octet to the last, for each record.
        let mut extents: BTreeMap<Part, Range<usize>> = BTreeMap::new();
        for (part, at, length) in touches().map(extent).filter(|(.., length)| *length > 0) {
            let whole = extents.entry(part).or_insert(at..at + length);
            *whole = whole.start.min(at)..whole.end.max(at + length);
        }
        for (part, whole) in extents {
            let octets = match (there, part) {
                (false, _) => Vec::new(),
                (true, Part::Active) => match life_cycle {
                    Some(is) if is.is_activated() => ACTIVE.to_vec(),
                    Some(is) if is.is_deactivated() => INACTIVE.to_vec(),
                    _ => return Err(RecoverError::Changed { file: file.clone() }),
                },
                (true, _) if is_hidden => Vec::new(),
                (true, Part::Octets) => {
                    fs.read(file, whole.start, whole.len()).map_err(|error| changed(file, error))?
                }
                (true, Part::Record(number)) => {
                    fs.read_record(file, number).map_err(|error| changed(file, error))?
                }
                (true, Part::Object(tag)) => object(fs, file, tag, whole.len(), touches())?,
            };
            let first = seen.octets.len();
            seen.octets.extend((0..whole.len()).map(|n| octets.get(n).copied()));
            let places = first..seen.octets.len();
            seen.spans.push(Span { file: index, part, at: whole.start, places });
        }
    }
    Ok(seen)
}

/// A data object, laid out. One that was cut off while it came may be shown in part, or be no object at all any more: that is
/// shown as what a step in the middle may leave.
fn object<'t>(
    fs: &mut FileSystem<'_>,
    file: &FilePath,
    tag: u8,
    length: usize,
    touches: impl Iterator<Item = &'t Touch>,
) -> Result<Vec<u8>, RecoverError> {
    let seen = match fs.retrieve(file, tag) {
        Ok(seen) => seen,
        Err(FileError::Damaged { .. }) => return Ok(vec![0x00; length]),
        Err(FileError::Refused { sw, .. })
            if matches!(sw.class(), StatusClass::Error | StatusClass::Warning) =>
        {
            return Ok(vec![0x00; length]);
        }
        Err(error) => return Err(changed(file, error)),
    };
    let value = |object: &[u8]| Tlv::decode_exact(object).map(|tlv| tlv.value.to_vec()).unwrap_or_default();
    let steps: Vec<&Touch> =
        touches.filter(|touch| matches!(touch, Touch::Object { tag: of, .. } if *of == tag)).collect();
    let is_whole = |touch: &&Touch| {
        let (old, new) = contents(touch);
        object_in(old) == seen || object_in(new) == seen
    };
    if let Some(part) = seen.as_deref().map(value).filter(|_| !steps.iter().any(is_whole)) {
        // The beginning of one that was on its way, under a length of its own.
        for whole in steps.iter().filter_map(|touch| object_in(contents(touch).1)) {
            let whole_value = value(&whole);
            if whole_value.len() > part.len() && whole_value.starts_with(&part) {
                let shown = whole.len() - whole_value.len() + part.len();
                return Ok(lay_out(whole.get(..shown), length));
            }
        }
    }
    Ok(lay_out(seen.as_deref(), length))
}

/// A file that is gone or has another shape was changed by somebody else.
fn changed(file: &FilePath, error: FileError) -> RecoverError {
    match error {
        error if error.is_absent() => RecoverError::Changed { file: file.clone() },
        FileError::Short { .. } | FileError::Kind { .. } => RecoverError::Changed { file: file.clone() },
        other => other.into(),
    }
}
