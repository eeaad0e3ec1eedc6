//! What a card holds, as far as a bootstrap is concerned: the value that inspection prints and planning starts from.

use std::fmt;

use crate::{
    ident::{Iccid, ReaderName},
    wire::{
        DecodeError, Fid,
        pkcs15::{Dodf, ObjectId, Odf, Pkcs15Path, Shape},
    },
};

use super::{FileError, FilePath, Protocol};

/// A card, read.
#[derive(Debug, Clone)]
pub struct CardView {
    /// The reader that holds it.
    pub reader: ReaderName,
    /// Its number; none when EF(ICCID) cannot be read.
    pub iccid: Option<Iccid>,
    /// Its answer to reset.
    pub atr: Vec<u8>,
    /// The protocol in use.
    pub protocol: Protocol,
    /// What kind of card it is; none when that was not looked for, or nothing tells.
    pub kind: Option<CardKind>,
    /// The applications that EF(DIR) lists.
    pub applications: Vec<Application>,
    /// The length of a record of EF(DIR).
    pub record_length: Option<u8>,
    /// The first record of EF(DIR) that is free, among those that were read.
    pub free_record: Option<u8>,
    /// The PKCS#15 application; none when the card has none.
    pub pkcs15: Option<Pkcs15>,
    /// The data objects that its directories list, in order of priority.
    pub files: Vec<FoundFile>,
    /// What is odd, for people.
    pub warnings: Vec<Warning>,
}

impl CardView {
    /// The first file with this object identifier: the one that a device takes.
    pub fn file(&self, oid: ObjectId) -> Option<&FoundFile> {
        self.files.iter().find(|f| f.oid == Some(oid))
    }
}

/// What kind of card it is, by the files that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardKind {
    /// A UICC: class 00, with an EF(ICCID).
    Uicc,
    /// A SIM, or a UICC in 2G mode: class A0.
    Sim,
    /// An R-UIM: class A0, with a DF(CDMA) (3GPP2 C.S0023).
    Ruim,
    /// A PKCS#15 token that is no telecommunication card: class 00, without EF(ICCID).
    Token,
}

impl CardKind {
    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uicc => "UICC",
            Self::Sim => "SIM, or UICC in 2G mode",
            Self::Ruim => "R-UIM",
            Self::Token => "PKCS#15 token",
        }
    }
}

impl fmt::Display for CardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for CardKind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// A record of EF(DIR).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Application {
    /// Record number.
    pub record: u8,
    /// Application identifier in hexadecimal.
    pub aid: String,
    /// What people call it.
    pub label: Option<String>,
    /// Its directory, where the record says it.
    pub path: Option<FilePath>,
}

/// The PKCS#15 application.
#[derive(Debug, Clone)]
pub struct Pkcs15 {
    /// Its directory.
    pub directory: FilePath,
    /// What led there.
    pub found_by: FoundBy,
    /// Its object directory.
    pub odf: Listing<Odf>,
    /// The data object directories that the object directory lists, in order of priority.
    pub dodfs: Vec<Listing<Dodf>>,
}

/// What led to the PKCS#15 application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// A record of EF(DIR).
    Dir,
    /// Its AID, which EF(DIR) does not list.
    Aid,
    /// Its customary place.
    Place(Fid),
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir => f.write_str("EF(DIR)"),
            Self::Aid => f.write_str("AID"),
            Self::Place(fid) => write!(f, "its customary identifier {fid}"),
        }
    }
}

/// A file that lists others.
#[derive(Debug, Clone)]
pub enum Listing<T> {
    /// It does not exist.
    Absent {
        /// Where it should be.
        file: FilePath,
    },
    /// It cannot be read, or holds something else than it should.
    Unreadable {
        /// The file.
        file: FilePath,
        /// Why.
        why: FileError,
    },
    /// It was read.
    Read {
        /// The file.
        file: FilePath,
        /// All its octets.
        octets: Vec<u8>,
        /// What they say.
        list: T,
    },
}

impl<T> Listing<T> {
    /// The file.
    pub fn file(&self) -> &FilePath {
        match self {
            Self::Absent { file } | Self::Unreadable { file, .. } | Self::Read { file, .. } => file,
        }
    }

    /// What it says, when it was read.
    pub fn list(&self) -> Option<&T> {
        match self {
            Self::Read { list, .. } => Some(list),
            _ => None,
        }
    }
}

/// A data object that a directory lists.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// What kind of object it is.
    pub oid: Option<ObjectId>,
    /// Its label.
    pub label: Option<String>,
    /// The shape of its entry.
    pub shape: Shape,
    /// Whether its identifier is wrapped twice.
    pub double_wrapped_oid: bool,
    /// Its path as the entry gives it.
    pub path: Pkcs15Path,
    /// Its file.
    pub file: FilePath,
    /// Which directory lists it: an index into [`Pkcs15::dodfs`].
    pub dodf: usize,
    /// Which entry of that directory it is.
    pub entry: usize,
    /// The size of what the path means: the file, or a part of it. None when the file was not looked at.
    pub size: Option<usize>,
    /// What is in it.
    pub content: Content,
}

impl FoundFile {
    /// Whether it could be read, which says something about PINs only when none was presented before; none when it was
    /// not tried.
    pub fn readable_without_pin(&self) -> Option<bool> {
        match &self.content {
            Content::Octets { .. } => Some(true),
            Content::Unreadable(error) if error.is_denied() => Some(false),
            Content::Unreadable(_) | Content::NotRead | Content::Absent => None,
        }
    }
}

/// What is in a file. `Debug` shows the length: the octets may hold secrets.
#[derive(Clone)]
pub enum Content {
    /// It was not looked at.
    NotRead,
    /// The entry leads to no file.
    Absent,
    /// It cannot be read.
    Unreadable(FileError),
    /// The octets from its beginning: all of them, or, when it begins with FF and so holds nothing, its first block.
    Octets(Vec<u8>),
}

impl Content {
    /// What it holds, without the FF behind it; empty when it begins with FF. None when it was not read.
    pub fn used(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) if octets.first() == Some(&0xFF) => Some(&[]),
            Self::Octets(octets) => Some(crate::wire::tlv::strip_padding(octets)),
            Self::Absent => Some(&[]),
            Self::NotRead | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead => f.write_str("NotRead"),
            Self::Absent => f.write_str("Absent"),
            Self::Unreadable(error) => f.debug_tuple("Unreadable").field(error).finish(),
            Self::Octets(octets) => write!(f, "Octets([{} octets])", octets.len()),
        }
    }
}

/// Something odd about a card that does not stop a look at the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// EF(ICCID) cannot be read.
    #[error("the ICCID cannot be read: {0}")]
    NoIccid(FileError),
    /// EF(DIR) cannot be read.
    #[error("EF(DIR) cannot be read: {0}")]
    NoDir(FileError),
    /// A record of EF(DIR) is damaged.
    #[error("EF(DIR), record {record}: {what}")]
    DirRecord {
        /// Record number.
        record: u8,
        /// What is wrong.
        what: DecodeError,
    },
    /// EF(DIR) leads to a PKCS#15 application that is not there.
    #[error("EF(DIR) says that the PKCS#15 application is in {0}, and there is none")]
    DirLeadsNowhere(FilePath),
    /// EF(DIR) does not list the PKCS#15 application.
    #[error("EF(DIR) does not list the PKCS#15 application; a device may not find it")]
    NotInDir,
    /// A listing cannot be read.
    #[error("{name} cannot be read: {why}")]
    Listing {
        /// What it is.
        name: &'static str,
        /// Why, with the file.
        why: FileError,
    },
    /// A path leads back to a file that is on the way to it.
    #[error("{from} leads back to {to}: a loop, not followed")]
    Loop {
        /// The file with the path.
        from: FilePath,
        /// Where it leads.
        to: FilePath,
    },
    /// More directories or objects than any card has.
    #[error("{in_file} lists more than {limit} {what}; the rest is not looked at")]
    TooMany {
        /// The listing.
        in_file: FilePath,
        /// What there are too many of.
        what: &'static str,
        /// How many are looked at.
        limit: usize,
    },
    /// Index and length of a path reach past the end of the file.
    #[error("{file}: the entry in its directory reaches past its end: {what}")]
    PathPastEnd {
        /// The file.
        file: FilePath,
        /// The numbers.
        what: DecodeError,
    },
    /// An object identifier is wrapped twice.
    #[error("the entry for {file} has its object identifier wrapped twice; not every device reads that")]
    DoubleWrapped {
        /// The file.
        file: FilePath,
    },
}
