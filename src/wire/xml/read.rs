//! XML text to elements.

use quick_xml::{
    XmlVersion,
    errors::{Error, IllFormedError, SyntaxError},
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
    reader::NsReader,
};

use super::{is_attribute_name, is_char, is_name, vocabulary};
use crate::wire::{
    DecodeError,
    infoset::{Attribute, Element, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_OCTETS, Node, Vocabulary},
    wbxml,
};

const WHAT: &str = "XML";

pub(super) fn document(octets: &[u8]) -> Result<Element, DecodeError> {
    if octets.len() > MAX_OCTETS {
        return Err(DecodeError::Limit { what: "XML document", at: 0, got: octets.len(), limit: MAX_OCTETS });
    }
    let text = std::str::from_utf8(octets)
        .map_err(|e| DecodeError::invalid(WHAT, e.valid_up_to(), "not UTF-8; no other encoding is read"))?;
    let (text, skipped) = text.strip_prefix('\u{FEFF}').map_or((text, 0), |rest| (rest, 3));
    Parser { reader: NsReader::from_str(text), open: Vec::new(), root: None, nodes: 0, at: 0 }
        .run()
        .map_err(|e| e.shifted(skipped))
}

struct Parser<'a> {
    reader: NsReader<&'a [u8]>,
    open: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
    /// Where the event in hand begins.
    at: usize,
}

impl<'a> Parser<'a> {
    fn run(mut self) -> Result<Element, DecodeError> {
        loop {
            self.at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let event = self.reader.read_event().map_err(|e| self.not_well_formed(&e))?;
            match event {
                Event::Start(start) => {
                    let element = self.element(&start)?;
                    self.open.push(element);
                }
                Event::Empty(start) => {
                    let element = self.element(&start)?;
                    self.close(element);
                }
                Event::End(_) => match self.open.pop() {
                    Some(element) => self.close(element),
                    None => return Err(self.invalid("an end tag without its start tag")),
                },
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let c = self.reference(&reference)?;
                    self.text(c.encode_utf8(&mut [0; 4]))?;
                }
                Event::Decl(declaration) => match declaration.encoding() {
                    None => {}
                    Some(Ok(name))
                        if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => {}
                    Some(_) => return Err(self.invalid("an encoding that is not read; expected UTF-8")),
                },
                Event::DocType(doctype) => {
                    // Naming a DTD is fine, it is never fetched; defining something here is not.
                    if doctype.contains('[') {
                        return Err(self.invalid("a document type with an internal subset is not accepted"));
                    }
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() || self.root.is_none() {
            let what = if self.open.is_empty() { "root element" } else { "end tag" };
            return Err(DecodeError::Truncated { what, at: self.at, needed: 1 });
        }
        self.root.take().ok_or(DecodeError::Truncated { what: "root element", at: self.at, needed: 1 })
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Element, DecodeError> {
        if self.root.is_some() {
            return Err(self.invalid("a second root element"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(DecodeError::Limit {
                what: "nesting of elements",
                at: self.at,
                got: self.open.len() + 1,
                limit: MAX_DEPTH,
            });
        }
        self.count()?;
        let (resolved, local) = self.reader.resolver().resolve_element(start.name());
        let name = local.as_ref();
        if !is_name(name) {
            return Err(self.invalid("the name of an element holds a character that names may not have"));
        }
        // A namespace that is not known says as little as none.
        let bound = match resolved {
            ResolveResult::Bound(namespace) => vocabulary(namespace.as_ref()),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
        };
        let vocabulary = bound.unwrap_or_else(|| guess(self.open.last(), name));
        let mut element = Element::new(vocabulary, name);
        for attribute in start.attributes() {
            let attribute =
                attribute.map_err(|_| self.invalid("an attribute is malformed or stands twice"))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let full = attribute.key.as_ref();
            let name = if is_attribute_name(full) { full } else { attribute.key.local_name().into_inner() };
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| {
                self.invalid(
                    "an attribute value holds a reference that is not one of the five or a character",
                )
            })?;
            if !is_attribute_name(name) || element.attribute(name).is_some() {
                return Err(self.invalid("an attribute has a name that is none, or stands twice"));
            }
            if element.attributes.len() >= MAX_ATTRIBUTES {
                return Err(DecodeError::Limit {
                    what: "attributes of an element",
                    at: self.at,
                    got: element.attributes.len() + 1,
                    limit: MAX_ATTRIBUTES,
                });
            }
            self.check_chars(&value)?;
            self.count()?;
            element.attributes.push(Attribute { name: name.to_owned(), value: value.into_owned() });
        }
        Ok(element)
    }

    fn close(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), DecodeError> {
        self.check_chars(text)?;
        if text.is_empty() {
            return Ok(());
        }
        if let Some(Node::Text(before)) = self.open.last_mut().and_then(|e| e.children.last_mut()) {
            before.push_str(text);
            return Ok(());
        }
        self.count()?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Text(text.to_owned())),
            None if text.chars().all(|c| c.is_ascii_whitespace()) => {}
            None => return Err(self.invalid("text outside the root element")),
        }
        Ok(())
    }

    /// A character reference, or one of the five entities of XML (sections 4.1 and 4.6).
    fn reference(&self, reference: &BytesRef<'_>) -> Result<char, DecodeError> {
        let bad = || self.invalid("a reference that is not a character");
        if reference.is_char_ref() {
            return reference.resolve_char_ref().ok().flatten().ok_or_else(bad);
        }
        resolve_predefined_entity(reference)
            .and_then(|text| text.chars().next())
            .ok_or_else(|| self.invalid("an entity other than amp, lt, gt, apos and quot is not accepted"))
    }

    fn check_chars(&self, text: &str) -> Result<(), DecodeError> {
        match text.chars().find(|c| !is_char(*c)) {
            None => Ok(()),
            Some(c) => Err(DecodeError::invalid(
                WHAT,
                self.at,
                format!("character U+{:04X} is not allowed", u32::from(c)),
            )),
        }
    }

    fn count(&mut self) -> Result<(), DecodeError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let (at, got) = (self.at, self.nodes);
            return Err(DecodeError::Limit { what: "parts of the document", at, got, limit: MAX_NODES });
        }
        Ok(())
    }

    fn invalid(&self, why: &str) -> DecodeError {
        DecodeError::invalid(WHAT, self.at, why)
    }

    /// The parser's own messages quote the text, which may be a secret.
    fn not_well_formed(&self, error: &Error) -> DecodeError {
        let why = match error {
            Error::Syntax(SyntaxError::UnclosedTag | SyntaxError::UnclosedSingleQuotedAttributeValue)
            | Error::Syntax(SyntaxError::UnclosedDoubleQuotedAttributeValue) => "a tag does not end",
            Error::Syntax(_) => "markup does not end",
            Error::IllFormed(
                IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_),
            ) => "an end tag does not match its start tag",
            Error::IllFormed(IllFormedError::UnclosedReference) => "a reference does not end in ';'",
            _ => "not well-formed",
        };
        let at = usize::try_from(self.reader.error_position()).unwrap_or(self.at);
        DecodeError::invalid(WHAT, at, why)
    }
}

/// The vocabulary of an element that no namespace tells.
fn guess(parent: Option<&Element>, name: &str) -> Vocabulary {
    let Some(parent) = parent else {
        return match name {
            "SyncML" => Vocabulary::SyncMl,
            "MetInf" => Vocabulary::MetInf,
            "MgmtTree" => Vocabulary::DmDdf,
            "DevInf" => Vocabulary::DevInf,
            _ => Vocabulary::Prov,
        };
    };
    match (parent.vocabulary, parent.name.as_str(), name) {
        (Vocabulary::SyncMl, "Meta", _) if wbxml::is_tag(Vocabulary::MetInf, name) => Vocabulary::MetInf,
        (Vocabulary::SyncMl, "Data", "MgmtTree") => Vocabulary::DmDdf,
        (Vocabulary::SyncMl, "Data", "DevInf") => Vocabulary::DevInf,
        (vocabulary, ..) => vocabulary,
    }
}
