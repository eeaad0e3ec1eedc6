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
    /// The reader.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl FileError {
    /// True when the file does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { sw, .. } if sw.class() == StatusClass::Absent)
    }

    /// True when the card reports trouble with its memory (6500, 6581; on 2G cards 9240): what was written is not known.
    pub fn is_memory_trouble(&self) -> bool {
        matches!(self, Self::Refused { sw, .. } if matches!(sw.0, 0x6500 | 0x6581 | 0x9240))
    }

    /// True when the access condition is not fulfilled.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { sw, .. } if sw.class() == StatusClass::Denied)
    }
}
