//! Why something could not be done to a file of a card.

use crate::{
    card::{FilePath, TransportError},
    wire::{
        DecodeError,
        apdu::{StatusClass, StatusWord},
    },
};

/// Why a file could not be selected, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The card said no.
    #[error("{doing} {file}: the card answered {sw}")]
    Refused {
        /// The command.
        doing: &'static str,
        /// The file.
        file: FilePath,
        /// The card's answer.
        sw: StatusWord,
    },
    /// The file holds something else than it should.
    #[error("{file}: {what}")]
    Damaged {
        /// The file.
        file: FilePath,
        /// What is wrong.
        what: DecodeError,
    },
    /// The file is not what the command is for.
    #[error("{file} is not {expected}")]
    Kind {
        /// The file.
        file: FilePath,
        /// What it should be.
        expected: &'static str,
    },
    /// The file ends before its parameters say it does.
    #[error("{file} ends after {got} octets; its parameters say {stated}")]
    Short {
        /// The file.
        file: FilePath,
        /// Where it ends.
        got: usize,
        /// Where it should.
        stated: usize,
    },
    /// The file reaches further than READ and UPDATE BINARY do.
    #[error("{file}: {size} octets are more than can be read and written ({max})")]
    TooLarge {
        /// The file.
        file: FilePath,
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// The card took the beginning of a data object, and not all of it.
    #[error(
        "SET DATA {file}: the card took {sent} of {of} octets of a data object at most, and answered {sw}"
    )]
    HalfTaken {
        /// The file.
        file: FilePath,
        /// How many octets were sent.
        sent: usize,
        /// How many there are.
        of: usize,
        /// The card's answer.
        sw: StatusWord,
    },
    /// The card said that it created a file, and does not show it.
    #[error("{file} was created, and then: {source}")]
    NotSeen {
        /// The file.
        file: FilePath,
        /// What came instead.
        source: Box<FileError>,
    },
    /// The reader.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl FileError {
    /// True when the file does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { sw, .. } if sw.class() == StatusClass::Absent)
    }

    /// True when a command that changes something may have changed it all the same: see `says_nothing_done`.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Refused { sw, .. } => !says_nothing_done(*sw),
            Self::NotSeen { .. } | Self::HalfTaken { .. } => true,
            _ => false,
        }
    }

    /// True when the access condition is not fulfilled.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { sw, .. } if sw.class() == StatusClass::Denied)
    }
}

/// True for answers that say that a command was not carried out: memory unchanged (64xx), the checks before execution (67xx to
/// 6Exx; ISO/IEC 7816-4, table 6), and on 2G cards references and security (94xx, 98xx). Trouble with the memory (65xx, 9240),
/// 6F00 and warnings (63Cx too) say no such thing.
pub(in crate::card) fn says_nothing_done(sw: StatusWord) -> bool {
    matches!(sw.0 >> 8, 0x64 | 0x67..=0x6E | 0x94 | 0x98)
}
