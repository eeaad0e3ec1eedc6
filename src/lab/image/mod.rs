//! Card images: everything that a virtual card keeps while it has no power, as a readable JSON file.

mod content;
mod file;
mod hex;
mod kinds;
mod personality;
mod quirk;
mod sample;
mod written;

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde::{Deserialize, Serialize};

pub(super) use file::encoded;
pub use file::{Body, FileImage, RecordShape};
pub use hex::Hex;
pub use personality::{Personality, PersonalityError};
pub use quirk::{Quirk, QuirkError};
pub use sample::{SAMPLE_ICCID, SAMPLE_IMSI, SAMPLE_PIN, SAMPLE_PUK, Sample, SampleKind, is_sample};

use crate::{card::Protocol, wire::arr::KeyRef};

/// A virtual card at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CardImage {
    /// What kind of card it is; a UICC when the image does not say.
    #[serde(default)]
    pub personality: Personality,
    /// In which manners it is not a card by the book. Those that are in its files stand here for the record: naming one in
    /// an image file changes no file, [`CardImage::add_quirk`] does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub quirks: BTreeSet<Quirk>,
    /// Answer to reset.
    pub atr: Hex,
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// Octets that files may take up in all.
    pub memory: u32,
    /// PINs and administrative keys.
    pub keys: Vec<KeyImage>,
    /// The master file with everything in it.
    pub mf: FileImage,
}

/// A PIN or administrative key with its counter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyImage {
    /// Its reference.
    #[serde(rename = "ref", with = "hex::key_ref")]
    pub key: KeyRef,
    /// The eight octets that VERIFY must carry.
    pub value: Hex,
    /// Wrong values that are still allowed.
    pub tries: u8,
    /// What `tries` goes back to after a right value; at most 15, which is all that 63Cx can tell.
    pub max: u8,
    /// Whether it is switched on; one that is off counts as presented.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its PUK; administrative keys have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puk: Option<PukImage>,
}

/// What unblocks a PIN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PukImage {
    /// The eight octets that UNBLOCK PIN must carry.
    pub value: Hex,
    /// Wrong values that are still allowed, of [`PukImage::MAX`].
    pub tries: u8,
}

impl PukImage {
    /// The tries of a PUK (ETSI TS 102 221, section 9.5.2).
    pub const MAX: u8 = 10;
}

impl fmt::Debug for PukImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PukImage({} of {} tries left)", self.tries, Self::MAX)
    }
}

fn yes() -> bool {
    true
}

impl KeyImage {
    /// A key with three tries that is switched on.
    pub fn new(key: KeyRef, value: [u8; 8]) -> Self {
        Self { key, value: Hex(value.to_vec()), tries: 3, max: 3, enabled: true, puk: None }
    }

    /// The same with a PUK.
    #[must_use]
    pub fn with_puk(mut self, value: [u8; 8]) -> Self {
        self.puk = Some(PukImage { value: Hex(value.to_vec()), tries: PukImage::MAX });
        self
    }

    /// The same, switched off.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }
}

/// A card image cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file cannot be read or written.
    #[error("card image {file}: {source}")]
    File {
        /// Its path.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not a card image.
    #[error("card image {file}:{line}:{column}: {message}")]
    Syntax {
        /// Its path.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected, without what is there: it may be a key.
        message: String,
    },
    /// The image contradicts itself.
    #[error("card image: {0}")]
    Inconsistent(#[from] Inconsistency),
}

impl ImageError {
    /// The error of the JSON reader, which repeats values.
    fn syntax(file: String, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let said = error.to_string();
        let said = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);
        let message = match said.find(", expected ") {
            Some(at) if said.starts_with("invalid ") || said.starts_with("unknown variant ") => {
                format!("not what stands here; {}", said.get(at + 2..).unwrap_or(""))
            }
            _ => said.to_owned(),
        };
        Self::Syntax { file, line, column, message }
    }
}

/// What in a card image cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistency {
    /// The root is not a master file.
    #[error("the root must be a directory with identifier 3F00")]
    NoMf,
    /// Two files in a directory have the same identifier.
    #[error("file {0} stands twice in its directory")]
    DoubledFid(crate::wire::Fid),
    /// Two directories have the same AID.
    #[error("two directories have the AID {0}")]
    DoubledAid(Hex),
    /// Directories are nested too deep.
    #[error("directories are nested more than {0} deep")]
    TooDeep(usize),
    /// A key stands twice, or its value or counter is out of range.
    #[error(
        "key {0}: stands twice, has a value of other than 8 octets, or a counter above its maximum (at most 15)"
    )]
    Key(KeyRef),
    /// The files do not fit.
    #[error("the files of {0} take up more than the space it has")]
    NoSpace(crate::wire::Fid),
}

/// The largest image file, in octets: many times a card.
const MAX_FILE: u64 = 64 * 1024 * 1024;

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

impl CardImage {
    /// Reads an image file.
    ///
    /// # Errors
    /// [`ImageError`]; the message names line and column.
    pub fn load(file: &Path) -> Result<Self, ImageError> {
        let name = || file.display().to_string();
        let text = read(file).map_err(|source| ImageError::File { file: name(), source })?;
        serde_json::from_str(&text).map_err(|error| ImageError::syntax(name(), &error))
    }

    /// Writes an image file that only its owner can read, for it holds keys; in whole or not at all: a process that is
    /// killed leaves the old one.
    ///
    /// # Errors
    /// [`ImageError::File`].
    pub fn save(&self, file: &Path) -> Result<(), ImageError> {
        let fail = |source| ImageError::File { file: file.display().to_string(), source };
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        // What a killed process left may be open to others, or lead elsewhere.
        let left = std::fs::remove_file(&name);
        left.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) }).map_err(fail)?;
        let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name);
        new.and_then(|mut new| new.write_all(self.to_string().as_bytes())).map_err(fail)?;
        std::fs::rename(&name, file).map_err(fail)
    }

    /// The key of that reference.
    pub fn key_mut(&mut self, key: KeyRef) -> Option<&mut KeyImage> {
        self.keys.iter_mut().find(|k| k.key == key)
    }
}

impl fmt::Display for CardImage {
    /// The image as it stands in its file. It holds keys: it belongs in files, not in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)?;
        f.write_str("\n")
    }
}

impl fmt::Debug for CardImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardImage({} file(s), {} key(s))", self.mf.count(), self.keys.len())
    }
}

impl fmt::Debug for KeyImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyImage({:?}, {} of {} tries left)", self.key, self.tries, self.max)
    }
}
