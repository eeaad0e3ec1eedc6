//! Why a plan was not carried out to its end.

use super::Written;
use crate::{
    card::{FileError, FilePath, KeyError, KeyRings, NotTold, Now, TransportError, WriteJournalError},
    ident::Iccid,
    wire::arr::KeyRef,
};

/// Why a plan was not carried out to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The plan was made in another session; the card may have changed since.
    #[error("the plan was made before the card was connected anew; plan again")]
    Stale,
    /// A key that the plan needs was not given. Nothing was written.
    #[error("key {key} is needed and was not given{}; nothing was written", looked(.places))]
    KeyMissing {
        /// The key.
        key: KeyRef,
        /// Where sources of keys were asked for it.
        places: Vec<String>,
    },
    /// A key was not presented or not accepted. Nothing was written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal of writes cannot be used, or holds an unsettled write to the card. Nothing was written.
    #[error("nothing was written: {0}")]
    Journal(#[from] WriteJournalError),
    /// Whoever the write is for could not be told that it begins. Nothing was written.
    #[error("nothing was written: {0}")]
    NotBegun(#[source] NotTold),
    /// Whoever the write is for could not be told how it ended. The write stays in the journal, and the next contact with the
    /// card tells it.
    #[error("{}, but {source}; the next contact with the card makes good for that", state(.now))]
    NotTold {
        /// What the card holds.
        now: Now,
        /// Why not.
        source: NotTold,
    },
    /// All was written and read back, but the journal of writes could not be told.
    #[error(
        "all was written and read back, but the journal of writes was not closed; the next contact closes it: {0}"
    )]
    NotClosed(#[source] WriteJournalError),
    /// The card refused before anything was written.
    #[error("nothing was written: {source}")]
    NothingWritten {
        /// What it refused.
        source: FileError,
    },
    /// The card refused in the middle. What was written is known.
    #[error(
        "only a part was written ({}): {source}. A device sees no bootstrap, or the new one; the next contact with the \
         card takes it back or goes on", list(.written)
    )]
    Partial {
        /// What was written.
        written: Vec<Written>,
        /// What it refused.
        source: FileError,
    },
    /// What was read back is not what was written.
    #[error("{file} holds something else at {at} than was written there (written: {}); the card may be worn", list(.written))]
    Mismatch {
        /// The file.
        file: FilePath,
        /// The first octet that differs.
        at: usize,
        /// What was written.
        written: Vec<Written>,
    },
    /// The card said something else than that it was done, or that nothing was: the last thing may be done, half done or not
    /// done.
    #[error(
        "the card does not say that nothing was changed: {source}; what is in the last file is not known (written: {}; \
         {doing} may be). The card's memory may be worn", list(.written)
    )]
    Damaged {
        /// What was written for certain.
        written: Vec<Written>,
        /// What may have been written.
        doing: Box<Written>,
        /// What the card said.
        source: Box<FileError>,
    },
    /// An answer was lost in the middle: the card may or may not have done the last thing.
    #[error("the answer was lost while writing; what is on the card is not known (written: {}; {doing} may be)", list(.written))]
    Unknown {
        /// What was written for certain.
        written: Vec<Written>,
        /// What may have been written.
        doing: Box<Written>,
        /// How the answer was lost.
        source: TransportError,
    },
}

/// Where a key was looked for, in words.
fn looked(places: &[String]) -> String {
    match places {
        [] => String::new(),
        places => format!(", and no source of keys has it: looked for {}", places.join(", ")),
    }
}

impl ApplyError {
    /// The same, with the places where sources of keys looked for the key that is missing.
    #[must_use]
    pub fn looked_in(self, rings: &KeyRings, card: Option<&Iccid>) -> Self {
        match (self, card) {
            (Self::KeyMissing { key, .. }, Some(card)) => {
                Self::KeyMissing { key, places: rings.places_of(card, key.into()) }
            }
            (other, _) => other,
        }
    }

    /// True when the card is for certain as it was before.
    pub fn wrote_nothing(&self) -> bool {
        match self {
            Self::Stale
            | Self::KeyMissing { .. }
            | Self::Key(_)
            | Self::Journal(_)
            | Self::NotBegun(_)
            | Self::NothingWritten { .. }
            | Self::NotTold { now: Now::Old, .. } => true,
            Self::Partial { .. }
            | Self::Mismatch { .. }
            | Self::Unknown { .. }
            | Self::Damaged { .. }
            | Self::NotTold { now: Now::New, .. }
            | Self::NotClosed(_) => false,
        }
    }
}

fn state(now: &Now) -> &'static str {
    match now {
        Now::New => "all was written and read back",
        Now::Old => "nothing was written",
    }
}

fn list(written: &[Written]) -> String {
    match written {
        [] => "nothing".into(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}
