//! The encoder: elements to octets, in the form that the simplest decoders in the field read.
//!
//! - Strings are inline (`STR_I`); one widely installed client crashes on string-table references in content.
//!   A string table is written only for a public identifier given as text, and for names that have no token.
//! - A value token stands for a whole value only, never for a piece of one.
//! - Attribute names without a value (`name=`, `value=`, `type=`) are taken from code page 0, because two decoders
//!   lack some of them on page 1; the encoder returns to page 0 before each.
//! - `46` (`version="1.0"`) is written for exactly 1.0, so that no text follows it.

use std::collections::BTreeMap;

use super::{
    Document, PublicId,
    global::{ATTRIBUTES, CONTENT, END, LITERAL, OPAQUE, STR_I, SWITCH_PAGE, put_mb_u_int32},
    table::{DocumentKind, Index},
};
use crate::wire::{
    EncodeError,
    infoset::{Attribute, Element, Node},
};

const SYNTAX: &str = "WBXML";

/// MIBenum of UTF-8.
const UTF_8: u32 = 106;

/// Writes a whole document.
pub(super) fn document(document: &Document) -> Result<Vec<u8>, EncodeError> {
    let root = &document.root;
    root.check_limits()?;
    let kind = DocumentKind::of(root.vocabulary);
    if document.public_id.kind().is_some_and(|k| k != kind) {
        let document = match &document.public_id {
            PublicId::Number(n) => format!("{n:#X}"),
            PublicId::Text(text) => text.to_string(),
        };
        return Err(EncodeError::Foreign { name: root.name.clone(), document });
    }

    let mut strings = Strings { octets: Vec::new(), names: BTreeMap::new() };
    if let PublicId::Text(text) = &document.public_id {
        no_nul("public identifier", text)?;
        // Two implementations leave the NUL out; the specification asks for it (section 5.6).
        strings.octets.extend_from_slice(text.as_bytes());
        strings.octets.push(0);
    }
    let mut body = Body {
        kind,
        index: kind.index(),
        root: &root.name,
        strings,
        tag_page: 0,
        attribute_page: 0,
        out: Vec::new(),
    };
    body.element(root)?;

    let mut out = vec![document.version];
    match &document.public_id {
        PublicId::Number(number) => put_mb_u_int32(*number, &mut out),
        // The text is the first thing in the string table.
        PublicId::Text(_) => out.extend_from_slice(&[0, 0]),
    }
    put_mb_u_int32(UTF_8, &mut out);
    put_mb_u_int32(length(&body.strings.octets), &mut out);
    out.append(&mut body.strings.octets);
    out.append(&mut body.out);
    Ok(out)
}

/// The string table as it grows.
struct Strings {
    octets: Vec<u8>,
    /// Where each name begins.
    names: BTreeMap<String, u32>,
}

impl Strings {
    fn offset(&mut self, name: &str) -> u32 {
        if let Some(offset) = self.names.get(name) {
            return *offset;
        }
        let offset = length(&self.octets);
        self.octets.extend_from_slice(name.as_bytes());
        self.octets.push(0);
        self.names.insert(name.to_owned(), offset);
        offset
    }
}

struct Body<'a> {
    kind: DocumentKind,
    index: &'static Index,
    /// Name of the root, for errors.
    root: &'a str,
    strings: Strings,
    tag_page: u8,
    attribute_page: u8,
    out: Vec<u8>,
}

impl Body<'_> {
    /// Recursion is bounded: the depth was checked before.
    fn element(&mut self, element: &Element) -> Result<(), EncodeError> {
        let foreign = || EncodeError::Foreign { name: element.name.clone(), document: self.root.to_owned() };
        if DocumentKind::of(element.vocabulary) != self.kind {
            return Err(foreign());
        }
        let mut flags = 0;
        if !element.attributes.is_empty() {
            flags |= ATTRIBUTES;
        }
        if !element.children.is_empty() {
            flags |= CONTENT;
        }
        match self.index.tag(element.vocabulary, &element.name, self.tag_page) {
            Some(at) => {
                self.switch_tags(at.page);
                self.out.push(at.token | flags);
            }
            None => {
                let page = self.index.page_of(element.vocabulary).ok_or_else(foreign)?;
                self.switch_tags(page);
                self.out.push(LITERAL | flags);
                self.literal(&element.name)?;
            }
        }
        if !element.attributes.is_empty() {
            for (n, attribute) in element.attributes.iter().enumerate() {
                if element.attributes.iter().take(n).any(|before| before.name == attribute.name) {
                    return Err(EncodeError::Twice {
                        attribute: attribute.name.clone(),
                        element: element.name.clone(),
                    });
                }
                self.attribute(attribute)?;
            }
            self.out.push(END);
        }
        if !element.children.is_empty() {
            for node in &element.children {
                match node {
                    Node::Element(inner) => self.element(inner)?,
                    Node::Text(text) => self.text(&element.name, text)?,
                    Node::Opaque(octets) => {
                        self.out.push(OPAQUE);
                        put_mb_u_int32(length(octets), &mut self.out);
                        self.out.extend_from_slice(octets);
                    }
                }
            }
            self.out.push(END);
        }
        Ok(())
    }

    fn attribute(&mut self, attribute: &Attribute) -> Result<(), EncodeError> {
        let Attribute { name, value } = attribute;
        if let Some(at) = self.index.start(name, value, self.attribute_page) {
            self.switch_attributes(at.page);
            self.out.push(at.token);
            return Ok(());
        }
        match self.index.bare(name) {
            Some(at) => {
                self.switch_attributes(at.page);
                self.out.push(at.token);
            }
            None => {
                self.out.push(LITERAL);
                self.literal(name)?;
            }
        }
        match self.index.value(name, value, self.attribute_page) {
            Some(at) => {
                self.switch_attributes(at.page);
                self.out.push(at.token);
                Ok(())
            }
            None => self.text(name, value),
        }
    }

    fn text(&mut self, place: &str, text: &str) -> Result<(), EncodeError> {
        no_nul(place, text)?;
        self.out.push(STR_I);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
        Ok(())
    }

    fn literal(&mut self, name: &str) -> Result<(), EncodeError> {
        if name.is_empty() || name.contains('\0') {
            return Err(EncodeError::Name { name: name.to_owned(), syntax: SYNTAX });
        }
        let offset = self.strings.offset(name);
        put_mb_u_int32(offset, &mut self.out);
        Ok(())
    }

    fn switch_tags(&mut self, page: u8) {
        if self.tag_page != page {
            self.tag_page = page;
            self.out.extend_from_slice(&[SWITCH_PAGE, page]);
        }
    }

    fn switch_attributes(&mut self, page: u8) {
        if self.attribute_page != page {
            self.attribute_page = page;
            self.out.extend_from_slice(&[SWITCH_PAGE, page]);
        }
    }
}

fn no_nul(place: &str, text: &str) -> Result<(), EncodeError> {
    if text.contains('\0') {
        return Err(EncodeError::Character { place: place.to_owned(), code: 0, syntax: SYNTAX });
    }
    Ok(())
}

/// The limits of a document are far below 32 bits.
fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
