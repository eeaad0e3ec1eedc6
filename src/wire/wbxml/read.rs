//! The decoder: octets to elements (WAP-192 WBXML 1.3, sections 5 and 7).
//!
//! Elements are built on an explicit stack and everything is counted, so that no input makes it recurse, loop or
//! allocate without bound.

use std::borrow::Cow;

use super::{
    Document, PublicId,
    global::{ATTRIBUTES, CONTENT, END, ENTITY, LITERAL, OPAQUE, PI, STR_I, STR_T, SWITCH_PAGE, mb_u_int32},
    table::{DocumentKind, Index},
    text::{Charset, decode_text, from_table, shorten, usize_of},
};
use crate::wire::{
    DecodeError, Reader,
    infoset::{
        Attribute, Element, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_OCTETS, MAX_TEXT, Node, Vocabulary,
    },
};

/// Reads a whole document; `expected` serves where the public identifier is 1.
pub(super) fn document(octets: &[u8], expected: Option<DocumentKind>) -> Result<Document, DecodeError> {
    if octets.len() > MAX_OCTETS {
        return Err(DecodeError::Limit {
            what: "WBXML document",
            at: 0,
            got: octets.len(),
            limit: MAX_OCTETS,
        });
    }
    let mut r = Reader::new(octets);
    let version = r.u8("WBXML version")?;
    if !(0x01..=0x03).contains(&version) {
        return Err(DecodeError::invalid(
            "WBXML version",
            0,
            format!("{version:02X}; expected 01, 02 or 03"),
        ));
    }
    let id_at = r.position();
    let number = mb_u_int32(&mut r, "public identifier")?;
    let text_at = if number == 0 { Some(mb_u_int32(&mut r, "public identifier")?) } else { None };
    let charset = Charset::read(&mut r)?;
    let length = usize_of(mb_u_int32(&mut r, "string table length")?);
    let strings = r.take("string table", length)?;

    let public_id = match text_at {
        None => PublicId::Number(number),
        Some(offset) => PublicId::Text(Cow::Owned(from_table(strings, charset, offset, id_at)?.into_owned())),
    };
    let kind = match (public_id.kind(), expected) {
        (Some(kind), _) => kind,
        (None, Some(kind)) if public_id == PublicId::UNKNOWN => kind,
        _ => {
            let why = match &public_id {
                PublicId::Number(n) => format!("{n:#X} is not a document type that is known here"),
                PublicId::Text(t) => {
                    format!("{:?} is not a document type that is known here", shorten(t))
                }
            };
            return Err(DecodeError::invalid("public identifier", id_at, why));
        }
    };

    let mut body =
        Body { r, charset, strings, index: kind.index(), tag_page: 0, attribute_page: 0, nodes: 0, text: 0 };
    let root = body.root()?;
    Ok(Document { version, public_id, root })
}

struct Body<'a> {
    r: Reader<'a>,
    charset: Charset,
    strings: &'a [u8],
    index: &'static Index,
    tag_page: u8,
    attribute_page: u8,
    nodes: usize,
    text: usize,
}

impl<'a> Body<'a> {
    fn root(&mut self) -> Result<Element, DecodeError> {
        let mut open: Vec<Element> = Vec::new();
        loop {
            let at = self.r.position();
            let token = self.r.u8("token")?;
            let finished = match token {
                SWITCH_PAGE => {
                    self.tag_page = self.r.u8("code page")?;
                    continue;
                }
                PI => {
                    // A processing instruction is no part of the infoset.
                    self.attributes(&mut None)?;
                    continue;
                }
                END => match open.pop() {
                    Some(element) => element,
                    None => return Err(DecodeError::invalid("token", at, "END before the root element")),
                },
                ENTITY | STR_I | STR_T | OPAQUE => {
                    if open.is_empty() {
                        let why = format!("{token:02X} is text before the root element");
                        return Err(DecodeError::invalid("token", at, why));
                    }
                    let piece = self.piece(token, at)?;
                    if let Some(parent) = open.last_mut() {
                        self.append(parent, piece, at)?;
                    }
                    continue;
                }
                0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2 => return Err(extension(token, at)),
                tag => {
                    if open.len() >= MAX_DEPTH {
                        return Err(DecodeError::Limit {
                            what: "nesting of elements",
                            at,
                            got: open.len() + 1,
                            limit: MAX_DEPTH,
                        });
                    }
                    let mut element = self.tag(tag & 0x3F, at)?;
                    if tag & ATTRIBUTES != 0 {
                        self.attributes(&mut Some(&mut element))?;
                    }
                    if tag & CONTENT != 0 {
                        open.push(element);
                        continue;
                    }
                    element
                }
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(Node::Element(finished)),
                None => {
                    self.tail()?;
                    return Ok(finished);
                }
            }
        }
    }

    /// Behind the root only processing instructions may stand (section 5.3); a page switch does no harm.
    fn tail(&mut self) -> Result<(), DecodeError> {
        while let Some(token) = self.r.peek() {
            match token {
                PI => {
                    self.r.u8("token")?;
                    self.attributes(&mut None)?;
                }
                SWITCH_PAGE if self.r.rest().len() >= 2 => {
                    self.r.u16("code page")?;
                }
                _ => return self.r.finish("WBXML document"),
            }
        }
        Ok(())
    }

    fn tag(&mut self, token: u8, at: usize) -> Result<Element, DecodeError> {
        let (vocabulary, name) = if token == LITERAL {
            let name = self.literal(at)?;
            (self.vocabulary(at)?, name)
        } else {
            match self.index.tag_at(self.tag_page, token) {
                Some((vocabulary, name)) => (vocabulary, name.to_owned()),
                None => {
                    let why = format!("{token:02X} is not assigned in code page {}", self.tag_page);
                    return Err(DecodeError::invalid("tag", at, why));
                }
            }
        };
        self.count_node(at)?;
        self.count_text(name.len(), at)?;
        Ok(Element { vocabulary, name, attributes: Vec::new(), children: Vec::new() })
    }

    /// A name without a token belongs to the page in force.
    fn vocabulary(&self, at: usize) -> Result<Vocabulary, DecodeError> {
        self.index.vocabulary_of(self.tag_page).ok_or_else(|| {
            DecodeError::invalid("tag", at, format!("code page {} is not assigned", self.tag_page))
        })
    }

    /// Reads attributes up to their END; without an element they are read and thrown away.
    fn attributes(&mut self, element: &mut Option<&mut Element>) -> Result<(), DecodeError> {
        let mut token_at = self.r.position();
        let mut token = self.r.u8("attribute")?;
        loop {
            let (name, mut value) = match token {
                END => return Ok(()),
                SWITCH_PAGE => {
                    self.attribute_page = self.r.u8("code page")?;
                    token_at = self.r.position();
                    token = self.r.u8("attribute")?;
                    continue;
                }
                LITERAL => (self.literal(token_at)?, String::new()),
                0x00..=0x7F if token & 0x3F > LITERAL => {
                    match self.index.start_at(self.attribute_page, token) {
                        Some((name, value)) => (name.to_owned(), value.to_owned()),
                        None => {
                            let page = self.attribute_page;
                            let why = format!("{token:02X} is not assigned in attribute code page {page}");
                            return Err(DecodeError::invalid("attribute", token_at, why));
                        }
                    }
                }
                other => {
                    let why = format!("{other:02X} stands where an attribute should begin");
                    return Err(DecodeError::invalid("attribute", token_at, why));
                }
            };
            self.count_node(token_at)?;
            self.count_text(name.len() + value.len(), token_at)?;

            // The value goes on until something that begins an attribute, or END.
            let begun_at = token_at;
            loop {
                token_at = self.r.position();
                token = self.r.u8("attribute value")?;
                match token {
                    SWITCH_PAGE => self.attribute_page = self.r.u8("code page")?,
                    ENTITY | STR_I | STR_T | OPAQUE => match self.piece(token, token_at)? {
                        Piece::Text(text) => value.push_str(&text),
                        // A value is text, whatever it came as; and text holds no NUL.
                        Piece::Opaque(octets) if octets.contains(&0) => {
                            let why = "octets that hold a NUL; expected text";
                            return Err(DecodeError::invalid("attribute value", token_at, why));
                        }
                        Piece::Opaque(octets) => {
                            value.push_str(&decode_text(octets, self.charset, token_at)?);
                        }
                    },
                    0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2 => return Err(extension(token, token_at)),
                    0x85..=0xBF | 0xC5..=0xFF => match self.index.value_at(self.attribute_page, token) {
                        Some(text) => {
                            self.count_text(text.len(), token_at)?;
                            value.push_str(text);
                        }
                        None => {
                            let page = self.attribute_page;
                            let why = format!("{token:02X} is not assigned in attribute code page {page}");
                            return Err(DecodeError::invalid("attribute value", token_at, why));
                        }
                    },
                    _ => break,
                }
            }
            if let Some(element) = element {
                if element.attribute(&name).is_some() {
                    let why = format!("{name} stands twice in one element");
                    return Err(DecodeError::invalid("attribute", begun_at, why));
                }
                if element.attributes.len() >= MAX_ATTRIBUTES {
                    let got = element.attributes.len() + 1;
                    return Err(DecodeError::Limit {
                        what: "attributes of an element",
                        at: begun_at,
                        got,
                        limit: MAX_ATTRIBUTES,
                    });
                }
                element.attributes.push(Attribute { name, value });
            }
        }
    }

    /// One piece of text or octets; its token was read.
    fn piece(&mut self, token: u8, at: usize) -> Result<Piece<'a>, DecodeError> {
        let piece = match token {
            STR_I => {
                let rest = self.r.rest();
                let Some(length) = rest.iter().position(|b| *b == 0) else {
                    return Err(DecodeError::Truncated {
                        what: "inline string",
                        at: at + 1 + rest.len(),
                        needed: 1,
                    });
                };
                let octets = self.r.take("inline string", length)?;
                self.r.u8("inline string")?;
                Piece::Text(decode_text(octets, self.charset, at + 1)?)
            }
            STR_T => {
                let offset = mb_u_int32(&mut self.r, "string-table reference")?;
                Piece::Text(from_table(self.strings, self.charset, offset, at)?)
            }
            ENTITY => {
                let code = mb_u_int32(&mut self.r, "character entity")?;
                match char::from_u32(code).filter(|c| crate::wire::xml::is_char(*c)) {
                    Some(c) => Piece::Text(Cow::Owned(c.to_string())),
                    None => {
                        let why = format!("U+{code:04X} is not a character of XML");
                        return Err(DecodeError::invalid("character entity", at, why));
                    }
                }
            }
            _ => {
                let length = usize_of(mb_u_int32(&mut self.r, "opaque length")?);
                Piece::Opaque(self.r.take("opaque octets", length)?)
            }
        };
        let length = match &piece {
            Piece::Text(text) => text.len(),
            Piece::Opaque(octets) => octets.len(),
        };
        count(&mut self.text, length, MAX_TEXT, "text of the document", at)?;
        Ok(piece)
    }

    /// A name in the string table; its token was read.
    fn literal(&mut self, at: usize) -> Result<String, DecodeError> {
        let offset = mb_u_int32(&mut self.r, "literal name")?;
        let name = from_table(self.strings, self.charset, offset, at)?;
        if name.is_empty() {
            return Err(DecodeError::invalid("literal name", at, "empty"));
        }
        Ok(name.into_owned())
    }

    fn append(&mut self, parent: &mut Element, piece: Piece<'_>, at: usize) -> Result<(), DecodeError> {
        match (piece, parent.children.last_mut()) {
            // An empty string is no text: XML could not tell it from nothing.
            (Piece::Text(text), _) if text.is_empty() => {}
            (Piece::Text(text), Some(Node::Text(before))) => before.push_str(&text),
            (Piece::Text(text), _) => {
                self.count_node(at)?;
                parent.children.push(Node::Text(text.into_owned()));
            }
            (Piece::Opaque(octets), _) => {
                self.count_node(at)?;
                parent.children.push(Node::Opaque(octets.to_vec()));
            }
        }
        Ok(())
    }

    fn count_node(&mut self, at: usize) -> Result<(), DecodeError> {
        count(&mut self.nodes, 1, MAX_NODES, "parts of the document", at)
    }

    fn count_text(&mut self, length: usize, at: usize) -> Result<(), DecodeError> {
        count(&mut self.text, length, MAX_TEXT, "text of the document", at)
    }
}

enum Piece<'a> {
    Text(Cow<'a, str>),
    Opaque(&'a [u8]),
}

fn count(
    total: &mut usize,
    more: usize,
    limit: usize,
    what: &'static str,
    at: usize,
) -> Result<(), DecodeError> {
    *total = total.saturating_add(more);
    if *total > limit {
        return Err(DecodeError::Limit { what, at, got: *total, limit });
    }
    Ok(())
}

fn extension(token: u8, at: usize) -> DecodeError {
    DecodeError::invalid(
        "token",
        at,
        format!("{token:02X} is an extension that no document type here defines"),
    )
}
