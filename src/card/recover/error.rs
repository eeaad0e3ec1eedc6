//! Why an interrupted write could not be settled.

use crate::{
    card::{ApplyError, FileError, FilePath, NotTold, TransportError, pending::WriteJournalError},
    ident::Iccid,
    wire::arr::KeyRef,
};

use super::Now;

/// Why an interrupted write could not be settled. It stays in the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// Another card is in the reader.
    #[error(
        "the card in the reader is {found}, and the interrupted write was to {meant}; nothing was written"
    )]
    OtherCard {
        /// The card that was meant.
        meant: Iccid,
        /// The card that is there.
        found: Iccid,
    },
    /// The card is not between old and new.
    #[error(
        "{file} holds what neither the interrupted write nor anything before it put there, so somebody else has written \
         to the card since; nothing was written. Look at it (`bootgate card inspect`); if it is well as it is, drop the \
         interrupted write: `bootgate card recover --forget`"
    )]
    Changed {
        /// The file where that shows.
        file: FilePath,
    },
    /// A file cannot be read.
    #[error(
        "{source}; if it is behind a PIN, give that with --pin; if behind an administrative key, say --roll-back (or --resume), for which \
         that key is presented"
    )]
    Denied {
        /// What the card said.
        source: FileError,
    },
    /// A key was not presented or not accepted, or the card refused, or it was cut off again.
    #[error("the interrupted write is still not settled: {0}")]
    Apply(#[from] ApplyError),
    /// All was written and something else was read.
    #[error("all was written, and the card still does not hold what it should ({now:?}); it may be worn")]
    NotThere {
        /// What it should hold.
        now: Now,
    },
    /// A script cannot be gone on with: what it would have done next is not known.
    #[error(
        "a script was cut off, and what it would have done next is not known; take it back with --roll-back, and run it again"
    )]
    NoWayOn,
    /// A script has done what nobody can take back.
    #[error(
        "a script was cut off that cannot be taken back, because of one thing that it did or was about to do ({file}: {what}). \
         Look at the card (`bootgate card inspect`), put it right by hand or from the script's backup, and then drop the entry: \
         `bootgate card recover --forget`"
    )]
    NoWayBack {
        /// The file; the MF where it is not known which one.
        file: FilePath,
        /// What was done to it.
        what: String,
    },
    /// A key that the way needs has another value since.
    #[error(
        "to settle this, key {key} would have to be presented, and the script has given it another value, or was about to: a value \
         from before would cost a try, so none was presented. Look at the card (`bootgate card inspect`), put it right by hand or \
         from the script's backup, and then drop the entry: `bootgate card recover --forget`"
    )]
    KeyReplaced {
        /// The key.
        key: KeyRef,
    },
    /// Whoever the write was for could not be told.
    #[error(
        "the card is settled, but {0}; the write stays in the journal, and the next contact with the card tells it"
    )]
    NotTold(#[from] NotTold),
    /// A file.
    #[error(transparent)]
    File(FileError),
    /// The reader.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] WriteJournalError),
}

impl RecoverError {
    /// What the journal said, where that is why.
    pub fn journal(&self) -> Option<&WriteJournalError> {
        match self {
            Self::Journal(error) | Self::Apply(ApplyError::Journal(error) | ApplyError::NotClosed(error)) => {
                Some(error)
            }
            _ => None,
        }
    }
}

impl From<FileError> for RecoverError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Transport(error) => Self::Transport(error),
            source if source.is_denied() => Self::Denied { source },
            other => Self::File(other),
        }
    }
}
