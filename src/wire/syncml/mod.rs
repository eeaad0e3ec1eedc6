//! SyncML messages of OMA DM 1.2 (SyncML Representation Protocol 1.2; OMA DM RepPro 1.2).
//!
//! These types are what both sides of a session and the bootstrap message share. Identifiers that the peer chose
//! (`SessionID`, `MsgID`, `CmdID`) are kept as the text that came, because references repeat them letter by letter.

pub mod auth;
mod code;
mod read;
mod write;

use std::fmt;

use super::{
    DecodeError, EncodeError, Syntax,
    infoset::{Element, Vocabulary},
    wbxml, xml,
};
pub use code::{AlertCode, StatusCode};

/// One SyncML message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `SyncHdr`.
    pub header: Header,
    /// The commands of `SyncBody`, in order.
    pub commands: Vec<Command>,
    /// `Final`: the last message of its package.
    pub is_final: bool,
}

/// `SyncHdr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `VerDTD`, `1.2`.
    pub ver_dtd: String,
    /// `VerProto`, `DM/1.2`.
    pub ver_proto: String,
    /// `SessionID`.
    pub session_id: String,
    /// `MsgID`.
    pub msg_id: String,
    /// `Target`.
    pub target: Location,
    /// `Source`; its `LocName` is the user name for MD5 and HMAC credentials.
    pub source: Location,
    /// `RespURI`.
    pub resp_uri: Option<String>,
    /// `Cred`.
    pub cred: Option<Cred>,
    /// `Meta`: `MaxMsgSize`, `MaxObjSize`.
    pub meta: Option<Meta>,
}

/// `Target` or `Source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `LocURI`.
    pub uri: String,
    /// `LocName`.
    pub name: Option<String>,
}

/// `Meta` with the MetInf elements that DM uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// `Format`: chr, bin, b64, int, bool, node, null, xml, date, time, float. Absent means chr.
    pub format: Option<String>,
    /// `Type`. Absent means text/plain.
    pub kind: Option<String>,
    /// `NextNonce`, as the base64 text.
    pub next_nonce: Option<String>,
    /// `MaxMsgSize`, octets.
    pub max_msg_size: Option<u64>,
    /// `MaxObjSize`, octets.
    pub max_obj_size: Option<u64>,
    /// `Size` of a large object, octets.
    pub size: Option<u64>,
    /// `Mark` of a generic alert.
    pub mark: Option<String>,
    /// `EMI`, `Version` and other text elements that are kept and not interpreted: name and text.
    pub other: Vec<(String, String)>,
}

/// `Cred`. `Debug` does not show the data.
#[derive(Clone, PartialEq, Eq)]
pub struct Cred {
    /// `Meta`: type `syncml:auth-md5` or `syncml:auth-basic`, format b64.
    pub meta: Meta,
    /// `Data`.
    pub data: String,
}

/// `Chal`: `Meta` with type, format and next nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chal {
    /// `Meta`.
    pub meta: Meta,
}

/// `Item`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// `Target`.
    pub target: Option<Location>,
    /// `Source`.
    pub source: Option<Location>,
    /// `Meta`.
    pub meta: Option<Meta>,
    /// `Data`.
    pub data: Option<Data>,
    /// `MoreData`.
    pub more_data: MoreData,
}

/// Whether more chunks of a large object follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MoreData {
    /// This is the whole object, or its last chunk.
    #[default]
    No,
    /// `MoreData` stands in the item.
    Yes,
}

/// `Data` of an item. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum Data {
    /// Character data.
    Text(String),
    /// Octets (OPAQUE in WBXML; base64 text in XML, where `Meta/Format` must be b64 or bin).
    Octets(Vec<u8>),
    /// An element, for example `MgmtTree` (TNDS) in code page 2.
    Element(Box<Element>),
}

/// A command of `SyncBody`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `Add`, `Replace`, `Delete`, `Get`, `Exec` or `Copy`: an operation on items.
    Operation(Operation),
    /// `Atomic` or `Sequence`.
    Group(Group),
    /// `Alert`.
    Alert(Alert),
    /// `Status`.
    Status(Box<Status>),
    /// `Results`.
    Results(Results),
    /// A command that DM does not use, which must be answered nevertheless.
    Unsupported(Unsupported),
}

/// A command of SyncML that OMA DM 1.2 does not use (`Put`, `Map`, `Sync`, `Search`): what a Status needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The name of the element.
    pub name: String,
    /// `CmdID`.
    pub cmd_id: String,
}

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `Add`.
    Add,
    /// `Replace`.
    Replace,
    /// `Delete`.
    Delete,
    /// `Get`.
    Get,
    /// `Exec`.
    Exec,
    /// `Copy`.
    Copy,
}

/// An operation on items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which.
    pub verb: Verb,
    /// `CmdID`.
    pub cmd_id: String,
    /// `Meta` that holds for all items.
    pub meta: Option<Meta>,
    /// `Correlator` of an Exec.
    pub correlator: Option<String>,
    /// The items.
    pub items: Vec<Item>,
}

/// `Atomic` or `Sequence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which.
    pub kind: GroupKind,
    /// `CmdID`.
    pub cmd_id: String,
    /// The commands in it.
    pub commands: Vec<Command>,
}

/// Which group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// All or none.
    Atomic,
    /// One after the other.
    Sequence,
}

/// `Alert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// `CmdID`.
    pub cmd_id: String,
    /// `Data`: the alert code.
    pub code: AlertCode,
    /// `Correlator`.
    pub correlator: Option<String>,
    /// The items.
    pub items: Vec<Item>,
}

/// `Status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `CmdID`.
    pub cmd_id: String,
    /// `MsgRef`: `MsgID` of the message answered.
    pub msg_ref: String,
    /// `CmdRef`: `CmdID` answered; `0` is the header.
    pub cmd_ref: String,
    /// `Cmd`: name of the command answered; `SyncHdr` for the header.
    pub cmd: String,
    /// `TargetRef`.
    pub target_refs: Vec<String>,
    /// `SourceRef`.
    pub source_refs: Vec<String>,
    /// `Cred`.
    pub cred: Option<Cred>,
    /// `Chal`.
    pub chal: Option<Chal>,
    /// `Data`: the status code.
    pub code: StatusCode,
    /// The items.
    pub items: Vec<Item>,
}

/// `Results`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// `CmdID`.
    pub cmd_id: String,
    /// `MsgRef`.
    pub msg_ref: Option<String>,
    /// `CmdRef`: the Get that is answered.
    pub cmd_ref: String,
    /// `Meta` that holds for all items.
    pub meta: Option<Meta>,
    /// The items.
    pub items: Vec<Item>,
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// Any [`DecodeError`]. Where the octets are well-formed and the message is not, the offset is 0.
    pub fn decode(syntax: Syntax, octets: &[u8]) -> Result<Self, DecodeError> {
        let root = match syntax {
            Syntax::Wbxml => wbxml::decode_expecting(octets, Vocabulary::SyncMl)?.root,
            Syntax::Xml => xml::parse(octets)?,
        };
        Self::from_element(&root)
    }

    /// Writes the message: WBXML 1.2 with the public identifier 0x1201 and inline strings, or XML on one line.
    ///
    /// XML cannot carry [`Data::Octets`]: there they become base64, and the format of the item `b64`.
    ///
    /// # Errors
    /// [`EncodeError`] when a text holds a character that the syntax cannot carry.
    pub fn encode(&self, syntax: Syntax) -> Result<Vec<u8>, EncodeError> {
        let root = write::message(self, syntax);
        match syntax {
            Syntax::Wbxml => wbxml::encode(&wbxml::Document::new(root)),
            Syntax::Xml => xml::write(&root).map(String::into_bytes),
        }
    }

    /// Takes the message out of its elements.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when something that the protocol cannot do without is missing.
    pub fn from_element(root: &Element) -> Result<Self, DecodeError> {
        read::message(root)
    }

    /// The message as elements, octets as such.
    pub fn to_element(&self) -> Element {
        write::message(self, Syntax::Wbxml)
    }
}

impl Data {
    /// A document of its own (TNDS) as octets: WBXML inside OPAQUE, the form that old clients take with format
    /// `bin` and type `application/vnd.syncml.dmtnds+wbxml`. The other form is [`Data::Element`].
    ///
    /// # Errors
    /// As [`wbxml::encode`].
    pub fn embedded(root: Element) -> Result<Self, EncodeError> {
        wbxml::encode(&wbxml::Document::new(root)).map(Self::Octets)
    }

    /// The document that this data is, in whichever form it came: an element, WBXML as octets, XML as text.
    ///
    /// # Errors
    /// Any [`DecodeError`] when it is not a document.
    pub fn document(&self) -> Result<Element, DecodeError> {
        match self {
            Self::Element(root) => Ok((**root).clone()),
            Self::Octets(octets) => wbxml::decode(octets).map(|document| document.root),
            Self::Text(text) => xml::parse(text.as_bytes()),
        }
    }
}

impl Location {
    /// A location without a name.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), name: None }
    }
}

impl fmt::Debug for Cred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cred({}, ***)", self.meta.kind.as_deref().unwrap_or("?"))
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(t) => write!(f, "text[{}]", t.len()),
            Self::Octets(o) => write!(f, "octets[{}]", o.len()),
            Self::Element(e) => write!(f, "<{}>", e.name),
        }
    }
}

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
