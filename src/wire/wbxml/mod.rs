//! WAP Binary XML (WAP-192 WBXML 1.3), for provisioning documents and SyncML messages.
//!
//! | octets           | field                                                                          |
//! |------------------|--------------------------------------------------------------------------------|
//! | 1                | version: 01, 02 or 03 for 1.1, 1.2 or 1.3                                      |
//! | mb_u_int32       | public identifier; 00 means that the next mb_u_int32 is its string-table offset |
//! | mb_u_int32       | character set, an IANA MIBenum: 6A is UTF-8                                    |
//! | mb_u_int32       | length of the string table                                                     |
//! | that many        | string table                                                                   |
//! | the rest         | one element                                                                    |
//!
//! The decoder takes what is seen in the field: any of the three versions, public identifiers as number and as
//! text, string tables, code pages switched anywhere, empty values in every form. The encoder writes the plain
//! form that the simplest readers know: inline strings, tokens only for whole values, no string table unless a
//! name has no token at all.

mod devinf;
mod dmddf;
mod global;
mod lookup;
mod metinf;
mod names;
mod prov;
mod read;
mod syncml;
mod table;
mod text;
mod write;

use std::borrow::Cow;

pub use self::lookup::Tokens;
pub(super) use self::write::Writer;
use self::{read::Head, table::DocumentKind};
use super::{
    DecodeError, EncodeError,
    infoset::{Element, Vocabulary},
    sink::{Sink, Tree},
};

/// A document with the head that WBXML puts before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The version octet: 03 is WBXML 1.3.
    pub version: u8,
    /// Which document type it is.
    pub public_id: PublicId,
    /// The root element.
    pub root: Element,
}

/// The public identifier of a document type: a number that OMNA assigned, or the formal text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PublicId {
    /// An assigned number.
    Number(u32),
    /// The formal public identifier, which then stands in the string table.
    Text(Cow<'static, str>),
}

impl PublicId {
    /// 1: unknown or missing.
    pub const UNKNOWN: Self = Self::Number(0x01);
    /// -//WAPFORUM//DTD PROV 1.0//EN.
    pub const PROV: Self = Self::Number(0x0B);
    /// -//SYNCML//DTD SyncML 1.0//EN.
    pub const SYNCML_1_0: Self = Self::Number(0x0FD1);
    /// -//SYNCML//DTD SyncML 1.1//EN.
    pub const SYNCML_1_1: Self = Self::Number(0x0FD3);
    /// -//SYNCML//DTD SyncML 1.2//EN.
    pub const SYNCML_1_2: Self = Self::Number(0x1201);
    /// -//SYNCML//DTD MetInf 1.2//EN.
    pub const METINF_1_2: Self = Self::Number(0x1202);
    /// -//SYNCML//DTD DevInf 1.2//EN.
    pub const DEVINF_1_2: Self = Self::Number(0x1203);
    /// -//OMA//DTD-DM-DDF 1.2//EN; it has no number.
    pub const DMDDF_1_2: Self = Self::Text(Cow::Borrowed("-//OMA//DTD-DM-DDF 1.2//EN"));

    /// The identifier that a document with such a root carries.
    pub fn of(vocabulary: Vocabulary) -> Self {
        match vocabulary {
            Vocabulary::Prov => Self::PROV,
            Vocabulary::SyncMl => Self::SYNCML_1_2,
            Vocabulary::MetInf => Self::METINF_1_2,
            Vocabulary::DmDdf => Self::DMDDF_1_2,
            Vocabulary::DevInf => Self::DEVINF_1_2,
        }
    }

    fn kind(&self) -> Option<DocumentKind> {
        let text = match self {
            Self::Number(number) => {
                return match number {
                    0x0B => Some(DocumentKind::Prov),
                    0x0FD1 | 0x0FD3 | 0x1201 | 0x1202 => Some(DocumentKind::SyncMl),
                    0x0FD2 | 0x0FD4 | 0x1203 => Some(DocumentKind::DevInf),
                    _ => None,
                };
            }
            Self::Text(text) => text.trim(),
        };
        const KINDS: [(&str, DocumentKind); 5] = [
            ("-//WAPFORUM//DTD PROV 1.", DocumentKind::Prov),
            ("-//SYNCML//DTD SyncML 1.", DocumentKind::SyncMl),
            ("-//SYNCML//DTD MetInf 1.", DocumentKind::SyncMl),
            ("-//OMA//DTD-DM-DDF 1.", DocumentKind::SyncMl),
            ("-//SYNCML//DTD DevInf 1.", DocumentKind::DevInf),
        ];
        KINDS.iter().find(|(start, _)| text.starts_with(start)).map(|(_, kind)| *kind)
    }
}

impl Document {
    /// WBXML 1.3.
    pub const V1_3: u8 = 0x03;
    /// WBXML 1.2, which is what SyncML implementations send.
    pub const V1_2: u8 = 0x02;

    /// The head that goes with the root: version 1.3 for provisioning documents, 1.2 for SyncML.
    pub fn new(root: Element) -> Self {
        Self { version: version_of(root.vocabulary), public_id: PublicId::of(root.vocabulary), root }
    }
}

/// The version of a document with a root of this vocabulary.
pub(super) fn version_of(vocabulary: Vocabulary) -> u8 {
    match vocabulary {
        Vocabulary::Prov => Document::V1_3,
        _ => Document::V1_2,
    }
}

/// Reads a document whose type its public identifier tells.
///
/// # Errors
/// Any [`DecodeError`]; the offset counts from the first of `octets`.
pub fn decode(octets: &[u8]) -> Result<Document, DecodeError> {
    document(octets, None)
}

/// Reads a document that says nothing about its type (public identifier 1) as one with a root of `expected`;
/// where it says something, that counts.
///
/// # Errors
/// As [`decode`].
pub fn decode_expecting(octets: &[u8], expected: Vocabulary) -> Result<Document, DecodeError> {
    document(octets, Some(expected))
}

/// Reads a document piece by piece.
///
/// # Errors
/// As [`decode`] or [`decode_expecting`].
pub(super) fn read_into<'a>(
    octets: &'a [u8],
    expected: Option<Vocabulary>,
    sink: &mut impl Sink<'a>,
) -> Result<(), DecodeError> {
    read::document(octets, expected.map(DocumentKind::of), sink).map(|_| ())
}

fn document(octets: &[u8], expected: Option<Vocabulary>) -> Result<Document, DecodeError> {
    let mut tree = Tree::default();
    let Head { version, public_id } = read::document(octets, expected.map(DocumentKind::of), &mut tree)?;
    let root = tree.root().ok_or(DecodeError::Truncated { what: "token", at: octets.len(), needed: 1 })?;
    Ok(Document { version, public_id, root })
}

/// Writes a document.
///
/// # Errors
/// [`EncodeError`] when the document holds NUL characters, mixes provisioning and SyncML elements, or is larger
/// than [`decode`] accepts.
pub fn encode(document: &Document) -> Result<Vec<u8>, EncodeError> {
    write::document(document)
}

/// True when `name` is a tag of `vocabulary`.
pub(super) fn is_tag(vocabulary: Vocabulary, name: &str) -> bool {
    DocumentKind::of(vocabulary).index().tag(vocabulary, name, 0).is_some()
}

#[cfg(test)]
mod tests;
