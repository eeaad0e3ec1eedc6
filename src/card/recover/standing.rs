//! How far a write came: what the card shows, held against what each step leaves behind.

use std::fmt;

use crate::{
    card::{
        FilePath,
        pending::{PendingWrite, Touch},
    },
    ident::counted,
};

use super::{
    RecoverError,
    seen::{Seen, contents, has_content, known},
};

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
    pub(super) hiding: Vec<FilePath>,
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

/// What is on the card when so many steps are done.
struct Model<'a> {
    seen: &'a Seen,
    /// Files whose content the write changes, too: that they are active or not tells nothing of how far it came, since on the way back they
    /// are activated to be looked at.
    switched: Vec<bool>,
    exists: Vec<bool>,
    octets: Vec<Expected>,
}

/// What a place holds.
#[derive(Clone, Copy)]
enum Expected {
    /// No step touches it.
    Anything,
    /// It was not known when the write began, and no step has changed it since.
    Unknown,
    Known(u8),
}

impl<'a> Model<'a> {
    /// Before the first step.
    fn new(write: &PendingWrite, seen: &'a Seen) -> Self {
        let octets = vec![Expected::Anything; seen.octets.len()];
        let switched = seen.files.iter().map(|file| has_content(write, file)).collect();
        let mut model = Self { seen, switched, exists: vec![true; seen.files.len()], octets };
        for touch in &write.touches {
            let file = seen.index(touch.file());
            if let (Touch::Create { .. }, Some(exists)) = (touch, model.exists.get_mut(file)) {
                *exists = false;
            }
            let known = known(write, touch);
            let (old, _) = contents(touch);
            for (n, (expected, old)) in model.at(touch).iter_mut().zip(old).enumerate() {
                if matches!(expected, Expected::Anything) {
                    *expected = if n < known { Expected::Known(*old) } else { Expected::Unknown };
                }
            }
        }
        model
    }

    fn at(&mut self, touch: &Touch) -> &mut [Expected] {
        self.octets.get_mut(self.seen.places(touch)).unwrap_or_default()
    }

    fn advance(&mut self, touch: &Touch) {
        let file = self.seen.index(touch.file());
        if let (Touch::Create { .. }, Some(exists)) = (touch, self.exists.get_mut(file)) {
            *exists = true;
        }
        let (_, new) = contents(touch);
        self.at(touch).iter_mut().zip(new).for_each(|(expected, new)| *expected = Expected::Known(*new));
    }

    /// The first file that shows something else, where `between` may be in any state.
    fn misfit(&self, between: Option<&Touch>) -> Option<FilePath> {
        self.misfit_but(between, |file| {
            between.is_some() && self.switched.get(file).copied().unwrap_or(false)
        })
    }

    /// The same, where it does not matter whether the files of `either` are active.
    fn misfit_but(&self, between: Option<&Touch>, either: impl Fn(usize) -> bool) -> Option<FilePath> {
        let being_created = match between {
            Some(touch @ Touch::Create { .. }) => Some(self.seen.index(touch.file())),
            _ => None,
        };
        let (free, (old, new)) =
            between.map_or((0..0, (&[][..], &[][..])), |touch| (self.seen.places(touch), contents(touch)));
        // A data object keeps its form: it is the old one, or none, or what came of the new one so far.
        let loose = free.len() > 1 && !matches!(between, Some(Touch::Object { .. }));
        let named = |file: usize| self.seen.files.get(file).cloned();
        for (file, (expected, seen)) in self.exists.iter().zip(&self.seen.exists).enumerate() {
            // One that is not there yet may be there: on the way back it is emptied where it cannot be deleted.
            if *expected && !seen && being_created != Some(file) {
                return named(file);
            }
        }
        for span in &self.seen.spans {
            let is_there = self.exists.get(span.file).copied().unwrap_or(true);
            let places = span.places.clone();
            let expected = self.octets.get(places.clone()).unwrap_or(&[]);
            let seen = self.seen.octets.get(places.clone()).unwrap_or(&[]);
            for (place, (expected, seen)) in places.zip(expected.iter().zip(seen)) {
                let (Some(seen), false) = (*seen, matches!(expected, Expected::Anything)) else { continue };
                let fits = match expected {
                    _ if span.is_life_cycle() && either(span.file) => true,
                    // One that this write makes: nothing was said of that before.
                    _ if !is_there && span.is_life_cycle() => true,
                    _ if !is_there => being_created == Some(span.file) || seen == 0xFF,
                    Expected::Known(expected) => {
                        let within = place.checked_sub(free.start).filter(|_| free.contains(&place));
                        match within.and_then(|n| Some((old.get(n)?, new.get(n)?))) {
                            Some((old, new)) => may_be_torn(seen, *old, *new, loose),
                            None => seen == *expected,
                        }
                    }
                    _ => true,
                };
                if !fits {
                    return named(span.file);
                }
            }
        }
        None
    }
}

/// What an octet may show while its step is between; `loose` in one of several octets. An octet alone is written whole or erased. In a longer step those that
/// change may be anything; those that do not are at most erased with their neighbours: so an octet that leads to something,
/// which no such step changes, still tells a card that somebody else has written.
fn may_be_torn(seen: u8, old: u8, new: u8, loose: bool) -> bool {
    seen == old || seen == new || matches!(seen, 0x00 | 0xFF) || (loose && old != new)
}

impl Standing {
    /// Holds what the card shows against the steps.
    pub(super) fn of(write: &PendingWrite, seen: Seen) -> Result<Self, RecoverError> {
        let mut model = Model::new(write, &seen);
        // Where the old content is not known, octets that the write was to bring tell that it had begun.
        let shows_new = write.touches.iter().any(|touch| seen.shows_new(write, touch));
        let is_old = model.misfit(None).is_none() && !shows_new;
        let hiding = seen.hiding(write);
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
        Ok(Self { steps: steps.collect(), first, last, is_old, hiding, is_new, seen })
    }

    /// True when the card holds what it held before; files that the write had created may stay, empty. Never said of what is not seen.
    pub fn is_old(&self) -> bool {
        self.is_old && self.hiding.is_empty()
    }

    /// The same, as far as it is seen: files that are not active hide what they hold.
    pub(super) fn shows_old(&self) -> bool {
        self.is_old
    }

    /// True when all files that the write changes are seen and hold what they held before, active or not.
    pub(super) fn content_is_old(write: &PendingWrite, seen: &Seen) -> bool {
        let shows_new = write.touches.iter().any(|touch| seen.shows_new(write, touch));
        Model::new(write, seen).misfit_but(None, |_| true).is_none()
            && !shows_new
            && seen.hiding(write).is_empty()
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
    let (old, new) = contents(touch);
    let shown = seen.shown(touch);
    let all = |wanted: &[u8]| shown.iter().zip(wanted).all(|(seen, wanted)| *seen == Some(*wanted));
    if all(old) {
        StepState::NotBegun
    } else if all(new) {
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
            _ => write!(f, "{} of {} done", self.done(), counted(self.steps.len(), "step"))?,
        }
        let width = self.steps.iter().map(|step| step.file.to_string().len()).max().unwrap_or(0);
        self.steps.iter().try_for_each(|step| {
            write!(f, "\n  {:9}  {:width$}  {}", step.state, step.file.to_string(), step.what)
        })
    }
}
