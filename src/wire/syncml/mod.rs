//! SyncML messages of OMA DM 1.2 (SyncML Representation Protocol 1.2; OMA DM RepPro 1.2).
//!
//! These types are what both sides of a session and the bootstrap message share. Identifiers that the peer chose
//! (`SessionID`, `MsgID`, `CmdID`) are kept as the text that came, because references repeat them letter by letter.

pub mod auth;

use std::fmt;

use super::infoset::Element;

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

/// An alert code: an open registry (OMA DM Protocol 1.2; sheet section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertCode(pub u16);

impl AlertCode {
    /// 1200: the session was asked for by the server (package 0).
    pub const SERVER_INITIATED: Self = Self(1200);
    /// 1201: the session is the client's own wish.
    pub const CLIENT_INITIATED: Self = Self(1201);
    /// 1222: send the next message of the package.
    pub const NEXT_MESSAGE: Self = Self(1222);
    /// 1223: the session is given up.
    pub const SESSION_ABORT: Self = Self(1223);
    /// 1226: generic alert.
    pub const GENERIC: Self = Self(1226);
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

/// A status code: an open registry (sheet section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// 200: done.
    pub const OK: Self = Self(200);
    /// 202: accepted, done later.
    pub const ACCEPTED: Self = Self(202);
    /// 212: authenticated for the whole session.
    pub const AUTHENTICATED: Self = Self(212);
    /// 213: chunk accepted.
    pub const CHUNK_ACCEPTED: Self = Self(213);
    /// 215: not executed.
    pub const NOT_EXECUTED: Self = Self(215);
    /// 216: rolled back.
    pub const ROLLED_BACK: Self = Self(216);
    /// 400: bad request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 401: wrong credentials.
    pub const INVALID_CREDENTIALS: Self = Self(401);
    /// 404: not found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405: not allowed.
    pub const NOT_ALLOWED: Self = Self(405);
    /// 406: optional feature not supported.
    pub const NOT_SUPPORTED: Self = Self(406);
    /// 407: credentials missing.
    pub const MISSING_CREDENTIALS: Self = Self(407);
    /// 415: format or type not supported.
    pub const UNSUPPORTED_FORMAT: Self = Self(415);
    /// 418: exists already.
    pub const EXISTS: Self = Self(418);
    /// 425: the ACL does not permit it.
    pub const PERMISSION_DENIED: Self = Self(425);
    /// 500: failed.
    pub const FAILED: Self = Self(500);
    /// 507: atomic failed.
    pub const ATOMIC_FAILED: Self = Self(507);
    /// 513: protocol version not supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(513);
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
