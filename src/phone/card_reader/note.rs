//! What the phone found odd on a card. None of it keeps the phone from going on.

use crate::wire::{DecodeError, apdu::StatusWord};

use super::CardError;

/// What was odd on a card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardNote {
    /// A file or application cannot be reached.
    #[error("{0}")]
    Unreachable(CardError),
    /// The card took CHV1.
    #[error("{file} asks for CHV1, which was presented and accepted")]
    PinAccepted {
        /// The file that asked for it.
        file: String,
    },
    /// CHV1 was not presented.
    #[error(
        "{file} is refused, and CHV1 was not presented: its counter is not told or shows fewer than 2 tries, or it is \
         switched off"
    )]
    PinWithheld {
        /// The file that was refused.
        file: String,
    },
    /// The card refused CHV1.
    #[error(
        "{file} asks for CHV1, and the card refused the one that was presented ({sw}); it is not presented again"
    )]
    PinRefused {
        /// The file that asked for it.
        file: String,
        /// What the card said.
        sw: StatusWord,
    },
    /// The answer to CHV1 was lost.
    #[error("{file} asks for CHV1; it was presented and the answer was lost; it is not presented again")]
    PinInDoubt {
        /// The file that asked for it.
        file: String,
    },
    /// There is no PKCS#15 application.
    #[error("no PKCS#15 application: neither in EF(DIR), nor by its AID, nor as 7F50 or 5015")]
    NoApplication,
    /// A file holds something else than it should.
    #[error("{file} cannot be read: {error}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong and where.
        error: DecodeError,
    },
    /// A file ends before its FCP says.
    #[error("{file} gave {got} octets; its FCP says {size}")]
    Short {
        /// The file.
        file: String,
        /// Octets read.
        got: usize,
        /// Octets announced.
        size: usize,
    },
    /// A path leads back to a file that was read as something else.
    #[error("{file} leads back to {to}; not followed")]
    Loop {
        /// The file with the path.
        file: String,
        /// Where it leads.
        to: String,
    },
    /// More than the phone looks at.
    #[error("{what}: only the first {limit} are looked at")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are looked at.
        limit: usize,
    },
    /// A file that should be transparent is not.
    #[error("{file} is not a transparent file")]
    NotTransparent {
        /// The file.
        file: String,
    },
}

impl serde::Serialize for CardNote {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
