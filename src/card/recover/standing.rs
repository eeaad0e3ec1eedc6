//! How far a write came: what the card shows, held against what each step leaves behind.

use std::{collections::BTreeMap, fmt};

use crate::card::{
    FileError, FilePath, FileSystem,
    pending::{PendingWrite, Touch},
};

use super::RecoverError;

/// One octet of a file: which file of the write, which record (0 in a transparent file), and where in it.
pub(super) type Place = (usize, u8, usize);

/// How far a write came.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Standing {
    /// Every step, in order.
    pub steps: Vec<StepStanding>,
    /// The fewest and the most steps that may be done: the step behind them may be in any state.
    #[serde(skip)]
    pub(super) first: usize,
    #[serde(skip)]
    pub(super) last: usize,
    #[serde(skip)]
    is_old: bool,
    #[serde(skip)]
    is_new: bool,
    #[serde(skip)]
    pub(super) seen: Seen,
}

/// One step and how far it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepStanding {
    /// The file.
    pub file: FilePath,
    /// What the step does to it.
    pub what: String,
    /// How far it came.
    pub state: StepState,
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// The card shows what the step was to bring.
    Done,
    /// The card shows some of it, or octets that are neither old nor new.
    Torn,
    /// The card shows what was there before.
    NotBegun,
}

/// What the card shows of the files of a write.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) files: Vec<FilePath>,
    pub(super) exists: Vec<bool>,
    pub(super) octets: BTreeMap<Place, u8>,
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

    /// Whether the card shows octets that a step was to bring, where it is not known what was there before.
    pub(super) fn shows_new(&self, touch: &Touch) -> bool {
        let Touch::Octets { known, .. } = touch else { return false };
        let mut unknown = places(touch, self.index(touch.file())).skip(*known);
        unknown.any(|(place, _, new)| new != 0xFF && self.octets.get(&place) == Some(&new))
    }

    pub(super) fn has(&self, file: &FilePath) -> bool {
        self.exists.get(self.index(file)).copied().unwrap_or(false)
    }
}

/// The octets that a step changes: where, what was there, and what is to be there.
pub(super) fn places(touch: &Touch, file: usize) -> impl Iterator<Item = (Place, u8, u8)> + '_ {
    let (record, at, old, new): (u8, usize, &[u8], &[u8]) = match touch {
        Touch::Create { .. } => (0, 0, &[], &[]),
        Touch::Octets { at, old, new, .. } => (0, *at, old, new),
        Touch::Record { number, old, new, .. } => (*number, 0, old, new),
    };
    old.iter().zip(new).enumerate().map(move |(n, (old, new))| ((file, record, at + n), *old, *new))
}

/// Reads every file of a write.
pub(super) fn look(fs: &mut FileSystem<'_>, write: &PendingWrite) -> Result<Seen, RecoverError> {
    let files: Vec<FilePath> = write.files().into_iter().cloned().collect();
    let mut seen = Seen { files, exists: Vec::new(), octets: BTreeMap::new() };
    for (index, file) in seen.files.iter().enumerate() {
        let touches = || write.touches.iter().filter(|touch| touch.file() == file);
        let created = touches().any(|touch| matches!(touch, Touch::Create { .. }));
        let there = match fs.parameters(file) {
            Ok(_) => true,
            Err(error) if error.is_absent() && created => false,
            Err(error) => return Err(changed(file, error)),
        };
        seen.exists.push(there);
        if !there {
            continue;
        }
        let spans = touches().filter_map(|touch| match touch {
            Touch::Octets { at, new, .. } => Some(*at..at + new.len()),
            _ => None,
        });
        if let Some(span) = spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)) {
            let octets = fs.read(file, span.start, span.len()).map_err(|error| changed(file, error))?;
            seen.octets.extend(span.zip(octets).map(|(at, octet)| ((index, 0, at), octet)));
        }
        for number in touches().filter_map(|touch| match touch {
            Touch::Record { number, .. } => Some(*number),
            _ => None,
        }) {
            let octets = fs.read_record(file, number).map_err(|error| changed(file, error))?;
            seen.octets.extend((0..).zip(octets).map(|(at, octet)| ((index, number, at), octet)));
        }
    }
    Ok(seen)
}

/// A file that is gone or has another shape was changed by somebody else.
fn changed(file: &FilePath, error: FileError) -> RecoverError {
    match error {
        error if error.is_absent() => RecoverError::Changed { file: file.clone() },
        FileError::Short { .. } | FileError::Kind { .. } => RecoverError::Changed { file: file.clone() },
        other => other.into(),
    }
}

/// What is on the card when so many steps are done.
struct Model<'a> {
    seen: &'a Seen,
    exists: Vec<bool>,
    /// None: what was not known when the write began.
    octets: BTreeMap<Place, Option<u8>>,
}

impl<'a> Model<'a> {
    /// Before the first step.
    fn new(write: &PendingWrite, seen: &'a Seen) -> Self {
        let mut model = Self { seen, exists: vec![true; seen.files.len()], octets: BTreeMap::new() };
        for touch in &write.touches {
            let file = seen.index(touch.file());
            if let (Touch::Create { .. }, Some(exists)) = (touch, model.exists.get_mut(file)) {
                *exists = false;
            }
            let known = match touch {
                Touch::Octets { known, .. } => *known,
                _ => usize::MAX,
            };
            for (n, (place, old, _)) in places(touch, file).enumerate() {
                model.octets.entry(place).or_insert((n < known).then_some(old));
            }
        }
        model
    }

    fn advance(&mut self, touch: &Touch) {
        let file = self.seen.index(touch.file());
        if let (Touch::Create { .. }, Some(exists)) = (touch, self.exists.get_mut(file)) {
            *exists = true;
        }
        for (place, _, new) in places(touch, file) {
            self.octets.insert(place, Some(new));
        }
    }

    /// The first file that shows something else, where `between` may be in any state.
    fn misfit(&self, between: Option<&Touch>) -> Option<FilePath> {
        let between_file = between.map(|touch| self.seen.index(touch.file()));
        let is_being_created =
            |file: usize| between_file == Some(file) && matches!(between, Some(Touch::Create { .. }));
        let free: BTreeMap<Place, (u8, u8)> = between
            .map(|touch| {
                let file = self.seen.index(touch.file());
                places(touch, file).map(|(place, old, new)| (place, (old, new))).collect()
            })
            .unwrap_or_default();
        let named = |file: usize| self.seen.files.get(file).cloned();
        for (file, (expected, seen)) in self.exists.iter().zip(&self.seen.exists).enumerate() {
            // One that is not there yet may be there: on the way back it is emptied where it cannot be deleted.
            if *expected && !seen && !is_being_created(file) {
                return named(file);
            }
        }
        for (place, expected) in &self.octets {
            let (file, ..) = *place;
            let Some(seen) = self.seen.octets.get(place) else { continue };
            let fits = match (self.exists.get(file), expected) {
                (Some(false), _) => is_being_created(file) || *seen == 0xFF,
                (_, None) => true,
                (_, Some(expected)) => match free.get(place) {
                    Some((old, new)) => may_be_torn(*seen, *old, *new, free.len()),
                    None => seen == expected,
                },
            };
            if !fits {
                return named(file);
            }
        }
        None
    }
}

/// What an octet may show while its step is between. An octet alone is written whole or erased. In a longer step those that
/// change may be anything; those that do not are at most erased with their neighbours: so an octet that leads to something,
/// which no such step changes, still tells a card that somebody else has written.
fn may_be_torn(seen: u8, old: u8, new: u8, length: usize) -> bool {
    seen == old || seen == new || matches!(seen, 0x00 | 0xFF) || (length > 1 && old != new)
}

impl Standing {
    /// Holds what the card shows against the steps.
    pub(super) fn of(write: &PendingWrite, seen: Seen) -> Result<Self, RecoverError> {
        let mut model = Model::new(write, &seen);
        // Where the old content is not known, octets that the write was to bring tell that it had begun.
        let is_old = model.misfit(None).is_none() && !write.touches.iter().any(|touch| seen.shows_new(touch));
        let mut fits = Vec::new();
        let mut culprit = None;
        for (done, touch) in write.touches.iter().enumerate() {
            match model.misfit(Some(touch)) {
                None => fits.push(done),
                misfit => culprit = culprit.or(misfit),
            }
            model.advance(touch);
        }
        let is_new = match model.misfit(None) {
            None => {
                fits.push(write.touches.len());
                true
            }
            _ => false,
        };
        let (Some(first), Some(last)) = (fits.first().copied(), fits.last().copied()) else {
            let file = culprit.unwrap_or_else(FilePath::mf);
            return Err(RecoverError::Changed { file });
        };
        let steps = write.touches.iter().enumerate().map(|(at, touch)| StepStanding {
            file: touch.file().clone(),
            what: touch.what(),
            state: match at.cmp(&last) {
                std::cmp::Ordering::Less => StepState::Done,
                std::cmp::Ordering::Greater => StepState::NotBegun,
                std::cmp::Ordering::Equal => state_between(touch, &seen),
            },
        });
        Ok(Self { steps: steps.collect(), first, last, is_old, is_new, seen })
    }

    /// True when the card holds what it held before; files that the write had created may stay, empty.
    pub fn is_old(&self) -> bool {
        self.is_old
    }

    /// True when the card holds all that the write was to bring.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.state == StepState::Done).count()
    }

    /// Files that the write creates and that are there although the card is as before.
    pub(super) fn left_over(&self, write: &PendingWrite) -> Vec<FilePath> {
        let created = write.touches.iter().filter(|touch| matches!(touch, Touch::Create { .. }));
        created.map(Touch::file).filter(|file| self.seen.has(file)).cloned().collect()
    }
}

fn state_between(touch: &Touch, seen: &Seen) -> StepState {
    if let Touch::Create { file, .. } = touch {
        return if seen.has(file) { StepState::Done } else { StepState::NotBegun };
    }
    let all = |wanted: &dyn Fn(u8, u8) -> u8| {
        places(touch, seen.index(touch.file()))
            .all(|(place, old, new)| seen.octets.get(&place) == Some(&wanted(old, new)))
    };
    if all(&|old, _| old) {
        StepState::NotBegun
    } else if all(&|_, new| new) {
        StepState::Done
    } else {
        StepState::Torn
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Torn => "torn",
            Self::NotBegun => "not begun",
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_new(), self.is_old()) {
            (true, _) => f.write_str("all of it is on the card")?,
            (_, true) => f.write_str("nothing of it is on the card")?,
            _ => write!(f, "{} of {} steps are done", self.done(), self.steps.len())?,
        }
        let width = self.steps.iter().map(|step| step.file.to_string().len()).max().unwrap_or(0);
        self.steps.iter().try_for_each(|step| {
            write!(f, "\n  {:9}  {:width$}  {}", step.state, step.file.to_string(), step.what)
        })
    }
}
