//! The journal of writes: what a card held and what it is to hold, kept durably from before the first change until all was
//! read back. Whatever cuts a write off, the next contact with that card finds it here (see `recover`).

mod changed_key;
mod codec;
mod complete;
mod contact;
mod held;
mod memory;
mod object;

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    ident::{Iccid, Timestamp, counted},
    wire::{
        arr::KeyRef,
        fcp::{Fcp, LifeCycle},
    },
};

use super::{FilePath, Key, rights::is_pin};

pub use changed_key::{ChangedKey, KeyFate};
pub(super) use complete::{complete, pending};
pub use contact::ContactWrites;
pub use held::{HeldEntry, Hold};
pub use memory::MemoryWriteJournal;
pub(super) use object::{lay_out, object_in};

/// Remembers the one write that is under way on each card. Two cards may have one number, and two processes (or two bays)
/// one journal: so an entry has an identity, is in the hands of the one contact with a card that has begun or taken it (its
/// [`Hold`]), and is changed and closed by nobody else, be it the contact before that in the same process.
pub trait WriteJournal: Send + Sync {
    /// The write to a card that was begun and not closed.
    ///
    /// # Errors
    /// [`WriteJournalError`] when the journal cannot be read; then nothing is written to the card.
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError>;

    /// A write is about to begin, by the caller, who holds its entry from here on. Returns when this survives a loss of power.
    ///
    /// # Errors
    /// [`WriteJournalError`] when the journal cannot be written, or holds a write to that card already; then nothing is
    /// written to the card.
    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError>;

    /// An entry that the caller holds has this content from now on: a script finds out what it writes as it goes. Returns when
    /// this survives a loss of power.
    ///
    /// # Errors
    /// [`WriteJournalError`]; then what was to be added is not done.
    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError>;

    /// Takes an entry that nobody works on, in order to settle it.
    ///
    /// # Errors
    /// [`WriteJournalError::UnderWay`] while its owner lives and works on it, [`WriteJournalError::Gone`] when it was closed
    /// meanwhile.
    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError>;

    /// The caller works on its entry no more, and it stays for the next contact with the card. Whatever prevents that is not
    /// told: an entry whose owner is gone is free too. An entry that another holds by now stays his.
    fn leave(&self, hold: &Hold);

    /// All was read back, or all was taken back.
    ///
    /// # Errors
    /// [`WriteJournalError`] when the journal cannot be written, or the caller holds the entry no more; the write then counts
    /// as interrupted, and the next contact with the card finds it done.
    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError>;

    /// The writes that were begun and not closed, in the order in which they began, without what they hold.
    ///
    /// # Errors
    /// [`WriteJournalError`] when the journal cannot be read.
    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError>;
}

/// Which entry of a journal. A number is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(pub i64);

/// A write in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEntry {
    /// Which one.
    pub id: EntryId,
    /// What it holds.
    pub write: PendingWrite,
    /// True while somebody works on it: it is not cut off.
    pub under_way: bool,
}

/// A write that was begun: which files it changes, and what they held and are to hold. These are secrets; it does not
/// print them.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingWrite {
    /// The card.
    pub card: Iccid,
    /// The keys that it needs.
    pub keys: Vec<KeyRef>,
    /// What it is done for, in the words of whoever began it.
    pub reference: Option<String>,
    /// What began it.
    pub origin: Origin,
    /// What is done, in order.
    pub(super) touches: Vec<Touch>,
    /// What a script does to keys besides; that is not taken back.
    pub(super) changed_keys: Vec<ChangedKey>,
}

/// What began a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A plan: all steps are known from the beginning, so it can be gone on with.
    Plan,
    /// A script: steps are known as far as it came, so it can only be taken back.
    Script,
}

/// A write in the journal, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PendingSummary {
    /// Which entry it is.
    #[serde(skip)]
    pub id: EntryId,
    /// The card.
    pub card: Iccid,
    /// When it began; none where that is not kept.
    pub began: Option<Timestamp>,
    /// How many steps it has.
    pub steps: usize,
    /// What began it.
    pub origin: Origin,
    /// True while somebody works on it: it is not cut off.
    pub under_way: bool,
}

/// The life cycle of a file that is active (ETSI TS 102 221, section 11.1.1.4.9).
pub(super) const ACTIVE: [u8; 1] = [LifeCycle::ACTIVATED.0];
/// And of one that is not.
pub(super) const INACTIVE: [u8; 1] = [LifeCycle::DEACTIVATED.0];

/// One step of a write.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Touch {
    /// A file is created.
    Create { file: FilePath, fcp: Fcp },
    /// Octets of a transparent file change. Of what was there before, so many are known; the others are those of a file that
    /// the same write creates, or stand behind the FF that a file begins with that holds nothing, and count as FF.
    Octets { file: FilePath, at: usize, known: usize, old: Zeroizing<Vec<u8>>, new: Zeroizing<Vec<u8>> },
    /// A record changes.
    Record { file: FilePath, number: u8, old: Zeroizing<Vec<u8>>, new: Zeroizing<Vec<u8>> },
    /// A data object comes, goes or becomes another; how its octets are laid out, see `object`.
    Object { file: FilePath, tag: u8, old: Zeroizing<Vec<u8>>, new: Zeroizing<Vec<u8>> },
    /// A script activates or deactivates a file; the octet says which, by [`ACTIVE`] and [`INACTIVE`]. While it is not active, nobody
    /// reads what it holds.
    Active { file: FilePath, old: [u8; 1], new: [u8; 1] },
    /// A script does something that cannot be taken back: it deletes a file, or changes what could not be read before. The
    /// file is the MF where it is not known which one it is.
    Other { file: FilePath, what: String },
}

impl PendingWrite {
    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.touches.len()
    }

    /// The files that it changes or creates, each once, in order.
    pub fn files(&self) -> Vec<&FilePath> {
        let mut files: Vec<&FilePath> = Vec::new();
        for file in self.touches.iter().map(Touch::file) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    /// True when it does nothing, neither to a file nor to a key.
    pub(super) fn is_empty(&self) -> bool {
        self.touches.is_empty() && self.changed_keys.is_empty()
    }

    /// What a script has done to keys besides, or was about to do: that is not taken back.
    pub fn changed_keys(&self) -> &[ChangedKey] {
        &self.changed_keys
    }

    /// True when a value that is known for a key may be the one from before this write. It would be a try lost.
    pub fn has_replaced(&self, key: KeyRef) -> bool {
        self.changed_keys.iter().any(|changed| changed.replaces(key))
    }

    /// A PIN that has another value since.
    pub(super) fn replaced_pin(&self) -> Option<KeyRef> {
        let new = self.changed_keys.iter().filter(|changed| changed.replaces(changed.key));
        new.map(|changed| changed.key).find(|key| is_pin(*key))
    }

    /// Those of the keys whose values are what they were before: no other is presented to settle this write.
    pub fn still_valid(&self, keys: &[Key]) -> Vec<Key> {
        let replaced = |key: &&Key| key.id.reference().is_some_and(|key| self.has_replaced(key));
        keys.iter().filter(|key| !replaced(key)).cloned().collect()
    }

    /// All of it, for a journal to seal: contents of files, which may be secrets.
    pub fn to_octets(&self) -> Zeroizing<Vec<u8>> {
        codec::encode(self)
    }

    /// Back from [`Self::to_octets`].
    ///
    /// # Errors
    /// [`PendingFormatError`] when it was not written by that.
    pub fn from_octets(octets: &[u8]) -> Result<Self, PendingFormatError> {
        codec::decode(octets)
    }
}

impl fmt::Debug for PendingWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingWrite")
            .field("card", &self.card)
            .field("keys", &self.keys)
            .field("reference", &self.reference)
            .field("origin", &self.origin)
            .field("touches", &self.touches)
            .field("changed_keys", &self.changed_keys)
            .finish()
    }
}

impl Touch {
    pub(super) fn file(&self) -> &FilePath {
        match self {
            Self::Create { file, .. }
            | Self::Octets { file, .. }
            | Self::Record { file, .. }
            | Self::Object { file, .. }
            | Self::Active { file, .. }
            | Self::Other { file, .. } => file,
        }
    }

    /// What is done to the file, in a few words.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Create { .. } => "create".into(),
            Self::Octets { at, new, .. } => format!("{} from {at}", counted(new.len(), "octet")),
            Self::Record { number, .. } => format!("record {number}"),
            Self::Object { tag, new, .. } if object_in(new).is_none() => {
                format!("data object {tag:02X} away")
            }
            Self::Object { tag, .. } => format!("data object {tag:02X}"),
            Self::Active { new, .. } if *new == ACTIVE => "activate".into(),
            Self::Active { .. } => "deactivate".into(),
            Self::Other { what, .. } => what.clone(),
        }
    }
}

impl fmt::Display for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file(), self.what())
    }
}

impl fmt::Debug for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Touch({self})")
    }
}

/// An entry of the journal that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("the journal's entry is in no form that this bootgate knows: {why}; update bootgate")]
pub struct PendingFormatError {
    why: String,
}

/// The journal of writes could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteJournalError {
    /// It holds a write to that card already.
    #[error(
        "an earlier write to card {card} was interrupted and is not settled; run `bootgate card recover -r READER`"
    )]
    Pending {
        /// The card.
        card: Iccid,
    },
    /// Somebody else writes to a card with that number at this moment.
    #[error(
        "another process or bay writes to card {card} at this moment, or to another card with the same number; wait for it"
    )]
    UnderWay {
        /// The card.
        card: Iccid,
    },
    /// The entry is not there any more, or is somebody else's.
    #[error("the write to card {card} is in the journal no more: somebody else has settled or forgotten it")]
    Gone {
        /// The card.
        card: Iccid,
    },
    /// The contact with the card was given up: what it had begun is for the next one to settle.
    #[error(
        "nobody waits for this contact with card {card} any more; the next one settles what it had begun"
    )]
    GivenUp {
        /// The card.
        card: Iccid,
    },
    /// It cannot be read or written.
    #[error("the journal of writes cannot be used: {source}")]
    Store {
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WriteJournalError {
    /// From the error of the store behind it.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Store { source: Box::new(source) }
    }
}
