//! One file of a card image.

use serde::{Deserialize, Serialize};

use super::written::Written;
use crate::wire::{
    Fid,
    arr::KeyRef,
    fcp::{LifeCycle, Security, Sfi},
    tlv,
};

/// A file at rest, with the files in it when it is a directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct FileImage {
    /// File identifier.
    pub fid: Fid,
    /// AID of an application directory.
    pub aid: Option<Vec<u8>>,
    /// Life cycle status.
    pub life_cycle: LifeCycle,
    /// Where its access rules stand. None: nothing is allowed.
    pub security: Option<Security>,
    /// Short file identifier.
    pub sfi: Sfi,
    /// Keys that a directory lists in its PIN status; when empty, those of the directory above.
    pub pins: Vec<KeyRef>,
    /// What its template A5 holds. In a directory, tag 83 is replaced by the memory that is free.
    pub proprietary: Vec<(u16, Vec<u8>)>,
    /// What is in it.
    pub body: Body,
}

/// What is in a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Files.
    Directory {
        /// The space set aside for them; none: as much as the directory above has left.
        total_size: Option<u32>,
        /// The files in order.
        files: Vec<FileImage>,
    },
    /// Octets.
    Transparent(Vec<u8>),
    /// Data objects (a BER-TLV file).
    Objects {
        /// How many octets they may take up, tags and lengths too.
        room: u32,
        /// Tag and value of each, in the order of their tags.
        objects: Vec<(u8, Vec<u8>)>,
    },
    /// Records of one length.
    Records {
        /// How they follow each other.
        shape: RecordShape,
        /// Octets of each.
        length: u8,
        /// The records.
        records: Vec<Vec<u8>>,
    },
}

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordShape {
    /// Record 1 is the first.
    LinearFixed,
    /// Record 1 is the newest; writing replaces the oldest.
    Cyclic,
}

impl FileImage {
    /// An activated file without access rules.
    pub fn new(fid: Fid, body: Body) -> Self {
        Self {
            fid,
            aid: None,
            life_cycle: LifeCycle::ACTIVATED,
            security: None,
            sfi: Sfi::None,
            pins: Vec::new(),
            proprietary: Vec::new(),
            body,
        }
    }

    /// With its access rules in that record of the EF(ARR).
    #[must_use]
    pub fn ruled_by(mut self, arr: Fid, record: u8) -> Self {
        self.security = Some(Security::Referenced { arr, record });
        self
    }

    /// With a short file identifier.
    #[must_use]
    pub fn with_sfi(mut self, sfi: u8) -> Self {
        self.sfi = Sfi::Is(sfi);
        self
    }

    /// The file at a path of identifiers below this directory.
    pub fn find(&self, path: &[Fid]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        self.files().iter().find(|f| f.fid == *first)?.find(rest)
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, path: &[Fid]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &mut self.body {
            Body::Directory { files, .. } => files.iter_mut().find(|f| f.fid == *first)?.find_mut(rest),
            _ => None,
        }
    }

    /// The octets of a transparent EF.
    pub fn content(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Transparent(content) => Some(content),
            _ => None,
        }
    }

    /// The files in it; none for an EF.
    pub fn files(&self) -> &[Self] {
        match &self.body {
            Body::Directory { files, .. } => files,
            _ => &[],
        }
    }

    /// Itself and all files below it.
    pub fn count(&self) -> usize {
        1 + self.files().iter().map(Self::count).sum::<usize>()
    }
}

/// A data object with its tag and length.
pub(in crate::lab) fn encoded(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    tlv::write(u16::from(tag), value, &mut octets);
    octets
}
