//! The encoder: the pieces of a document to octets, in the form that the simplest decoders in the field read.
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
    names::Token,
    table::{DocumentKind, Index},
};
use crate::wire::{
    EncodeError,
    infoset::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_TEXT, Vocabulary},
    scan,
    sink::{Output, put},
};

const SYNTAX: &str = "WBXML";

/// MIBenum of UTF-8.
const UTF_8: u32 = 106;

/// Writes a whole document.
pub(super) fn document(document: &Document) -> Result<Vec<u8>, EncodeError> {
    let root = &document.root;
    let mut writer = Writer::new(root.vocabulary, &root.name, document.public_id.clone(), 1024)?;
    put(root, &mut writer)?;
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

/// Writes a document piece by piece, within the limits of our own decoder.
pub(in crate::wire) struct Writer {
    kind: DocumentKind,
    index: &'static Index,
    /// Name of the root, for errors.
    root: String,
    public_id: PublicId,
    strings: Strings,
    tag_page: u8,
    attribute_page: u8,
    /// The names of the elements that are open, one behind the other, for errors.
    names: String,
    /// Where each of them begins.
    open: Vec<usize>,
    nodes: usize,
    text: usize,
    out: Vec<u8>,
    /// Where the tag of the element stands that was begun last, while there is nothing in it.
    empty: Option<usize>,
}

impl Writer {
    /// Begins a document whose root is of this vocabulary and has this name, and which will take about `size` octets.
    pub(in crate::wire) fn new(
        vocabulary: Vocabulary,
        root: &str,
        public_id: PublicId,
        size: usize,
    ) -> Result<Self, EncodeError> {
        let kind = DocumentKind::of(vocabulary);
        if public_id.kind().is_some_and(|k| k != kind) {
            let document = match public_id {
                PublicId::Number(n) => format!("{n:#X}"),
                PublicId::Text(text) => text.into_owned(),
            };
            return Err(EncodeError::Foreign { name: root.to_owned(), document });
        }
        let mut strings = Strings { octets: Vec::new(), names: BTreeMap::new() };
        if let PublicId::Text(text) = &public_id {
            no_nul("public identifier", text)?;
            // Two implementations leave the NUL out; the specification asks for it (section 5.6).
            strings.octets.extend_from_slice(text.as_bytes());
            strings.octets.push(0);
        }
        Ok(Self {
            kind,
            index: kind.index(),
            root: root.to_owned(),
            public_id,
            strings,
            tag_page: 0,
            attribute_page: 0,
            names: String::with_capacity(64),
            open: Vec::with_capacity(8),
            nodes: 0,
            text: 0,
            out: Vec::with_capacity(size),
            empty: None,
        })
    }

    /// Puts the head before what was written.
    pub(in crate::wire) fn finish(self, version: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.strings.octets.len() + self.out.len() + 16);
        out.push(version);
        match self.public_id {
            PublicId::Number(number) => put_mb_u_int32(number, &mut out),
            // The text is the first thing in the string table.
            PublicId::Text(_) => out.extend_from_slice(&[0, 0]),
        }
        put_mb_u_int32(UTF_8, &mut out);
        put_mb_u_int32(length(&self.strings.octets), &mut out);
        out.extend_from_slice(&self.strings.octets);
        out.extend_from_slice(&self.out);
        out
    }

    /// Marks the tag of the element that is open: it has content after all.
    fn content(&mut self) {
        if let Some(tag) = self.empty.take().and_then(|at| self.out.get_mut(at)) {
            *tag |= CONTENT;
        }
    }

    fn foreign(&self, name: &str) -> EncodeError {
        EncodeError::Foreign { name: name.to_owned(), document: self.root.clone() }
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        let names = self.index.attribute(name);
        if let Some(at) = names.and_then(|n| n.whole(value, self.attribute_page)) {
            self.attribute_token(at);
            return Ok(());
        }
        match names.and_then(|n| n.bare) {
            Some(at) => self.attribute_token(at),
            None => {
                self.out.push(LITERAL);
                self.literal(name)?;
            }
        }
        match names.and_then(|n| n.value(value, self.attribute_page)) {
            Some(at) => self.attribute_token(at),
            None => {
                no_nul(name, value)?;
                self.string(value);
            }
        }
        Ok(())
    }

    /// Writes text that holds no NUL.
    fn string(&mut self, text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.push(STR_I);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
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
        let (what, got, limit) = if self.nodes > MAX_NODES {
            ("parts of the document", self.nodes, MAX_NODES)
        } else if self.text > MAX_TEXT {
            ("text of the document", self.text, MAX_TEXT)
        } else {
            return Ok(());
        };
        Err(EncodeError::Limit { what, got, limit })
    }

    fn switch_tags(&mut self, page: u8) {
        if self.tag_page != page {
            self.tag_page = page;
            self.out.extend_from_slice(&[SWITCH_PAGE, page]);
        }
    }

    /// Writes a token of attribute space.
    fn attribute_token(&mut self, at: Token) {
        if self.attribute_page != at.page {
            self.attribute_page = at.page;
            self.out.extend_from_slice(&[SWITCH_PAGE, at.page]);
        }
        self.out.push(at.token);
    }
}

impl Output for Writer {
    fn open<'v>(
        &mut self,
        vocabulary: Vocabulary,
        name: &str,
        attributes: impl Iterator<Item = (&'v str, &'v str)> + Clone,
    ) -> Result<(), EncodeError> {
        if DocumentKind::of(vocabulary) != self.kind {
            return Err(self.foreign(name));
        }
        if self.open.len() >= MAX_DEPTH {
            let got = self.open.len() + 1;
            return Err(EncodeError::Limit { what: "nesting of elements", got, limit: MAX_DEPTH });
        }
        self.count(name.len())?;
        self.content();
        self.open.push(self.names.len());
        self.names.push_str(name);
        let flag = if attributes.clone().next().is_some() { ATTRIBUTES } else { 0 };
        match self.index.tag(vocabulary, name, self.tag_page) {
            Some(at) => {
                self.switch_tags(at.page);
                self.empty = Some(self.out.len());
                self.out.push(at.token | flag);
            }
            None => {
                let page = self.index.page_of(vocabulary).ok_or_else(|| self.foreign(name))?;
                self.switch_tags(page);
                self.empty = Some(self.out.len());
                self.out.push(LITERAL | flag);
                self.literal(name)?;
            }
        }
        if flag == 0 {
            return Ok(());
        }
        for (n, (attribute, value)) in attributes.enumerate() {
            if n >= MAX_ATTRIBUTES {
                let got = n + 1;
                let what = "attributes of an element";
                return Err(EncodeError::Limit { what, got, limit: MAX_ATTRIBUTES });
            }
            self.count(attribute.len() + value.len())?;
            self.attribute(attribute, value)?;
        }
        self.out.push(END);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.count(text.len())?;
        self.content();
        if scan::has_nul(text.as_bytes()) {
            let name = self.open.last().and_then(|at| self.names.get(*at..)).unwrap_or_default();
            no_nul(name, text)?;
        }
        self.string(text);
        Ok(())
    }

    fn opaque(&mut self, octets: &[u8]) -> Result<(), EncodeError> {
        self.count(octets.len())?;
        self.content();
        self.out.push(OPAQUE);
        put_mb_u_int32(length(octets), &mut self.out);
        self.out.extend_from_slice(octets);
        Ok(())
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.names.truncate(name);
        }
        if self.empty.take().is_none() {
            self.out.push(END);
        }
    }
}

fn no_nul(place: &str, text: &str) -> Result<(), EncodeError> {
    if scan::has_nul(text.as_bytes()) {
        return Err(EncodeError::Character { place: place.to_owned(), code: 0, syntax: SYNTAX });
    }
    Ok(())
}

/// The limits of a document are far below 32 bits.
fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
