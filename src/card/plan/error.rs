//! Why nothing can be planned.

use std::fmt;

use crate::{
    card::{FileError, FilePath, TransportError, UnknownRights},
    wire::{DecodeError, Fid, arr::SecurityCondition, pkcs15::ObjectId, usim::SettingsFile},
};

/// What a right is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Read the file.
    Read,
    /// Update the file.
    Update,
    /// Create files in the directory.
    CreateEf,
    /// Create directories in the directory.
    CreateDf,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Update => "update",
            Self::CreateEf => "create files in",
            Self::CreateDf => "create directories in",
        })
    }
}

/// Why nothing can be planned for a card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file is missing and the card cannot be told to create it.
    #[error(
        "{file} is not there, and a card of class A0 (a SIM, an R-UIM) has no common way to create it; its issuer must \
         prepare the card for bootstrap files"
    )]
    NoCreate {
        /// The file.
        file: FilePath,
    },
    /// The card has no such settings file.
    #[error(
        "the card has no {kind} in a USIM ({file}), and such files are not created; take it out of settings-files of the \
         profile"
    )]
    NoSettingsFile {
        /// The file that was asked for.
        kind: SettingsFile,
        /// Where it should be.
        file: FilePath,
    },
    /// Octets that cannot be a bootstrap.
    #[error("the octets for {oid} are none, or begin with FF, which stands for an empty file")]
    NotAContent {
        /// The object.
        oid: ObjectId,
    },
    /// One object is wanted twice.
    #[error("{oid} is wanted twice")]
    Doubled {
        /// The object.
        oid: ObjectId,
    },
    /// The access rules do not allow it to anybody.
    #[error(
        "the access rules of {file} do not let anybody {right} it (condition: {condition}); nothing was sent. Only \
         the card's issuer can change that"
    )]
    NoRight {
        /// The file or directory.
        file: FilePath,
        /// What is not allowed.
        right: Right,
        /// The condition that stands there.
        condition: SecurityCondition,
    },
    /// The access rules cannot be told, so it is not tried.
    #[error("whether one may {right} {file} cannot be told, so it is not tried: {why}")]
    RightsUnknown {
        /// The file or directory.
        file: FilePath,
        /// What was to be done.
        right: Right,
        /// Why it cannot be told.
        why: UnknownRights,
    },
    /// No record of EF(ARR) gives the conditions that a new file must have.
    #[error(
        "no record of EF(ARR) gives the conditions that {name} must have ({conditions}), so it is not created. The \
         card's issuer can add one"
    )]
    NoRule {
        /// What was to be created.
        name: String,
        /// The conditions.
        conditions: &'static str,
    },
    /// The file has no room.
    #[error("{name} {file} has room for {room} octets; {needed} are needed")]
    TooSmall {
        /// What it is.
        name: &'static str,
        /// The file.
        file: FilePath,
        /// How many octets fit.
        room: usize,
        /// How many there are.
        needed: usize,
    },
    /// The file has too few records.
    #[error("{name} {file} has {count} records; {needed} are needed")]
    TooFewRecords {
        /// What it is.
        name: &'static str,
        /// The file.
        file: FilePath,
        /// How many there are.
        count: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The card has not enough memory.
    #[error("the card has {free} octets of memory free; {needed} are needed")]
    NoMemory {
        /// What is free.
        free: usize,
        /// What is needed.
        needed: usize,
    },
    /// A directory file is damaged.
    #[error("{name} {file} cannot be read, so it is not changed: {why}")]
    Unreadable {
        /// What it is.
        name: &'static str,
        /// The file.
        file: FilePath,
        /// Why.
        why: Box<FileError>,
    },
    /// What is in the file now cannot be read, so what is written could not be read back either.
    #[error("{file} can be read only after a PIN was presented; give it with --pin")]
    NeedsPin {
        /// The file.
        file: FilePath,
    },
    /// An entry reaches past the end of its file.
    #[error("the entry for {file} reaches past its end: {what}")]
    PathPastEnd {
        /// The file.
        file: FilePath,
        /// The numbers.
        what: DecodeError,
    },
    /// Two objects share a file.
    #[error("{file} holds {other} as well as {oid}; writing one would destroy the other")]
    Shared {
        /// The file.
        file: FilePath,
        /// The object that was to be written.
        oid: ObjectId,
        /// The other.
        other: String,
    },
    /// An entry that should get another shape has others behind it.
    #[error(
        "the entry for {oid} in EF(DODF) {file} has another shape than was asked for, and entries of others behind it; \
         changing it could damage them. Leave --dodf-shape away to keep it"
    )]
    EntryNotLast {
        /// The directory file.
        file: FilePath,
        /// The object.
        oid: ObjectId,
    },
    /// The identifier that was asked for is taken.
    #[error("{file} exists and is not an empty bootstrap file that could be used; name another identifier")]
    FidTaken {
        /// The file.
        file: FilePath,
    },
    /// No identifier is free.
    #[error("all identifiers from {first} to {last} are taken in {directory}")]
    NoFreeFid {
        /// The directory.
        directory: FilePath,
        /// The first that was tried.
        first: Fid,
        /// The last that was tried.
        last: Fid,
    },
    /// EF(DIR) has no free record.
    #[error("EF(DIR) has no free record of {needed} octets to announce the application in")]
    DirFull {
        /// Octets of the record.
        needed: usize,
    },
    /// The card has none of the files that were to be emptied.
    #[error("the card has no bootstrap file to erase")]
    NothingToErase,
    /// A file could not be read.
    #[error(transparent)]
    File(FileError),
    /// The reader.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<FileError> for PlanError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Transport(error) => Self::Transport(error),
            other => Self::File(other),
        }
    }
}

impl PlanError {
    /// True when the card's access rules are what forbids it.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NoRight { .. } | Self::RightsUnknown { .. } | Self::NoRule { .. } | Self::NeedsPin { .. }
        )
    }
}
