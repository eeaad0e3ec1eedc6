//! What the phone says of a power-on.

use std::fmt;

use serde::Serialize;

use crate::{
    ident::{Iccid, ServerId},
    wire::DecodeError,
};

use super::{
    card_reader::{CardNote, FileRole},
    cp::{CpRefusal, Finding, FirstSession},
    dm_bootstrap::{DmNote, DmRefusal},
};

/// What a power-on found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PowerOnReport {
    /// The card.
    pub card: CardState,
    /// What was odd on it.
    pub notes: Vec<CardNote>,
    /// The bootstrap files found, in the order of the card.
    pub files: Vec<FileReport>,
    /// What became of the accounts.
    pub accounts: Vec<AccountChange>,
    /// How many commands the card was sent.
    pub commands: usize,
}

/// The card at power-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CardState {
    /// There was none.
    Absent,
    /// It was read to the end.
    Read {
        /// Its number, when it could be read.
        iccid: Option<Iccid>,
    },
    /// It stopped answering.
    Cut {
        /// Its number, when it could be read.
        iccid: Option<Iccid>,
        /// How it stopped.
        why: String,
    },
}

/// One bootstrap file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Which bootstrap it is, by its object identifier.
    pub role: FileRole,
    /// Where it is on the card.
    pub path: String,
    /// Octets of the document.
    pub size: usize,
    /// What became of it.
    #[serde(flatten)]
    pub result: BootstrapResult,
}

/// What became of a bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum BootstrapResult {
    /// It was taken.
    Accepted {
        /// The servers that it set accounts for.
        accounts: Vec<ServerId>,
        /// What was wrong or odd about it.
        remarks: Vec<Remark>,
    },
    /// It was taken at an earlier power-on, and is the same still.
    Unchanged,
    /// The file holds nothing.
    Empty,
    /// Another file goes before it.
    NotUsed {
        /// Which.
        because_of: FileRole,
    },
    /// It was refused.
    Refused {
        /// Why.
        reason: Refusal,
        /// What was wrong with its parts.
        remarks: Vec<Remark>,
    },
}

/// Why a bootstrap was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be read.
    #[error("not a document that this phone reads: {0}")]
    Undecodable(#[from] DecodeError),
    /// As a provisioning document.
    #[error(transparent)]
    Cp(#[from] CpRefusal),
    /// As a DM bootstrap message.
    #[error(transparent)]
    Dm(#[from] DmRefusal),
}

impl Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Something wrong or odd about a bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Remark {
    /// About a part of a provisioning document.
    Cp(Finding),
    /// About a DM bootstrap message.
    Dm(DmNote),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cp(finding) => finding.fmt(f),
            Self::Dm(note) => note.fmt(f),
        }
    }
}

/// What became of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountChange {
    /// Its server.
    pub server_id: ServerId,
    /// What became of it.
    pub change: Change,
    /// Whether its bootstrap asks for a session at once.
    pub first_session: FirstSession,
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// Its bootstrap on the card is as it was; what sessions changed since stays.
    Kept,
    /// Its bootstrap on the card is another one now.
    Replaced,
    /// It is no longer on the card.
    Dropped,
}

impl fmt::Display for PowerOnReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |iccid: &Option<Iccid>| {
            iccid.as_ref().map_or_else(|| "without ICCID".to_owned(), Iccid::to_string)
        };
        match &self.card {
            CardState::Absent => writeln!(f, "card: none")?,
            CardState::Read { iccid } => writeln!(f, "card: {} ({} commands)", of(iccid), self.commands)?,
            CardState::Cut { iccid, why } => writeln!(f, "card: {}, not read to the end: {why}", of(iccid))?,
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        for file in &self.files {
            write!(f, "{} {}, {} octets: ", file.role, file.path, file.size)?;
            let remarks = match &file.result {
                BootstrapResult::Accepted { remarks, .. } => {
                    writeln!(f, "accepted")?;
                    remarks.as_slice()
                }
                BootstrapResult::Unchanged => {
                    writeln!(f, "as before")?;
                    &[]
                }
                BootstrapResult::Empty => {
                    writeln!(f, "empty")?;
                    &[]
                }
                BootstrapResult::NotUsed { because_of } => {
                    writeln!(f, "not used, {because_of} goes before it")?;
                    &[]
                }
                BootstrapResult::Refused { reason, remarks } => {
                    writeln!(f, "refused: {reason}")?;
                    remarks.as_slice()
                }
            };
            remarks.iter().try_for_each(|remark| writeln!(f, "  {remark}"))?;
        }
        for account in &self.accounts {
            let change = match account.change {
                Change::Added => "added",
                Change::Kept => "kept",
                Change::Replaced => "replaced",
                Change::Dropped => "dropped",
            };
            writeln!(f, "account {}: {change}", account.server_id)?;
        }
        Ok(())
    }
}
