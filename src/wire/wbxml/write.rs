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
    infoset::{Element, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_TEXT, Node, Vocabulary},
};

const SYNTAX: &str = "WBXML";

/// MIBenum of UTF-8.
const UTF_8: u32 = 106;

/// Writes a whole document.
pub(super) fn document(document: &Document) -> Result<Vec<u8>, EncodeError> {
    let root = &document.root;
    let mut writer = Writer::new(root.vocabulary, &root.name, &document.public_id)?;
    writer.element(root)?;
    Ok(writer.finish(document.version))
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

/// Writes elements one after the other, within the limits of our own decoder.
pub(in crate::wire) struct Writer<'a> {
    kind: DocumentKind,
    index: &'static Index,
    /// Name of the root, for errors.
    root: &'a str,
    public_id: &'a PublicId,
    strings: Strings,
    tag_page: u8,
    attribute_page: u8,
    depth: usize,
    nodes: usize,
    text: usize,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Begins a document whose root is of this vocabulary and has this name.
    pub(in crate::wire) fn new(
        vocabulary: Vocabulary,
        root: &'a str,
        public_id: &'a PublicId,
    ) -> Result<Self, EncodeError> {
        let kind = DocumentKind::of(vocabulary);
        if public_id.kind().is_some_and(|k| k != kind) {
            let document = match public_id {
                PublicId::Number(n) => format!("{n:#X}"),
                PublicId::Text(text) => text.to_string(),
            };
            return Err(EncodeError::Foreign { name: root.to_owned(), document });
        }
        let mut strings = Strings { octets: Vec::new(), names: BTreeMap::new() };
        if let PublicId::Text(text) = public_id {
            no_nul("public identifier", text)?;
            // Two implementations leave the NUL out; the specification asks for it (section 5.6).
            strings.octets.extend_from_slice(text.as_bytes());
            strings.octets.push(0);
        }
        Ok(Self {
            kind,
            index: kind.index(),
            root,
            public_id,
            strings,
            tag_page: 0,
            attribute_page: 0,
            depth: 0,
            nodes: 0,
            text: 0,
            out: Vec::with_capacity(1024),
        })
    }

    /// Puts the head before what was written.
    pub(in crate::wire) fn finish(self, version: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.strings.octets.len() + self.out.len() + 16);
        out.push(version);
        match self.public_id {
            PublicId::Number(number) => put_mb_u_int32(*number, &mut out),
            // The text is the first thing in the string table.
            PublicId::Text(_) => out.extend_from_slice(&[0, 0]),
        }
        put_mb_u_int32(UTF_8, &mut out);
        put_mb_u_int32(length(&self.strings.octets), &mut out);
        out.extend_from_slice(&self.strings.octets);
        out.extend_from_slice(&self.out);
        out
    }

    /// Writes the tag of an element with its attributes; where there is content, [`Self::close`] must follow it.
    pub(in crate::wire) fn open<'v>(
        &mut self,
        vocabulary: Vocabulary,
        name: &str,
        attributes: impl Iterator<Item = (&'v str, &'v str)> + Clone,
        content: Content,
    ) -> Result<(), EncodeError> {
        let foreign = || EncodeError::Foreign { name: name.to_owned(), document: self.root.to_owned() };
        if DocumentKind::of(vocabulary) != self.kind {
            return Err(foreign());
        }
        if self.depth >= MAX_DEPTH {
            let got = self.depth + 1;
            return Err(EncodeError::Limit { what: "nesting of elements", got, limit: MAX_DEPTH });
        }
        self.count(name.len())?;
        let has_attributes = attributes.clone().next().is_some();
        let mut flags = 0;
        if has_attributes {
            flags |= ATTRIBUTES;
        }
        if content == Content::Follows {
            flags |= CONTENT;
            self.depth += 1;
        }
        match self.index.tag(vocabulary, name, self.tag_page) {
            Some(at) => {
                self.switch_tags(at.page);
                self.out.push(at.token | flags);
            }
            None => {
                let page = self.index.page_of(vocabulary).ok_or_else(foreign)?;
                self.switch_tags(page);
                self.out.push(LITERAL | flags);
                self.literal(name)?;
            }
        }
        if has_attributes {
            for (n, (attribute, value)) in attributes.clone().enumerate() {
                if attributes.clone().take(n).any(|(before, _)| before == attribute) {
                    return Err(EncodeError::Twice {
                        attribute: attribute.to_owned(),
                        element: name.to_owned(),
                    });
                }
                if n >= MAX_ATTRIBUTES {
                    let got = n + 1;
                    return Err(EncodeError::Limit {
                        what: "attributes of an element",
                        got,
                        limit: MAX_ATTRIBUTES,
                    });
                }
                self.count(attribute.len() + value.len())?;
                self.attribute(attribute, value)?;
            }
            self.out.push(END);
        }
        Ok(())
    }

    /// Ends an element that has content.
    pub(in crate::wire) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.out.push(END);
    }

    /// Recursion is bounded by the limit of depth.
    fn element(&mut self, element: &Element) -> Result<(), EncodeError> {
        let attributes = element.attributes.iter().map(|a| (a.name.as_str(), a.value.as_str()));
        let content = if element.children.is_empty() { Content::None } else { Content::Follows };
        self.open(element.vocabulary, &element.name, attributes, content)?;
        for node in &element.children {
            match node {
                Node::Element(inner) => self.element(inner)?,
                Node::Text(text) => {
                    self.count(text.len())?;
                    self.string(&element.name, text)?;
                }
                Node::Opaque(octets) => {
                    self.count(octets.len())?;
                    self.out.push(OPAQUE);
                    put_mb_u_int32(length(octets), &mut self.out);
                    self.out.extend_from_slice(octets);
                }
            }
        }
        if content == Content::Follows {
            self.close();
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
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
            None => self.string(name, value),
        }
    }

    fn string(&mut self, place: &str, text: &str) -> Result<(), EncodeError> {
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

    /// One more part of the document, with this much text.
    fn count(&mut self, text: usize) -> Result<(), EncodeError> {
        self.nodes += 1;
        self.text = self.text.saturating_add(text);
        for (what, got, limit) in
            [("parts of the document", self.nodes, MAX_NODES), ("text of the document", self.text, MAX_TEXT)]
        {
            if got > limit {
                return Err(EncodeError::Limit { what, got, limit });
            }
        }
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

/// Whether an element has content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Content {
    /// It is empty.
    None,
    /// Its content and [`Writer::close`] follow.
    Follows,
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
