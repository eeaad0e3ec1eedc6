//! XML 1.0 in UTF-8, for provisioning documents and SyncML messages (OMA ProvCont 1.1, section 5; SyncML Representation
//! Protocol 1.2).
//!
//! What comes from strangers is read by a pull parser: a DTD is never fetched and may define nothing, entities
//! other than the five of XML and character references are refused, and depth, size and counts are capped.
//! Namespaces may be missing: then an element belongs to the vocabulary of its parent, the root to the one that
//! its name says.
//!
//! White space is kept, since this file cannot know where it means something; the typed readers skip it.

mod read;
mod write;

pub use self::write::Layout;
pub(super) use self::{read::document as read_into, write::Writer};
use super::{
    DecodeError, EncodeError,
    infoset::{Element, Vocabulary},
    scan,
    sink::{Tree, put},
};

/// Reads a document.
///
/// # Errors
/// Any [`DecodeError`]; the offset counts octets of `text`.
pub fn parse(text: &[u8]) -> Result<Element, DecodeError> {
    let mut tree = Tree::default();
    read::document(text, &mut tree)?;
    tree.root().ok_or(DecodeError::Truncated { what: "root element", at: text.len(), needed: 1 })
}

/// Writes a document on one line, with the namespaces or the document type that its vocabulary wants.
///
/// Octets ([`super::infoset::Node::Opaque`]) are written as text where they are text, else as base64.
///
/// # Errors
/// [`EncodeError`] when it holds a character that XML cannot carry, a name that is none, or provisioning elements
/// among others, or when it is larger than [`parse`] accepts.
pub fn write(root: &Element) -> Result<String, EncodeError> {
    document(root, Layout::Line)
}

/// Writes a document for people: elements that hold no text stand on lines of their own. Only for documents in
/// which white space between elements means nothing.
///
/// # Errors
/// As [`write()`].
pub fn write_indented(root: &Element) -> Result<String, EncodeError> {
    document(root, Layout::Indented)
}

fn document(root: &Element, layout: Layout) -> Result<String, EncodeError> {
    root.check_limits()?;
    let mut writer = Writer::new(layout, 0);
    put(root, &mut writer)?;
    Ok(writer.finish())
}

/// Writes a document as [`write_indented`] does, without a document type: for readers that refuse any.
///
/// # Errors
/// As [`write()`].
pub fn write_bare(root: &Element) -> Result<String, EncodeError> {
    document(root, Layout::Bare)
}

/// True for a character that XML 1.0 can carry (production Char).
pub(super) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The first character of a text that XML 1.0 cannot carry.
fn forbidden(text: &str) -> Option<char> {
    // Only control characters, U+FFFE and U+FFFF are; the last two begin with EF.
    let suspect = |b: u8| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0xEF;
    if text.bytes().any(suspect) { text.chars().find(|c| !is_char(*c)) } else { None }
}

/// True for a name without a colon (Namespaces in XML, production NCName; of its letters beyond ASCII all are taken).
fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_';
    let later = |c: char| letter(c) || c.is_numeric() || c == '-' || c == '.';
    scan::is_plain_name(name) || (name.starts_with(letter) && name.chars().all(later))
}

/// Name of an attribute: a name, or the two that XML itself gives a meaning.
fn is_attribute_name(name: &str) -> bool {
    (is_name(name) && name != "xmlns") || matches!(name, "xml:lang" | "xml:space")
}

/// Namespace of a vocabulary; provisioning documents have none.
fn namespace(vocabulary: Vocabulary) -> Option<&'static str> {
    match vocabulary {
        Vocabulary::Prov => None,
        Vocabulary::SyncMl => Some("SYNCML:SYNCML1.2"),
        Vocabulary::MetInf => Some("syncml:metinf"),
        Vocabulary::DmDdf => Some("syncml:dmddf1.2"),
        Vocabulary::DevInf => Some("syncml:devinf"),
    }
}

/// Vocabulary of a namespace, whatever its version and the case of its letters.
fn vocabulary(namespace: &str) -> Option<Vocabulary> {
    const STARTS: [(&str, Vocabulary); 4] = [
        ("syncml:syncml1.", Vocabulary::SyncMl),
        ("syncml:metinf", Vocabulary::MetInf),
        ("syncml:dmddf", Vocabulary::DmDdf),
        ("syncml:devinf", Vocabulary::DevInf),
    ];
    let namespace = namespace.trim().to_ascii_lowercase();
    STARTS.iter().find(|(start, _)| namespace.starts_with(start)).map(|(_, v)| *v)
}

#[cfg(test)]
mod tests;
