//! What was on a card before a script changed it.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{ident::Iccid, wire::script::Place};

/// Keeps old content. An entry is durable before the command that changes it goes to the card.
pub trait Backup {
    /// Says whose content comes.
    fn begin(&mut self, card: Option<&Iccid>);

    /// Keeps an entry, behind those before.
    ///
    /// # Errors
    /// [`BackupError`]; then nothing is changed.
    fn keep(&mut self, saved: &Saved) -> Result<(), BackupError>;
}

/// Backups of many cards.
pub trait Backups: Send + Sync {
    /// A backup of a card for one run of a script. Those that were made of the card before stay.
    ///
    /// # Errors
    /// [`BackupError`]; then the script is not run on that card.
    fn begin(&self, card: &Iccid) -> Result<Box<dyn Backup>, BackupError>;

    /// What was kept of a card when it was first changed; none where nothing was.
    ///
    /// # Errors
    /// [`BackupError`].
    fn kept(&self, card: &Iccid) -> Result<Option<CardBackup>, BackupError>;
}

/// A backup could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the backup cannot be kept or read: {source}")]
pub struct BackupError {
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl BackupError {
    /// From the error of whatever keeps it.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source) }
    }
}

/// One piece of old content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The file; none where the script does not tell which one it is (a short file identifier, a selection by steps that
    /// cannot be followed).
    pub file: Option<Place>,
    /// What was there.
    #[serde(flatten)]
    pub kept: Kept,
}

/// What was there. `Debug` shows lengths: the octets may hold secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kept {
    /// Octets of a transparent file.
    Octets {
        /// Where they begin.
        at: usize,
        /// The octets, as hexadecimal digits in JSON.
        #[serde(with = "hex")]
        octets: Vec<u8>,
    },
    /// A record.
    Record {
        /// Its number, counted from 1; 0 for the current one.
        number: u8,
        /// Its octets.
        #[serde(with = "hex")]
        octets: Vec<u8>,
    },
    /// All data objects of a file.
    Objects {
        /// With tags and lengths, one behind the other.
        #[serde(with = "hex")]
        octets: Vec<u8>,
    },
    /// There was no such file: the script made it.
    Absent {},
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets { at, octets } => write!(f, "Octets({} at {at})", octets.len()),
            Self::Record { number, octets } => write!(f, "Record({number}, {} octets)", octets.len()),
            Self::Objects { octets } => write!(f, "Objects({} octets)", octets.len()),
            Self::Absent {} => f.write_str("Absent"),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        match self {
            Self::Octets { octets, .. } | Self::Record { octets, .. } | Self::Objects { octets } => {
                octets.zeroize();
            }
            Self::Absent {} => {}
        }
    }
}

impl Saved {
    /// True when what `other` holds is here already.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self.file.is_none() || self.file != other.file {
            return false;
        }
        match (&self.kept, &other.kept) {
            (Kept::Octets { at, octets }, Kept::Octets { at: from, octets: more }) => {
                at <= from && from + more.len() <= at + octets.len()
            }
            (Kept::Record { number, .. }, Kept::Record { number: other, .. }) => {
                number == other && *number != 0
            }
            (Kept::Absent {}, _) | (Kept::Objects { .. }, Kept::Objects { .. }) => true,
            _ => false,
        }
    }
}

/// All that was kept of one card, in the order in which it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardBackup {
    /// The card; none where its number could not be read.
    #[serde(deserialize_with = "iccid")]
    pub iccid: Option<Iccid>,
    /// The pieces.
    pub saved: Vec<Saved>,
}

/// A card's number as a card states it, which need not have a check digit.
fn iccid<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Iccid>, D::Error> {
    let digits = Option::<String>::deserialize(d)?;
    digits.map(|digits| Iccid::from_card(&digits).map_err(serde::de::Error::custom)).transpose()
}

impl CardBackup {
    /// What is held of a file, latest first: put back in this order, the oldest content is there in the end.
    pub fn of<'s>(&'s self, file: &Place) -> impl Iterator<Item = &'s Saved> {
        self.saved.iter().rev().filter(move |saved| saved.file.as_ref() == Some(file))
    }
}

/// A backup that lasts as long as the process: for tests and for cards that are virtual.
#[derive(Debug, Default)]
pub struct MemoryBackup(pub CardBackup);

impl Backup for MemoryBackup {
    fn begin(&mut self, card: Option<&Iccid>) {
        self.0.iccid = card.cloned();
    }

    fn keep(&mut self, saved: &Saved) -> Result<(), BackupError> {
        self.0.saved.push(saved.clone());
        Ok(())
    }
}

/// Octets as hexadecimal digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(octets: &[u8], s: S) -> Result<S::Ok, S::Error> {
        let digits: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        s.serialize_str(&Zeroizing::new(digits))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let digits = Zeroizing::new(String::deserialize(d)?);
        let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
        let octet = |pair: &[u8; 2]| {
            let digits =
                std::str::from_utf8(pair).ok().filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        };
        let octets = pairs.iter().map(octet).collect::<Option<_>>().filter(|_| odd.is_empty());
        octets.ok_or_else(|| D::Error::custom("hexadecimal digits, two for each octet, are expected"))
    }
}
