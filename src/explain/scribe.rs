//! The walk over octets that all explanations share: each field is taken, named and judged where it stands, groups of
//! fields are opened and closed, and no octet is left without a name.

use std::borrow::Cow;

use crate::{ident::counted, wire::DecodeError};

use super::{
    Secrets,
    explanation::{Place, Problem, Severity, Span},
    secret::may_hold_secrets,
};

/// The longest value that is shown.
const MAX_VALUE: usize = 256;
/// The deepest nesting of groups.
pub(super) const MAX_DEPTH: usize = 96;

/// The walk cannot go on in this group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// A walk over octets. Offsets count from the first of them.
#[derive(Debug)]
pub(super) struct Scribe<'a> {
    octets: &'a [u8],
    at: usize,
    end: usize,
    drafts: Vec<Draft>,
    open: Vec<usize>,
    secrets: Secrets,
}

/// Which field was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(usize);

#[derive(Debug)]
struct Draft {
    span: Span,
    group: bool,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(octets: &'a [u8], secrets: Secrets) -> Self {
        Self { octets, at: 0, end: octets.len(), drafts: Vec::new(), open: Vec::new(), secrets }
    }

    /// All octets, those of other groups with them.
    pub(super) fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The octet that is next.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// What is left in the group.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..self.end).unwrap_or(&[])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Whether secrets are shown.
    pub(super) fn secrets(&self) -> Secrets {
        self.secrets
    }

    /// Takes a field of `length` octets.
    pub(super) fn take(
        &mut self,
        length: usize,
        name: impl Into<Cow<'static, str>>,
        clause: &'static str,
    ) -> Result<&'a [u8], Stopped> {
        let rest = self.rest();
        let there = rest.get(..length);
        let octets = there.unwrap_or(rest);
        self.draft(octets.len(), name.into(), clause, false);
        self.at += octets.len();
        if there.is_some() {
            return Ok(octets);
        }
        self.wrong(format!("the octets end here; {} more are needed", length - octets.len()));
        Err(Stopped)
    }

    /// Takes a field of one octet.
    pub(super) fn octet(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        clause: &'static str,
    ) -> Result<u8, Stopped> {
        Ok(self.take(1, name, clause)?.first().copied().unwrap_or(0))
    }

    /// Takes a field of two octets, the most significant first.
    pub(super) fn pair(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        clause: &'static str,
    ) -> Result<u16, Stopped> {
        let octets = self.take(2, name, clause)?;
        Ok(octets.iter().fold(0, |sum, octet| sum << 8 | u16::from(*octet)))
    }

    /// Takes what is left in the group, if anything is.
    pub(super) fn take_rest(&mut self, name: impl Into<Cow<'static, str>>, clause: &'static str) -> &'a [u8] {
        let rest = self.rest();
        if !rest.is_empty() {
            let _ = self.take(rest.len(), name, clause);
        }
        rest
    }

    /// Takes what is left in the group without knowing what it is. Where it may hold secrets its octets are hidden. Gives how
    /// many octets it was.
    pub(super) fn take_unknown(&mut self, name: &'static str) -> usize {
        let octets = self.take_rest(name, "");
        if may_hold_secrets(octets) {
            self.hide_octets(self.last());
        }
        octets.len()
    }

    /// A uintvar or mb_u_int32. A number that is none is said to be so, and the walk stops.
    pub(super) fn uintvar(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        clause: &'static str,
    ) -> Result<u32, Stopped> {
        let rest = self.rest();
        let whole = rest.iter().take(5).position(|octet| octet & 0x80 == 0);
        let length = whole.map_or(rest.len().min(5), |last| last + 1);
        let octets = self.take(length.max(1), name, clause)?;
        let value = octets.iter().fold(0u64, |sum, octet| sum << 7 | u64::from(octet & 0x7F));
        match (whole, u32::try_from(value)) {
            (Some(_), Ok(value)) => {
                self.says(value.to_string());
                Ok(value)
            }
            (None, _) if length < 5 => {
                self.wrong("the octets end within this number");
                Err(Stopped)
            }
            _ => {
                self.wrong("a number of more than 32 bits");
                Err(Stopped)
            }
        }
    }

    /// A group of `length` octets, as [`Self::within`] walks over them.
    pub(super) fn region(
        &mut self,
        length: usize,
        name: impl Into<Cow<'static, str>>,
        clause: &'static str,
        fields: impl FnOnce(&mut Self) -> Result<(), Stopped>,
    ) -> Mark {
        let mark = self.begin(name, clause);
        self.bounded(length, mark, fields);
        self.finish();
        mark
    }

    /// The next `length` octets, in the group that is open. When they are not all there, as many as there are; when the
    /// fields do not use them up, or cannot be read on, the rest is taken as it is. The walk goes on behind them.
    pub(super) fn within(&mut self, length: usize, fields: impl FnOnce(&mut Self) -> Result<(), Stopped>) {
        let mark = self.last();
        self.bounded(length, mark, fields);
    }

    /// The next `length` octets; the field or group at `mark` is to blame when they are not there.
    fn bounded(&mut self, length: usize, mark: Mark, fields: impl FnOnce(&mut Self) -> Result<(), Stopped>) {
        let left = self.rest().len();
        if length > left {
            self.judge(mark, Problem::wrong(format!("should be {length} octets; {left} are there")));
        }
        let (outer, depth) = (self.end, self.open.len());
        self.end = self.at + length.min(left);
        let done = fields(self);
        // Groups that the fields left open end with the octets.
        while self.open.len() > depth {
            self.finish();
        }
        if !self.is_empty() {
            let count = self.take_unknown(if done.is_err() { "not explained" } else { "left over" });
            if done.is_ok() {
                self.wrong(format!("{} that belong to nothing", counted(count, "octet")));
            }
        }
        self.end = outer;
    }

    /// Opens a group whose length is not known beforehand.
    pub(super) fn begin(&mut self, name: impl Into<Cow<'static, str>>, clause: &'static str) -> Mark {
        let mark = self.draft(0, name.into(), clause, true);
        self.open.push(mark.0);
        mark
    }

    /// Closes the group that was opened last.
    pub(super) fn finish(&mut self) {
        let at = self.at;
        if let Some(draft) = self.open.pop().and_then(|n| self.drafts.get_mut(n)) {
            draft.span.length = at.saturating_sub(draft.span.offset);
        }
    }

    /// How many groups are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The field that was written down last.
    pub(super) fn last(&self) -> Mark {
        Mark(self.drafts.len().saturating_sub(1))
    }

    /// The field that will be written down next.
    pub(super) fn next(&self) -> Mark {
        Mark(self.drafts.len())
    }

    /// Says what the last field says.
    pub(super) fn says(&mut self, value: impl Into<String>) {
        self.says_of(self.last(), value);
    }

    /// Says what a field says.
    pub(super) fn says_of(&mut self, mark: Mark, value: impl Into<String>) {
        let value: String = value.into();
        let shown = match value.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => {
                let all = value.chars().count();
                format!("{}… ({all} characters)", value.get(..end).unwrap_or_default())
            }
            None => value,
        };
        if let Some(draft) = self.drafts.get_mut(mark.0) {
            draft.span.value = Some(shown);
        }
    }

    /// Hides what a field says, unless secrets are shown.
    pub(super) fn hide(&mut self, mark: Mark) {
        if self.secrets == Secrets::Shown {
            return;
        }
        if let Some(draft) = self.drafts.get_mut(mark.0) {
            draft.span.masked = !draft.group;
            if draft.span.value.is_some() {
                draft.span.value = Some("***".to_owned());
            }
        }
    }

    /// Hides the octets of a field, unless secrets are shown; what it says stays.
    pub(super) fn hide_octets(&mut self, mark: Mark) {
        if let Some(draft) = self.drafts.get_mut(mark.0).filter(|_| self.secrets == Secrets::Masked) {
            draft.span.masked = true;
        }
    }

    /// Hides the field that begins at an octet, and what it says.
    pub(super) fn hide_at(&mut self, at: usize) {
        let covers = |d: &Draft| !d.group && d.span.offset <= at && at < d.span.offset + d.span.length;
        if let Some(place) = self.drafts.iter().position(covers) {
            self.hide(Mark(place));
        }
    }

    /// Says where in a text a field stands.
    pub(super) fn place(&mut self, mark: Mark, place: Place) {
        if let Some(draft) = self.drafts.get_mut(mark.0) {
            draft.span.place = Some(place);
        }
    }

    /// Gives a group the name that only its first field told.
    pub(super) fn rename(&mut self, mark: Mark, name: String) {
        if let Some(draft) = self.drafts.get_mut(mark.0) {
            draft.span.name = name;
        }
    }

    /// The last field is wrong.
    pub(super) fn wrong(&mut self, text: impl Into<String>) {
        self.judge(self.last(), Problem::wrong(text));
    }

    /// The last field is odd.
    pub(super) fn odd(&mut self, text: impl Into<String>) {
        self.judge(self.last(), Problem::odd(text));
    }

    /// Says what is wrong with a field; several things may be.
    pub(super) fn judge(&mut self, mark: Mark, problem: Problem) {
        let Some(draft) = self.drafts.get_mut(mark.0) else { return };
        draft.span.problem = Some(match draft.span.problem.take() {
            None => problem,
            Some(before) => Problem {
                severity: before.severity.max(problem.severity),
                text: format!("{}; {}", before.text, problem.text),
            },
        });
    }

    /// A second opinion on the octets from `base` on: where the walk found nothing wrong and the decoder does, its complaint
    /// stands at its octet.
    pub(super) fn cross_check<T>(&mut self, base: usize, decoded: Result<T, DecodeError>) {
        let Err(error) = decoded else { return };
        let of_these =
            |d: &Draft| d.span.offset >= base && d.span.problem.as_ref().is_some_and(Problem::is_wrong);
        if self.drafts.iter().any(of_these) {
            return;
        }
        let at = base.saturating_add(error.at());
        let covers = |d: &Draft| !d.group && d.span.offset <= at && at < d.span.offset + d.span.length;
        let place = self.drafts.iter().rposition(covers).unwrap_or(self.last().0);
        self.judge(Mark(place), Problem::wrong(error.shifted(base).to_string()));
    }

    /// The fields, whatever was not taken among them.
    pub(super) fn spans(mut self) -> Vec<Span> {
        while !self.open.is_empty() {
            self.finish();
        }
        self.end = self.octets.len();
        self.take_unknown("not explained");
        let octets = self.octets;
        let finished = self.drafts.into_iter().map(|mut draft| {
            let span = &draft.span;
            if !draft.group && !span.masked {
                let field = octets.get(span.offset..span.offset + span.length).unwrap_or(&[]);
                draft.span.hex = Some(field.iter().map(|octet| format!("{octet:02X}")).collect());
            }
            draft.span
        });
        finished.collect()
    }

    fn draft(&mut self, length: usize, name: Cow<'static, str>, clause: &'static str, group: bool) -> Mark {
        let span = Span {
            offset: self.at,
            length,
            depth: self.open.len(),
            name: name.into_owned(),
            place: None,
            value: None,
            clause,
            hex: None,
            masked: false,
            problem: None,
        };
        self.drafts.push(Draft { span, group });
        self.last()
    }
}

impl Problem {
    fn is_wrong(&self) -> bool {
        self.severity == Severity::Wrong
    }
}
