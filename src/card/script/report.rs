//! What a run of a script shows: each statement with what was sent and what came back.

use std::fmt;

use serde::Serialize;

use crate::{
    card::ApduCounts,
    ident::Iccid,
    wire::{apdu::StatusWord, script::Octets},
};

use super::{Difference, ScriptError};

/// One statement that was carried out, or, in a dry run, would be.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The line that it stands in.
    pub line: usize,
    /// Its word, with what it is about: `CMD`, `VER 0A`, `PUT 3F00/7F50/6431`.
    pub statement: String,
    /// The command, as it goes to the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Octets>,
    /// The data of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Octets>,
    /// The status word of the answer.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "digits")]
    pub sw: Option<StatusWord>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was expected, when it is not what came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

fn digits<S: serde::Serializer>(sw: &Option<StatusWord>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&format_args!("{:04X}", sw.map_or(0, |sw| sw.0)))
}

impl Entry {
    pub(super) fn new(line: usize, statement: impl Into<String>) -> Self {
        Self {
            line,
            statement: statement.into(),
            sent: None,
            data: None,
            sw: None,
            note: None,
            difference: None,
        }
    }

    pub(super) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  {}", self.line, self.statement)?;
        if let Some(sent) = &self.sent {
            write!(f, " {sent}")?;
        }
        if let Some(difference) = &self.difference {
            return write!(f, "\n{difference}");
        }
        if let Some(sw) = self.sw {
            f.write_str("\n      ")?;
            if let Some(data) = self.data.as_ref().filter(|data| !data.is_empty()) {
                write!(f, "{data} ")?;
            }
            let [sw1, sw2] = sw.0.to_be_bytes();
            write!(f, "({sw1:02X} {sw2:02X})  {}", sw.meaning())?;
        }
        self.note.as_ref().map_or(Ok(()), |note| write!(f, "\n      {note}"))
    }
}

/// A value that the script shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// What it is.
    pub label: String,
    /// The value; secrets as `***`.
    pub value: String,
}

/// How a run went.
#[derive(Debug)]
pub struct Report {
    /// The card; none where its number could not be read.
    pub iccid: Option<Iccid>,
    /// What was done, in order.
    pub entries: Vec<Entry>,
    /// What the script shows.
    pub outputs: Vec<Output>,
    /// Commands that changed the card.
    pub changes: u32,
    /// Changes that no command shows, or none that the card answers.
    pub not_read_back: u32,
    /// Pieces of old content that were kept.
    pub saved: usize,
    /// What went over the wire.
    pub apdus: ApduCounts,
    /// True when it stopped with changes on the card: they are in the journal of writes, to be taken back.
    pub pending: bool,
    /// Why it stopped before its end.
    pub stopped: Option<ScriptError>,
}
