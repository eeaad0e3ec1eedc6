//! Readers and what is in them, whoever serves them: pcscd, or a virtual service in tests.
//!
//! Whoever talks to a reader opens a [`ReaderContext`] of its own, on its own thread: one context serialises all readers
//! under it (measured: 49 against 770 APDUs a second on 16 readers).

use std::{fmt, time::Duration};

use crate::ident::ReaderName;

use super::{CardTransport, bay::Identity};

/// Whoever knows the readers.
pub trait ReaderService: Send + Sync {
    /// A context for the calling thread. One that has failed does not recover: open another.
    ///
    /// # Errors
    /// [`ReaderError`]; mostly [`ReaderError::NoService`].
    fn open(&self) -> Result<Box<dyn ReaderContext>, ReaderError>;
}

/// A thread's own connection to the service. Its calls block.
pub trait ReaderContext {
    /// The readers there are, in the service's order. None is not an error.
    ///
    /// # Errors
    /// [`ReaderError`]; the context is lost.
    fn readers(&mut self) -> Result<Vec<ReaderName>, ReaderError>;

    /// Waits until a reader was plugged in or out since the last call, or `patience` is over. It may return early.
    ///
    /// # Errors
    /// [`ReaderError`]; the context is lost.
    fn wait_for_readers(&mut self, patience: Duration) -> Result<(), ReaderError>;

    /// What is in a reader: at once when it is something else than at the last look in this context, otherwise when it
    /// changes or `patience` is over.
    ///
    /// # Errors
    /// [`ReaderError::UnknownReader`] when the reader is gone; any other error means that the context is lost.
    fn look(&mut self, reader: &ReaderName, patience: Duration) -> Result<Look, ReaderError>;

    /// Connects to the card in a reader, alone, and resets it.
    ///
    /// # Errors
    /// [`ReaderError`].
    fn connect(&mut self, reader: &ReaderName) -> Result<Box<dyn CardTransport>, ReaderError>;

    /// Takes the power away from a card and gives it back.
    ///
    /// # Errors
    /// [`ReaderError`] when that cannot be done; the card may be as mute as before.
    fn repower(&mut self, reader: &ReaderName) -> Result<(), ReaderError>;

    /// What tells a reader from others of its make, as far as its driver knows.
    ///
    /// # Errors
    /// [`ReaderError`] when the reader cannot be asked now, as when another program has it: it may have an answer later.
    fn identity(&mut self, reader: &ReaderName) -> Result<Identity, ReaderError>;
}

/// One look at a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What is in it.
    pub state: ReaderState,
    /// How often a card came or went, as the service counts: two looks with different counts saw different cards, even when
    /// nobody saw the reader empty.
    pub changes: u32,
}

/// A reader and what is in it. As data: its name, the word for its state, whether it holds a card that answers, and that
/// card's answer to reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderInfo {
    /// Its name, as `-r` takes it.
    pub name: ReaderName,
    /// What is in it.
    pub state: ReaderState,
}

/// What is in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderState {
    /// No card.
    Empty,
    /// A card, with this answer to reset in hexadecimal.
    Card {
        /// The answer to reset.
        atr: String,
    },
    /// A card that another program holds.
    InUse {
        /// The answer to reset.
        atr: String,
    },
    /// A card that does not answer.
    Mute,
    /// The reader is not there any more.
    Unavailable,
}

impl ReaderState {
    /// True when something is in the reader, whether it answers or not.
    pub fn holds_card(&self) -> bool {
        matches!(self, Self::Card { .. } | Self::InUse { .. } | Self::Mute)
    }

    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Card { .. } => "card",
            Self::InUse { .. } => "in-use",
            Self::Mute => "mute",
            Self::Unavailable => "unavailable",
        }
    }

    /// The answer to reset of a card that answers, in hexadecimal.
    pub fn atr(&self) -> Option<&str> {
        match self {
            Self::Card { atr } | Self::InUse { atr } => Some(atr),
            Self::Empty | Self::Mute | Self::Unavailable => None,
        }
    }
}

impl serde::Serialize for ReaderInfo {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = s.serialize_struct("ReaderInfo", 4)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("state", self.state.name())?;
        fields.serialize_field("card", &self.state.atr().is_some())?;
        fields.serialize_field("atr", &self.state.atr())?;
        fields.end()
    }
}

impl fmt::Display for ReaderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Card { atr } => write!(f, "card, ATR {atr}"),
            Self::InUse { atr } => write!(f, "card in use by another program, ATR {atr}"),
            Self::Mute => f.write_str("card that does not answer"),
            Self::Unavailable => f.write_str("unavailable"),
        }
    }
}

/// Why there is no card to talk to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReaderError {
    /// The PC/SC service does not answer.
    #[error(
        "no PC/SC service answers; start pcscd (Debian: `apt install pcscd`, then `systemctl start pcscd.socket`)"
    )]
    NoService,
    /// No reader is connected.
    #[error("no reader is connected; plug one in, or check that its driver is installed (Debian: libccid)")]
    NoReaders,
    /// No reader has this name.
    #[error("no reader is called {asked:?}; there {}", names(.known))]
    UnknownReader {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<ReaderName>,
    },
    /// More than one reader's name begins so.
    #[error("{asked:?} is the beginning of more than one name; there {}", names(.known))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The readers whose names begin so.
        known: Vec<ReaderName>,
    },
    /// The reader is empty.
    #[error("{reader}: no card; put one in")]
    NoCard {
        /// The reader.
        reader: ReaderName,
    },
    /// Another program has the card.
    #[error("{reader}: another program uses the card; close it and start again")]
    InUse {
        /// The reader.
        reader: ReaderName,
    },
    /// The card does not answer to reset.
    #[error("{reader}: the card does not answer; check that it is the right way round and clean")]
    Mute {
        /// The reader.
        reader: ReaderName,
    },
    /// Anything else that PC/SC reports.
    #[error("PC/SC reports an error: {why}")]
    Service {
        /// In its words.
        why: String,
    },
}

fn names(known: &[ReaderName]) -> String {
    let list: Vec<_> = known.iter().map(|name| format!("{:?}", name.as_str())).collect();
    match list.as_slice() {
        [] => "is none".into(),
        [one] => format!("is {one}"),
        many => format!("are {}", many.join(", ")),
    }
}
