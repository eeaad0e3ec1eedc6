//! Plans: what would be done to a card to put bootstrap files on it, file by file, old and new; nothing is changed yet
//! (OMA LwM2M TS, annex G; access conditions as in its section G.3, by analogy for CP and DM).
//!
//! A plan is also the order in which things are done. The first octet of a bootstrap file is made FF first, which makes it
//! an empty file, and put in place last of all; so is the first octet of an entry that leads to one. So at every moment a
//! device sees the old bootstrap, none, or the new one, and whatever was interrupted is found again as an empty file. That
//! one UPDATE of several octets happens as a whole is not assumed.
//!
//! Rights are read from EF(ARR) before; what they do not allow is refused here and not tried.

mod adm;
mod content;
mod draft;
mod edit;
mod erase;
mod error;
mod listing;
mod rule;
mod settings;
mod show;
mod tree;

use std::fmt;

use crate::{
    ident::{Iccid, ReaderName},
    wire::{
        Fid,
        arr::{KeyRef, SecurityCondition},
        fcp::Fcp,
        pkcs15::{ObjectId, Shape},
        usim::SettingsContent,
    },
};

use super::{Depth, FilePath, FileSystem, locate};

pub use adm::AdmKeys;
pub use error::{PlanError, Right};

/// The identifier that a new bootstrap file gets when it is free, else the next free one up to 643F. By convention only: the
/// entry in EF(DODF) says which it is.
pub const CONTENT_FID: Fid = Fid(0x6431);

/// A bootstrap file as it should be on the card.
#[derive(Clone, PartialEq, Eq)]
pub struct BootstrapFile {
    /// What kind of object it is.
    pub oid: ObjectId,
    /// Its label in EF(DODF), when an entry has to be made.
    pub label: String,
    /// What it holds.
    pub octets: Vec<u8>,
}

impl fmt::Debug for BootstrapFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootstrapFile({}, {:?}, [{} octets])", self.oid, self.label, self.octets.len())
    }
}

/// Who may read bootstrap files that are created. Files that exist keep the conditions that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAccess {
    /// Everybody.
    Always,
    /// Whoever has presented a PIN.
    Pin,
}

/// How to plan.
#[derive(Clone, Copy)]
pub struct PlanOptions<'a> {
    /// The shape of entries in EF(DODF). None: entries that exist stay as they are, new ones are oidDO.
    pub shape: Option<Shape>,
    /// Who may read bootstrap files that are created.
    pub read: ReadAccess,
    /// The identifier of a bootstrap file that has to be created, in place of [`CONTENT_FID`] and those behind it.
    pub content_fid: Option<Fid>,
    /// The identifier of the PKCS#15 directory when it has to be created, in place of 7F50.
    pub directory_fid: Option<Fid>,
    /// The identifier of an EF(DODF) that has to be created, in place of 6430.
    pub dodf_fid: Option<Fid>,
    /// Whether object identifiers are written wrapped twice, a known mistake that some devices look for. Entries that exist
    /// are not put right.
    pub double_wrapped_oid: bool,
    /// Settings files of the USIM that are filled besides. They are not created: a card has them or has not.
    pub settings: &'a [SettingsContent],
    /// The administrative keys that are at hand or were named.
    pub adm: &'a AdmKeys,
    /// Says in a few words what octets are, without secrets: this room does not know.
    pub describe: &'a dyn Fn(ObjectId, &[u8]) -> String,
}

impl fmt::Debug for PlanOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanOptions")
            .field("shape", &self.shape)
            .field("read", &self.read)
            .field("content_fid", &self.content_fid)
            .field("directory_fid", &self.directory_fid)
            .field("dodf_fid", &self.dodf_fid)
            .field("double_wrapped_oid", &self.double_wrapped_oid)
            .field("adm", &self.adm)
            .finish_non_exhaustive()
    }
}

/// What would be done to a card.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// The reader that holds the card.
    pub reader: ReaderName,
    /// The card.
    pub iccid: Option<Iccid>,
    /// File by file, in the order in which they are finished.
    pub steps: Vec<Step>,
    /// The keys that must be presented.
    #[serde(serialize_with = "show::keys")]
    pub keys: Vec<KeyRef>,
    /// What is odd about the card.
    pub notes: Vec<String>,
    /// What it is carried out for, in the caller's words and without secrets, for example the number of a job. The journal
    /// keeps it.
    #[serde(skip)]
    pub reference: Option<String>,
    /// The session that it was made in; it is carried out in no other.
    #[serde(skip)]
    pub(super) session: u64,
    #[serde(skip)]
    pub(super) operations: Vec<Operation>,
}

impl Plan {
    /// True when the card is as it should be already.
    pub fn is_unchanged(&self) -> bool {
        self.operations.is_empty()
    }
}

/// What would be done to one file.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Step {
    /// The file.
    pub file: FilePath,
    /// What it is: `EF(ODF)`, `bootstrap file 2.23.43.5.1`.
    pub name: String,
    /// What would be done.
    pub action: Action,
    /// How many octets the file has room for; none for a directory.
    pub room: Option<usize>,
    /// How many octets would change, where what is there now is known.
    pub differing: Option<usize>,
    /// What is in it now.
    pub old: State,
    /// What would be in it.
    pub new: State,
    /// The access conditions of a file that would be created.
    pub access: Option<Access>,
}

/// What would be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A directory is created.
    CreateDirectory,
    /// A file is created and written.
    Create,
    /// Octets that differ are written.
    Update,
    /// A record is written.
    UpdateRecord,
    /// The file is filled with FF.
    Erase,
    /// Nothing.
    Unchanged,
}

/// What is in a file, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct State {
    /// How many octets are used; none when the file does not exist.
    pub octets: Option<usize>,
    /// What they are.
    pub what: String,
}

impl State {
    fn none() -> Self {
        Self { octets: None, what: "not there".into() }
    }

    fn of(octets: usize, what: impl Into<String>) -> Self {
        Self { octets: Some(octets), what: what.into() }
    }
}

/// The access conditions of a file that would be created, and the record of EF(ARR) that gives them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Access {
    /// To read the file; none for a directory.
    #[serde(serialize_with = "show::condition")]
    pub read: Option<SecurityCondition>,
    /// To update the file; in a directory to create files.
    #[serde(serialize_with = "show::condition")]
    pub update: Option<SecurityCondition>,
    /// EF(ARR) and record.
    pub rule: String,
}

/// One thing that is done to a card.
#[derive(Clone)]
pub(super) enum Operation {
    /// A file is created.
    Create { file: FilePath, fcp: Fcp },
    /// The octet that leads to something is made FF.
    TakeOut { file: FilePath, at: usize, old: u8 },
    /// Octets are written where they differ and read back.
    Write(Region),
    /// The octet that leads to something is put in place and read back.
    PutIn { file: FilePath, at: usize, octet: u8 },
    /// A record is written and read back. What is in it now is read when the plan is carried out.
    Record { file: FilePath, number: u8, octets: Vec<u8>, old: Vec<u8> },
    /// A data object becomes another, and is read back; with tag and length, none where there is none.
    Object { file: FilePath, tag: u8, old: Option<Vec<u8>>, new: Option<Vec<u8>> },
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { file, .. } => write!(f, "Create({file})"),
            Self::TakeOut { file, at, .. } => write!(f, "TakeOut({file} at {at})"),
            Self::Write(region) => {
                write!(f, "Write({} at {}, {} octets)", region.file, region.at, region.new.len())
            }
            Self::PutIn { file, at, .. } => write!(f, "PutIn({file} at {at})"),
            Self::Record { file, number, .. } => write!(f, "Record({file}, {number})"),
            Self::Object { file, tag, .. } => write!(f, "Object({file}, {tag:02X})"),
        }
    }
}

/// Octets of a transparent file and what they should become.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) file: FilePath,
    /// Where it begins.
    pub(super) at: usize,
    /// What is there now, as far as it is known; what it is too short for is not known.
    pub(super) old: Vec<Option<u8>>,
    /// What should be there. FF over octets that are not known is first looked for, and written only where it is missing.
    pub(super) new: Vec<u8>,
}

/// Plans how to put bootstrap files on a card. The card is read, nothing on it is changed and no key is presented.
///
/// # Errors
/// [`PlanError`]: it cannot be done, or the card's access rules do not allow it.
pub fn plan(
    fs: &mut FileSystem<'_>,
    wanted: &[BootstrapFile],
    options: &PlanOptions<'_>,
) -> Result<Plan, PlanError> {
    let objects: Vec<_> = wanted.iter().map(|file| file.oid).collect();
    for (at, file) in wanted.iter().enumerate() {
        if matches!(file.octets.first(), None | Some(0xFF)) {
            return Err(PlanError::NotAContent { oid: file.oid });
        }
        if objects.iter().skip(at + 1).any(|oid| *oid == file.oid) {
            return Err(PlanError::Doubled { oid: file.oid });
        }
    }
    let view = locate(fs, Depth::Objects(&objects))?;
    draft::Draft::new(fs, &view, options).put(wanted)
}

/// Plans how to empty the bootstrap files of a card. Their entries in EF(DODF) stay, and lead to files that hold nothing, as
/// on a card that was prepared for a bootstrap.
///
/// # Errors
/// [`PlanError`].
pub fn plan_erase(
    fs: &mut FileSystem<'_>,
    objects: &[ObjectId],
    options: &PlanOptions<'_>,
) -> Result<Plan, PlanError> {
    let view = locate(fs, Depth::Objects(objects))?;
    draft::Draft::new(fs, &view, options).erase(objects)
}
