//! The XML of control documents: elements and attributes, nothing else means anything. The document type may hold the
//! processing instruction `wap-pap-ver` in an internal subset, so it is looked at here and not by [`crate::wire::xml`].

use quick_xml::{
    Reader,
    errors::Error,
    events::{BytesStart, Event},
};

use super::{MAX_OCTETS, Version};
use crate::wire::DecodeError;

const WHAT: &str = "PAP document";
const MAX_DEPTH: usize = 8;
/// Enough for the most addresses, with a gateway's own elements between them.
const MAX_ELEMENTS: usize = 2 * super::MAX_ADDRESSES;
const MAX_ATTRIBUTES: usize = 32;
const MAX_VALUE: usize = 64 * 1024;

/// How much a reader forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// For what initiators send: what is not well-formed is refused.
    Strict,
    /// For what gateways answer: an `&` that begins no reference stands for itself, because gateways are in the field that
    /// repeat a push id without escaping it.
    Lenient,
}

/// A document: what its document type says, and its root.
pub(super) struct Document {
    pub(super) version: Option<Result<Version, String>>,
    pub(super) root: Element,
}

/// An element.
pub(super) struct Element {
    pub(super) name: String,
    /// Where it begins.
    pub(super) at: usize,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The child elements of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |e| e.name == name)
    }
}

/// Reads a document.
pub(super) fn read(octets: &[u8], strictness: Strictness) -> Result<Document, DecodeError> {
    if octets.len() > MAX_OCTETS {
        return Err(DecodeError::Limit { what: WHAT, at: 0, got: octets.len(), limit: MAX_OCTETS });
    }
    let text = std::str::from_utf8(octets)
        .map_err(|e| DecodeError::invalid(WHAT, e.valid_up_to(), "not UTF-8; no other encoding is read"))?;
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let mut parser = Parser { strictness, version: None, open: Vec::new(), root: None, elements: 0, at: 0 };
    let mut reader = Reader::from_str(text);
    loop {
        parser.at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|e| parser.not_well_formed(&e))?;
        if event == Event::Eof {
            break;
        }
        parser.event(&event)?;
    }
    match parser.root {
        Some(root) if parser.open.is_empty() => Ok(Document { version: parser.version, root }),
        _ => Err(DecodeError::Truncated { what: WHAT, at: parser.at, needed: 1 }),
    }
}

struct Parser {
    strictness: Strictness,
    version: Option<Result<Version, String>>,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    /// Where the event in hand begins.
    at: usize,
}

impl Parser {
    fn event(&mut self, event: &Event<'_>) -> Result<(), DecodeError> {
        match event {
            Event::Start(start) => {
                let element = self.element(start)?;
                if self.open.len() >= MAX_DEPTH {
                    return Err(self.limit("nesting of elements", self.open.len() + 1, MAX_DEPTH));
                }
                self.open.push(element);
            }
            Event::Empty(start) => {
                let element = self.element(start)?;
                self.close(element);
            }
            Event::End(_) => match self.open.pop() {
                Some(element) => self.close(element),
                None => return Err(self.invalid("an end tag without its start tag")),
            },
            Event::DocType(doctype) => {
                // The document type may be named, and may hold a processing instruction; it may define nothing.
                if doctype.contains("<!") {
                    return Err(self.invalid("a document type that defines something is not accepted"));
                }
                self.version = public_id(doctype).and_then(Version::from_public_id);
            }
            Event::GeneralRef(_) => return Err(self.invalid("text means nothing here; no reference is read")),
            // Text, comments and processing instructions say nothing.
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Element, DecodeError> {
        if self.root.is_some() {
            return Err(self.invalid("a second root element"));
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(self.limit("elements", self.elements, MAX_ELEMENTS));
        }
        let mut attributes: Vec<(String, String)> = Vec::new();
        for attribute in start.attributes() {
            let attribute =
                attribute.map_err(|_| self.invalid("an attribute is malformed or stands twice"))?;
            if attributes.len() >= MAX_ATTRIBUTES {
                return Err(self.limit("attributes of an element", attributes.len() + 1, MAX_ATTRIBUTES));
            }
            if attribute.value.len() > MAX_VALUE {
                return Err(self.limit("octets of a value", attribute.value.len(), MAX_VALUE));
            }
            let value = self.value(&attribute.value)?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
        }
        let name = start.local_name().as_ref().to_owned();
        Ok(Element { name, at: self.at, attributes, children: Vec::new() })
    }

    fn close(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    /// An attribute's value with its references resolved (XML 1.0, sections 3.3.3, 4.1 and 4.6).
    fn value(&self, raw: &str) -> Result<String, DecodeError> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((before, behind)) = rest.split_once('&') {
            value.push_str(before);
            let resolved = behind.split_once(';').and_then(|(name, left)| Some((character(name)?, left)));
            match resolved {
                Some((c, left)) => {
                    value.push(c);
                    rest = left;
                }
                None if self.strictness == Strictness::Lenient => {
                    value.push('&');
                    rest = behind;
                }
                None => {
                    let why = "an & that begins neither a character reference nor one of the five entities";
                    return Err(self.invalid(why));
                }
            }
        }
        value.push_str(rest);
        // A form feed is white space to Rust and no character to XML (1.0, production 2).
        let foreign = |c: char| {
            c.is_control() && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{FFFE}' | '\u{FFFF}')
        };
        if value.chars().any(foreign) {
            return Err(self.invalid("an attribute holds a control character"));
        }
        Ok(value.replace(['\t', '\n', '\r'], " "))
    }

    fn limit(&self, what: &'static str, got: usize, limit: usize) -> DecodeError {
        DecodeError::Limit { what, at: self.at, got, limit }
    }

    fn invalid(&self, why: &str) -> DecodeError {
        DecodeError::invalid(WHAT, self.at, why)
    }

    /// The library's own messages quote the text, which may be a number.
    fn not_well_formed(&self, error: &Error) -> DecodeError {
        self.invalid(match error {
            Error::Syntax(_) => "markup does not end",
            Error::IllFormed(_) => "an end tag does not match its start tag",
            _ => "not well-formed",
        })
    }
}

/// A character by its reference, without `&` and `;`.
fn character(name: &str) -> Option<char> {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let digits = name.strip_prefix('#')?;
            digits.strip_prefix('x').map_or_else(|| code(digits, 10), |hex| code(hex, 16))
        }
    }
}

/// The public identifier of a document type.
fn public_id(doctype: &str) -> Option<&str> {
    let rest = doctype.split_once("PUBLIC")?.1.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest.split(quote).nth(1)
}
