//! XML text to the pieces of a document, borrowed from the text where they stand there as they are.

use std::{borrow::Cow, ptr};

use quick_xml::{
    XmlVersion,
    errors::{Error, IllFormedError, SyntaxError},
    escape::resolve_predefined_entity,
    events::{
        BytesRef, BytesStart, Event,
        attributes::{AttrError, Attribute, Attributes},
    },
    name::{NamespaceResolver, QName, ResolveResult},
    reader::Reader,
};

use super::{forbidden, is_attribute_name, is_name, vocabulary};
use crate::wire::{
    DecodeError,
    infoset::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_OCTETS, Vocabulary},
    scan,
    sink::{Pair, Sink},
    wbxml,
};

const WHAT: &str = "XML";

/// Reads a whole document.
pub(in crate::wire) fn document<'a>(octets: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
    if octets.len() > MAX_OCTETS {
        return Err(DecodeError::Limit { what: "XML document", at: 0, got: octets.len(), limit: MAX_OCTETS });
    }
    let text = std::str::from_utf8(octets)
        .map_err(|e| DecodeError::invalid(WHAT, e.valid_up_to(), "not UTF-8; no other encoding is read"))?;
    let (text, skipped) = text.strip_prefix('\u{FEFF}').map_or((text, 0), |rest| (rest, 3));
    Parser {
        reader: Reader::from_str(text),
        // Namespaces are looked for in every tag, which doubles the work, and most documents have none.
        namespaces: text.contains("xmlns").then(NamespaceResolver::default),
        source: text,
        open: Vec::with_capacity(8),
        rooted: false,
        text: None,
        attributes: Vec::with_capacity(4),
        nodes: 0,
        at: 0,
        sink,
    }
    .run()
    .map_err(|e| e.shifted(skipped))
}

struct Parser<'a, 's, S> {
    reader: Reader<&'a [u8]>,
    namespaces: Option<NamespaceResolver>,
    source: &'a str,
    /// Vocabulary and name of the elements that are open.
    open: Vec<(Vocabulary, &'a str)>,
    /// True when the root has ended.
    rooted: bool,
    /// Text that may go on: pieces side by side are one, also with a comment between.
    text: Option<Cow<'a, str>>,
    /// Those of the element in hand.
    attributes: Vec<Pair<'a>>,
    nodes: usize,
    /// Where the event in hand begins.
    at: usize,
    sink: &'s mut S,
}

impl<'a, S: Sink<'a>> Parser<'a, '_, S> {
    fn run(mut self) -> Result<(), DecodeError> {
        loop {
            self.at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let event = self.reader.read_event().map_err(|e| self.not_well_formed(&e))?;
            match event {
                Event::Start(start) => {
                    let element = self.element(&start)?;
                    self.open.push(element);
                }
                Event::Empty(start) => {
                    self.element(&start)?;
                    self.close();
                }
                Event::End(_) => {
                    if self.open.pop().is_none() {
                        return Err(self.invalid("an end tag without its start tag"));
                    }
                    self.flush();
                    self.close();
                }
                // Most texts are taken as they are.
                Event::Text(text) if scan::is_plain_text(&text) => self.plain_text(text.into_inner())?,
                Event::Text(text) => self.text(text.xml10_content())?,
                Event::CData(text) => self.text(text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let c = self.reference(&reference)?;
                    self.text(Cow::Owned(c.to_string()))?;
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
        if !self.open.is_empty() || !self.rooted {
            let what = if self.open.is_empty() { "root element" } else { "end tag" };
            return Err(DecodeError::Truncated { what, at: self.at, needed: 1 });
        }
        Ok(())
    }

    /// Hands out the beginning of an element.
    fn element(&mut self, start: &BytesStart<'_>) -> Result<(Vocabulary, &'a str), DecodeError> {
        if let Some(namespaces) = &mut self.namespaces {
            namespaces.push(start).map_err(|e| self.not_well_formed(&Error::Namespace(e)))?;
        }
        if self.rooted {
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
        // The event lends only what stands behind the '<', not for as long as the document lives: it is taken from there.
        let tag = self.source.get(self.at + 1..).and_then(|rest| rest.get(..start.len()));
        let tag = tag.filter(|tag| ptr::eq(*tag, &**start)).ok_or_else(|| self.invalid("not well-formed"))?;
        let (full, _) = tag.split_at_checked(start.name().into_inner().len()).unwrap_or((tag, ""));
        let plain = scan::is_plain_name(full);
        let name = if plain { full } else { QName(full).local_name().into_inner() };
        if !plain && !is_name(name) {
            return Err(self.invalid("the name of an element holds a character that names may not have"));
        }
        // A namespace that is not known says as little as none.
        let bound = match self.namespaces.as_ref().map(|n| n.resolve_element(start.name()).0) {
            Some(ResolveResult::Bound(namespace)) => vocabulary(namespace.as_ref()),
            None | Some(ResolveResult::Unbound | ResolveResult::Unknown(_)) => None,
        };
        let vocabulary = bound.unwrap_or_else(|| guess(self.open.last(), name));
        self.attributes.clear();
        if tag.len() > full.len() {
            let mut attributes = Attributes::new(tag, full.len());
            // None of those that are kept may stand twice, which is seen to here: namespaces are not kept.
            attributes.with_checks(self.namespaces.is_some());
            for attribute in attributes {
                self.attribute(attribute)?;
            }
        }
        self.flush();
        self.sink.open(vocabulary, Cow::Borrowed(name), &mut self.attributes);
        Ok((vocabulary, name))
    }

    fn attribute(&mut self, attribute: Result<Attribute<'a>, AttrError>) -> Result<(), DecodeError> {
        let attribute = attribute.map_err(|_| self.invalid("an attribute is malformed or stands twice"))?;
        if self.namespaces.is_some() && attribute.key.as_namespace_binding().is_some() {
            return Ok(());
        }
        let full = attribute.key.into_inner();
        let is_whole = is_attribute_name(full);
        let name = if is_whole { full } else { attribute.key.local_name().into_inner() };
        let value = self.value(attribute)?;
        if !(is_whole || is_attribute_name(name)) || self.attributes.iter().any(|(before, _)| before == name)
        {
            return Err(self.invalid("an attribute has a name that is none, or stands twice"));
        }
        if self.attributes.len() >= MAX_ATTRIBUTES {
            return Err(DecodeError::Limit {
                what: "attributes of an element",
                at: self.at,
                got: self.attributes.len() + 1,
                limit: MAX_ATTRIBUTES,
            });
        }
        self.count()?;
        self.attributes.push((Cow::Borrowed(name), value));
        Ok(())
    }

    /// The value of an attribute, normalised (section 3.3.3); most are as they stand.
    fn value(&self, attribute: Attribute<'a>) -> Result<Cow<'a, str>, DecodeError> {
        if scan::is_plain_value(&attribute.value) {
            return Ok(attribute.value);
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| {
            self.invalid("an attribute value holds a reference that is not one of the five or a character")
        })?;
        self.check_chars(&value)?;
        Ok(value)
    }

    /// Hands out the end of an element.
    fn close(&mut self) {
        if let Some(namespaces) = &mut self.namespaces {
            namespaces.pop();
        }
        self.rooted = self.open.is_empty();
        self.sink.close();
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), DecodeError> {
        self.check_chars(&text)?;
        self.plain_text(text)
    }

    /// Adds text in which all characters are allowed.
    fn plain_text(&mut self, text: Cow<'a, str>) -> Result<(), DecodeError> {
        if text.is_empty() {
            return Ok(());
        }
        if let Some(before) = &mut self.text {
            before.to_mut().push_str(&text);
            return Ok(());
        }
        self.count()?;
        if !self.open.is_empty() {
            self.text = Some(text);
        } else if !text.chars().all(|c| c.is_ascii_whitespace()) {
            return Err(self.invalid("text outside the root element"));
        }
        Ok(())
    }

    /// Hands out the text that ends here.
    fn flush(&mut self) {
        if let Some(text) = self.text.take() {
            self.sink.text(text);
        }
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
        match forbidden(text) {
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
fn guess(parent: Option<&(Vocabulary, &str)>, name: &str) -> Vocabulary {
    let Some((vocabulary, parent)) = parent else {
        return match name {
            "SyncML" => Vocabulary::SyncMl,
            "MetInf" => Vocabulary::MetInf,
            "MgmtTree" => Vocabulary::DmDdf,
            "DevInf" => Vocabulary::DevInf,
            _ => Vocabulary::Prov,
        };
    };
    match (vocabulary, *parent, name) {
        (Vocabulary::SyncMl, "Meta", _) if wbxml::is_tag(Vocabulary::MetInf, name) => Vocabulary::MetInf,
        (Vocabulary::SyncMl, "Data", "MgmtTree") => Vocabulary::DmDdf,
        (Vocabulary::SyncMl, "Data", "DevInf") => Vocabulary::DevInf,
        (vocabulary, ..) => *vocabulary,
    }
}
