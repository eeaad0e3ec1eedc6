//! The kinds of payload: one row of [`KINDS`] each, with all that the rest of the program asks about a kind.

use std::{fmt, str::FromStr};

use crate::wire::{
    Syntax,
    convert::{Layout, wbxml_to_xml},
    infoset::Vocabulary,
    pkcs15::ObjectId,
    wbxml, xml,
};

use super::{BootstrapError, Settings, cp, dm, factory};

/// A kind of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadKind {
    /// An OMA client provisioning document (`wap-provisioningdoc`).
    Cp,
    /// An OMA DM 1.2 bootstrap message.
    Dm,
}

/// A payload: the octets that a card holds, or that a push carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// Its kind.
    pub kind: PayloadKind,
    /// Its octets (WBXML). They hold secrets.
    pub octets: Vec<u8>,
    /// What the settings hold and this kind cannot carry, in words.
    pub losses: Vec<String>,
}

/// Settings that were read, and what stood beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What was understood.
    pub settings: Settings,
    /// What was not, and is not in the settings: where, and why. It names places, never values.
    pub ignored: Vec<String>,
}

/// What writing gives: the octets and the losses.
type Written = Result<(Vec<u8>, Vec<String>), BootstrapError>;

struct Row {
    kind: PayloadKind,
    word: &'static str,
    title: &'static str,
    /// The object identifier of its file on a card.
    oid: ObjectId,
    /// The label of its file on a card.
    label: &'static str,
    content_type: &'static str,
    /// The media type of the same as XML.
    xml_type: &'static str,
    vocabulary: Vocabulary,
    root: &'static str,
    write: fn(&Settings) -> Written,
    read: fn(&[u8]) -> Result<Reading, BootstrapError>,
}

static KINDS: [Row; 2] = [
    Row {
        kind: PayloadKind::Cp,
        word: "cp",
        title: "client provisioning document",
        oid: ObjectId::CP_BOOTSTRAP,
        label: "Bootstrap",
        content_type: "application/vnd.wap.connectivity-wbxml",
        xml_type: super::document::CONNECTIVITY_XML,
        vocabulary: Vocabulary::Prov,
        root: "wap-provisioningdoc",
        write: cp::write,
        read: cp::read,
    },
    Row {
        kind: PayloadKind::Dm,
        word: "dm",
        title: "DM bootstrap message",
        oid: ObjectId::DM_BOOTSTRAP,
        label: "DM Bootstrap",
        content_type: "application/vnd.syncml.dm+wbxml",
        xml_type: "application/vnd.syncml.dm+xml",
        vocabulary: Vocabulary::SyncMl,
        root: "SyncML",
        write: dm::write,
        read: dm::read,
    },
];

impl PayloadKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Cp, Self::Dm];

    fn row(self) -> &'static Row {
        let [cp, dm] = &KINDS;
        match self {
            Self::Cp => cp,
            Self::Dm => dm,
        }
    }

    /// The word for it: `cp` or `dm`.
    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The object identifier of its file on a card.
    pub fn oid(self) -> ObjectId {
        self.row().oid
    }

    /// The label of its file on a card.
    pub fn label(self) -> &'static str {
        self.row().label
    }

    /// Its media type, as the octets that cards hold and pushes carry.
    pub fn content_type(self) -> &'static str {
        self.content_type_in(Syntax::Wbxml)
    }

    /// Its media type in a syntax. (As XML a CP document goes over HTTP; for a DM bootstrap the standard knows WBXML only.)
    pub fn content_type_in(self, syntax: Syntax) -> &'static str {
        match syntax {
            Syntax::Wbxml => self.row().content_type,
            Syntax::Xml => self.row().xml_type,
        }
    }

    /// The kind whose file on a card has that object identifier.
    pub fn from_oid(oid: &ObjectId) -> Option<Self> {
        KINDS.iter().find(|r| r.oid == *oid).map(|r| r.kind)
    }
}

impl fmt::Display for PayloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for PayloadKind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// A word that names no kind of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of payload; expected cp or dm")]
pub struct UnknownKind;

impl FromStr for PayloadKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        KINDS.iter().find(|r| r.word == text).map(|r| r.kind).ok_or(UnknownKind)
    }
}

impl Payload {
    /// Its media type.
    pub fn content_type(&self) -> &'static str {
        self.kind.content_type()
    }

    /// The object identifier of its file on a card.
    pub fn oid(&self) -> ObjectId {
        self.kind.oid()
    }

    /// SHA-256 of its octets, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        factory::digest_hex(&self.octets)
    }

    /// The same as XML, for people; objects that stand in it as octets are opened. It holds the secrets.
    ///
    /// # Errors
    /// [`BootstrapError::Decode`] or [`BootstrapError::Encode`] when the octets are not what [`build`] made.
    pub fn to_xml(&self) -> Result<String, BootstrapError> {
        if self.kind == PayloadKind::Cp {
            return Ok(wbxml_to_xml(&self.octets, Some(Vocabulary::Prov), Layout::Indented)?);
        }
        let mut document = wbxml::decode_expecting(&self.octets, self.kind.row().vocabulary)?;
        dm::open(&mut document.root);
        dm::to_base64(&mut document.root);
        Ok(xml::write_indented(&document.root)?)
    }
}

impl fmt::Debug for Payload {
    /// Kind and size: the octets hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({}, {} octets)", self.kind, self.octets.len())
    }
}

/// Writes settings as a payload.
///
/// # Errors
/// [`BootstrapError`] when they lack what the kind is made of, or hold what no encoding carries.
pub fn build(settings: &Settings, kind: PayloadKind) -> Result<Payload, BootstrapError> {
    let (octets, losses) = (kind.row().write)(settings)?;
    Ok(Payload { kind, octets, losses })
}

/// Reads the settings of a payload. What it holds beyond them is skipped, as devices do: see [`read_noting`].
///
/// # Errors
/// [`BootstrapError`] when the octets are broken or of another kind.
pub fn read(kind: PayloadKind, octets: &[u8]) -> Result<Settings, BootstrapError> {
    read_noting(kind, octets).map(|r| r.settings)
}

/// Reads the settings of a payload and says what was skipped.
///
/// # Errors
/// As [`read`].
pub fn read_noting(kind: PayloadKind, octets: &[u8]) -> Result<Reading, BootstrapError> {
    (kind.row().read)(octets)
}

/// The kind of payload that octets are by their own account, if they are one and whole.
pub fn recognise(octets: &[u8]) -> Option<PayloadKind> {
    let document = wbxml::decode(octets).ok()?;
    let is = |r: &&Row| r.root == document.root.name && r.vocabulary == document.root.vocabulary;
    KINDS.iter().find(is).map(|r| r.kind)
}
