//! What is wrong with a table, and where. Cells are never quoted.

use std::fmt;

use serde::Serialize;

use super::columns::did_you_mean;
use crate::{card::KeyId, ident::printable, job::TargetError, profile::MissingNumber, wire::script};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The batch is not run.
    Error,
    /// Worth a look.
    Warning,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The line of the file, from 1.
    pub line: u64,
    /// The column by its title in the table.
    pub column: Option<String>,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What it is.
    #[serde(flatten, serialize_with = "as_text")]
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The text is not UTF-8.
    #[error("not UTF-8; save the table as CSV UTF-8")]
    Encoding,
    /// The table is too large.
    #[error("{what}: over the limit of {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The most.
        limit: usize,
    },
    /// There is no row.
    #[error("the table has no rows; expected a line of titles and one line for each card")]
    Empty,
    /// A title that stands for nothing.
    #[error("unknown column{}", or_else(near.as_deref(), expected))]
    UnknownColumn {
        /// The nearest one.
        near: Option<String>,
        /// All there are.
        expected: String,
    },
    /// Two titles stand for the same.
    #[error("stands for {name}, and so does a column before it")]
    DoubledColumn {
        /// What they stand for.
        name: String,
    },
    /// The file of columns names a title that the table does not have.
    #[error("the file of columns names a title that the table does not have")]
    AbsentColumn,
    /// A quotation mark that opens a cell and is never closed.
    #[error(
        "a quotation mark opens a cell here, and none closes it before the end of the table; close it, and write two where \
         one belongs to the text"
    )]
    OpenQuote,
    /// A row that has more or fewer cells than there are titles.
    #[error("{got} cells; the line of titles has {expected}")]
    Cells {
        /// What it has.
        got: usize,
        /// What it should have.
        expected: usize,
    },
    /// A cell that cannot be read as what its column holds.
    #[error("{why}")]
    Cell {
        /// Why.
        why: String,
    },
    /// A value that stood before.
    #[error("the same {what} stands in line {before}")]
    Duplicate {
        /// What it is.
        what: &'static str,
        /// Where it stood.
        before: u64,
    },
    /// The same administrative key for more than one card.
    #[error(
        "the same administrative key as in line {before}: whoever learns one key of these cards knows all; ask for keys \
         that differ from card to card"
    )]
    SharedKey {
        /// Where it stood first.
        before: u64,
    },
    /// A row that names no card among others that do.
    #[error("no ICCID, and other rows have one; expected one in every row or in none")]
    NoIccid,
    /// The profile asks for a number that the row lacks.
    #[error(transparent)]
    MissingNumber(MissingNumber),
    /// The profile hands devices to no server that is here.
    #[error(transparent)]
    Target(TargetError),
    /// What the row says does not go with the script.
    #[error("{script}:{problem}")]
    Script {
        /// The script.
        script: String,
        /// What does not, and where in it.
        problem: script::Problem,
    },
    /// A key that the script presents is in no place that is known.
    #[error(
        "no key {key}, which {script} presents: fill in column {column}, give it with --set {name}=…, or name a source of keys \
         with --keys{}",
        looked(places)
    )]
    NoKey {
        /// Which key.
        key: KeyId,
        /// The script.
        script: String,
        /// The column that would hold it.
        column: String,
        /// Its name in the script.
        name: String,
        /// Where it was looked for besides.
        places: Vec<String>,
    },
    /// The script was run on the card already.
    #[error(
        "the script came to its end on this card before, and nothing was written to the card here since: the row counts as done, \
         and what the card holds is not looked at (--again runs the script anew)"
    )]
    HasRun,
    /// The card was given it already.
    #[error(
        "job {id} has brought this profile to this card and is {state}; the row will be skipped if the card still holds it"
    )]
    HasJob {
        /// The job.
        id: String,
        /// Its state.
        state: &'static str,
    },
    /// A job is at the card.
    #[error(
        "job {id} is to bring this profile to this card and is {state}: another run may be at it; the row does not count as done"
    )]
    JobUnderWay {
        /// The job.
        id: String,
        /// Its state.
        state: &'static str,
    },
    /// The IMSI or the IMEI was given to another card.
    #[error(
        "job {id} has given this {what} to {}; take the row out, or say that cards of this table replace others (--reissue)",
        other(card)
    )]
    NumberTaken {
        /// Which number.
        what: &'static str,
        /// The job.
        id: String,
        /// Its card.
        card: Option<String>,
    },
    /// The same, and somebody has said that the card replaces the other one.
    #[error("job {id} has given this {what} to {}, which this card replaces", other(card))]
    Reissued {
        /// Which number.
        what: &'static str,
        /// The job.
        id: String,
        /// Its card.
        card: Option<String>,
    },
    /// The caller's name for the job is that of another one.
    #[error("job {id} has this key already")]
    KeyTaken {
        /// The job.
        id: String,
    },
}

fn or_else(near: Option<&str>, expected: &str) -> String {
    let meant = did_you_mean(near);
    match near {
        Some(_) => format!(
            "{meant} One that means nothing is named in the file of columns (--columns), under ignore"
        ),
        None => format!(
            "; expected one of {expected}, or name it in the file of columns (--columns), under ignore if it means nothing"
        ),
    }
}

fn looked(places: &[String]) -> String {
    if places.is_empty() { String::new() } else { format!(" (looked for {})", places.join(", ")) }
}

fn other(card: &Option<String>) -> String {
    card.as_ref().map_or_else(|| "a card without a number".into(), |card| format!("card {card}"))
}

impl ProblemKind {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Limit { .. } => "limit",
            Self::Empty => "empty",
            Self::UnknownColumn { .. } => "unknown-column",
            Self::DoubledColumn { .. } => "doubled-column",
            Self::AbsentColumn => "absent-column",
            Self::OpenQuote => "open-quote",
            Self::Cells { .. } => "cells",
            Self::Cell { .. } => "cell",
            Self::Duplicate { .. } => "duplicate",
            Self::SharedKey { .. } => "shared-key",
            Self::NoIccid => "no-iccid",
            Self::MissingNumber(_) => "missing-number",
            Self::Target(_) => "dm-server",
            Self::Script { .. } => "script",
            Self::NoKey { .. } => "no-key",
            Self::HasRun => "has-run",
            Self::HasJob { .. } => "has-job",
            Self::JobUnderWay { .. } => "job-under-way",
            Self::NumberTaken { what: "IMEI", .. } => "imei-taken",
            Self::NumberTaken { .. } => "imsi-taken",
            Self::Reissued { .. } => "reissued",
            Self::KeyTaken { .. } => "key-taken",
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::SharedKey { .. }
            | Self::HasRun
            | Self::HasJob { .. }
            | Self::JobUnderWay { .. }
            | Self::Reissued { .. } => Severity::Warning,
            Self::Script { problem, .. } if problem.severity() == script::Severity::Warning => {
                Severity::Warning
            }
            _ => Severity::Error,
        }
    }
}

impl Problem {
    pub(super) fn new(line: u64, column: Option<&str>, kind: ProblemKind) -> Self {
        let column = column.map(str::to_owned);
        Self { severity: kind.severity(), place: Place { line, column }, kind }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {word}: ", self.place.line)?;
        if let Some(column) = &self.place.column {
            write!(f, "{}: ", printable(column))?;
        }
        write!(f, "{}", self.kind)
    }
}

fn as_text<S: serde::Serializer>(kind: &ProblemKind, s: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;
    let mut map = s.serialize_map(Some(2))?;
    map.serialize_entry("code", kind.code())?;
    map.serialize_entry("message", &kind.to_string())?;
    map.end()
}
