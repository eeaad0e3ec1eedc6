//! The pieces of a document to XML text.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{is_attribute_name, is_char, is_name, namespace};
use crate::wire::{EncodeError, infoset::Vocabulary, scan, sink::Output};

const SYNTAX: &str = "XML";

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// The document type of provisioning documents (OMA ProvCont 1.1, section 5.1).
const PROV_TYPE: &str = concat!(
    r#"<!DOCTYPE wap-provisioningdoc PUBLIC "-//WAPFORUM//DTD PROV 1.0//EN" "#,
    r#""http://www.wapforum.org/DTD/prov.dtd">"#
);

/// How a document is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line.
    Line,
    /// For people: elements that hold no text stand on lines of their own. Only for documents in which white space
    /// between elements means nothing.
    Indented,
    /// Indented, and without a document type.
    Bare,
}

/// Writes a document piece by piece. It has no limits of its own: its callers have.
pub(in crate::wire) struct Writer {
    out: String,
    layout: Layout,
    open: Vec<Open>,
    /// The line breaks before the children of the elements that are open, as places in `out`.
    breaks: Vec<usize>,
}

/// An element that is open.
struct Open {
    vocabulary: Vocabulary,
    /// Where its name stands in what was written.
    name: Range<usize>,
    /// How many line breaks there were before it.
    breaks: usize,
    content: Content,
}

/// What stands in an element so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Nothing, and its tag has no end yet.
    None,
    Elements,
    /// Text too: white space would add to it.
    Mixed,
}

impl Writer {
    /// Begins a document that is this long as WBXML. XML is three to five times longer.
    pub(in crate::wire) fn new(layout: Layout, size: usize) -> Self {
        let mut out = String::with_capacity(size.saturating_mul(5).clamp(0x100, 0x1_0000));
        out.push_str(DECLARATION);
        Self { out, layout, open: Vec::with_capacity(8), breaks: Vec::new() }
    }

    /// The text.
    pub(in crate::wire) fn finish(mut self) -> String {
        if self.layout != Layout::Line {
            self.out.push('\n');
        }
        self.out
    }

    /// What stands before the root.
    fn prolog(&mut self, vocabulary: Vocabulary, name: &str) {
        let typed = vocabulary == Vocabulary::Prov && name == "wap-provisioningdoc";
        if typed && self.layout != Layout::Bare {
            self.new_line(0);
            self.out.push_str(PROV_TYPE);
        }
        self.new_line(0);
    }

    /// Makes room for a child element.
    fn begin_child(&mut self) {
        let depth = self.open.len();
        let Some(parent) = self.open.last_mut() else { return };
        if parent.content == Content::None {
            parent.content = Content::Elements;
            self.out.push('>');
        }
        if parent.content == Content::Elements && self.layout != Layout::Line {
            self.breaks.push(self.out.len());
            self.new_line(depth);
        }
    }

    /// Makes room for text. Line breaks that were written before it was known that text stands here are taken back.
    fn begin_text(&mut self) {
        let depth = self.open.len();
        let Some(parent) = self.open.last_mut() else { return };
        if parent.content == Content::None {
            self.out.push('>');
        }
        parent.content = Content::Mixed;
        while self.breaks.len() > parent.breaks {
            if let Some(at) = self.breaks.pop() {
                self.out.replace_range(at..at + line_length(depth), "");
            }
        }
    }

    fn new_line(&mut self, depth: usize) {
        if self.layout != Layout::Line {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }

    fn named(&self, range: Option<Range<usize>>) -> String {
        range.and_then(|r| self.out.get(r)).unwrap_or_default().to_owned()
    }

    /// Escapes what would be read as something else: markup, and white space that a parser would normalise
    /// (XML 1.0, sections 2.11 and 3.3.3). An error is the character that cannot stand in XML.
    fn escaped(&mut self, text: &str, place: Place) -> Result<(), char> {
        let mut rest = text;
        while let Some((plain, special)) =
            rest.bytes().position(is_special).and_then(|at| rest.split_at_checked(at))
        {
            self.out.push_str(plain);
            let mut chars = special.chars();
            match (chars.next().unwrap_or_default(), place) {
                ('&', _) => self.out.push_str("&amp;"),
                ('<', _) => self.out.push_str("&lt;"),
                ('>', _) => self.out.push_str("&gt;"),
                ('"', Place::Attribute) => self.out.push_str("&quot;"),
                ('\r', _) => self.out.push_str("&#13;"),
                ('\n', Place::Attribute) => self.out.push_str("&#10;"),
                ('\t', Place::Attribute) => self.out.push_str("&#9;"),
                (c, _) if is_char(c) => self.out.push(c),
                (c, _) => return Err(c),
            }
            rest = chars.as_str();
        }
        self.out.push_str(rest);
        Ok(())
    }
}

impl Output for Writer {
    fn open<'v>(
        &mut self,
        vocabulary: Vocabulary,
        name: &str,
        attributes: impl Iterator<Item = (&'v str, &'v str)> + Clone,
    ) -> Result<(), EncodeError> {
        if !is_name(name) {
            return Err(EncodeError::Name { name: name.to_owned(), syntax: SYNTAX });
        }
        let around = self.open.last().map(|o| o.vocabulary);
        let provisioning = |v| v == Vocabulary::Prov;
        if around.is_some_and(|v| provisioning(v) != provisioning(vocabulary)) {
            let document = self.named(self.open.first().map(|root| root.name.clone()));
            return Err(EncodeError::Foreign { name: name.to_owned(), document });
        }
        match around {
            None => self.prolog(vocabulary, name),
            Some(_) => self.begin_child(),
        }
        self.out.push('<');
        let begin = self.out.len();
        self.out.push_str(name);
        self.open.push(Open {
            vocabulary,
            name: begin..self.out.len(),
            breaks: self.breaks.len(),
            content: Content::None,
        });
        if around != Some(vocabulary)
            && let Some(namespace) = namespace(vocabulary)
        {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(namespace);
            self.out.push('"');
        }
        for (attribute, value) in attributes {
            if !is_attribute_name(attribute) {
                return Err(EncodeError::Name { name: attribute.to_owned(), syntax: SYNTAX });
            }
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            if scan::is_plain_output(value) {
                self.out.push_str(value);
            } else {
                self.escaped(value, Place::Attribute).map_err(|c| no_character(attribute, c))?;
            }
            self.out.push('"');
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.begin_text();
        self.escaped(text, Place::Text)
            .map_err(|c| no_character(&self.named(self.open.last().map(|o| o.name.clone())), c))
    }

    /// Text where it is text, else base64.
    fn opaque(&mut self, octets: &[u8]) -> Result<(), EncodeError> {
        match std::str::from_utf8(octets) {
            Ok(text) if text.chars().all(is_char) => self.text(text),
            _ => {
                self.begin_text();
                STANDARD.encode_string(octets, &mut self.out);
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        self.breaks.truncate(element.breaks);
        match element.content {
            Content::None => return self.out.push_str("/>"),
            Content::Elements => self.new_line(self.open.len()),
            Content::Mixed => {}
        }
        self.out.push_str("</");
        self.out.extend_from_within(element.name);
        self.out.push('>');
    }
}

/// True for octets that may begin a character which is escaped or refused: U+FFFE and U+FFFF begin with EF.
fn is_special(octet: u8) -> bool {
    octet < 0x20 || matches!(octet, b'&' | b'<' | b'>' | b'"' | 0xEF)
}

/// Octets of a line feed and the indentation behind it.
fn line_length(depth: usize) -> usize {
    1 + 2 * depth
}

fn no_character(place: &str, c: char) -> EncodeError {
    EncodeError::Character { place: place.to_owned(), code: u32::from(c), syntax: SYNTAX }
}

#[derive(Clone, Copy)]
enum Place {
    Text,
    Attribute,
}
