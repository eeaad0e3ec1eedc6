//! The decoder: octets to the pieces of a document (WAP-192 WBXML 1.3, sections 5 and 7).
//!
//! It goes through the octets once, without recursion, hands out what it finds as it finds it ([`Sink`]), and counts
//! everything, so that no input makes it loop or allocate without bound. Names and text that stand in the octets, or in a
//! token table, are borrowed from there.

use std::borrow::Cow;

use super::{
    PublicId,
    global::{ATTRIBUTES, CONTENT, END, ENTITY, LITERAL, OPAQUE, PI, STR_I, STR_T, SWITCH_PAGE, mb_u_int32},
    table::{DocumentKind, Index},
    text::{Charset, count, decode_text, extension, from_table, join, shorten, usize_of},
};
use crate::wire::{
    DecodeError, Reader,
    infoset::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NODES, MAX_OCTETS, MAX_TEXT, Vocabulary},
    scan,
    sink::{Pair, Sink},
};

/// What stands before the root element.
pub(super) struct Head {
    pub(super) version: u8,
    pub(super) public_id: PublicId,
}

/// Any document may hold this much text, in octets.
const FREE_TEXT: usize = 64 * 1024;

/// How many octets of text each octet of a document may make. A reference to the string table takes two and makes as
/// many as the string has, so that 100 octets of input could ask for thousands, and 4 MiB for terabytes. Documents of
/// the field stay below 4: they refer to a string a few times, and most strings are short.
const TEXT_PER_OCTET: usize = 64;

/// Reads a whole document; `expected` serves where the public identifier is 1.
pub(super) fn document<'a>(
    octets: &'a [u8],
    expected: Option<DocumentKind>,
    sink: &mut impl Sink<'a>,
) -> Result<Head, DecodeError> {
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

    let max_text = octets.len().saturating_mul(TEXT_PER_OCTET).clamp(FREE_TEXT, MAX_TEXT);
    let body = Body {
        r,
        charset,
        strings,
        index: kind.index(),
        tag_page: 0,
        attribute_page: 0,
        nodes: 0,
        text: 0,
        max_text,
        attributes: Vec::with_capacity(4),
        sink,
    };
    body.run()?;
    Ok(Head { version, public_id })
}

struct Body<'a, 's, S> {
    r: Reader<'a>,
    charset: Charset,
    strings: &'a [u8],
    index: &'static Index,
    tag_page: u8,
    attribute_page: u8,
    nodes: usize,
    text: usize,
    max_text: usize,
    /// Those of the element in hand.
    attributes: Vec<Pair<'a>>,
    sink: &'s mut S,
}

impl<'a, S: Sink<'a>> Body<'a, '_, S> {
    fn run(mut self) -> Result<(), DecodeError> {
        let mut depth = 0;
        // Pieces of text side by side are one text, also with a page switch or a processing instruction between.
        let mut text: Option<Cow<'a, str>> = None;
        loop {
            let at = self.r.position();
            let token = self.r.u8("token")?;
            match token {
                SWITCH_PAGE => self.tag_page = self.r.u8("code page")?,
                PI => {
                    // A processing instruction is no part of the infoset.
                    self.attributes(Attributes::Skipped)?;
                }
                END => {
                    if depth == 0 {
                        return Err(DecodeError::invalid("token", at, "END before the root element"));
                    }
                    self.flush(&mut text);
                    self.sink.close();
                    depth -= 1;
                    if depth == 0 {
                        return self.tail();
                    }
                }
                ENTITY | STR_I | STR_T | OPAQUE => {
                    if depth == 0 {
                        let why = format!("{token:02X} is text before the root element");
                        return Err(DecodeError::invalid("token", at, why));
                    }
                    match (self.piece(token, at)?, &mut text) {
                        // An empty string is no text: XML could not tell it from nothing.
                        (Piece::Text(more), _) if more.is_empty() => {}
                        (Piece::Text(more), Some(before)) => before.to_mut().push_str(&more),
                        (Piece::Text(first), None) => {
                            self.count_node(at)?;
                            text = Some(first);
                        }
                        (Piece::Opaque(octets), _) => {
                            self.count_node(at)?;
                            self.flush(&mut text);
                            self.sink.opaque(octets);
                        }
                    }
                }
                0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2 => return Err(extension(token, at)),
                tag => {
                    if depth >= MAX_DEPTH {
                        return Err(DecodeError::Limit {
                            what: "nesting of elements",
                            at,
                            got: depth + 1,
                            limit: MAX_DEPTH,
                        });
                    }
                    self.flush(&mut text);
                    let (vocabulary, name) = self.tag(tag & 0x3F, at)?;
                    self.attributes.clear();
                    if tag & ATTRIBUTES != 0 {
                        self.attributes(Attributes::Kept)?;
                    }
                    self.sink.open(vocabulary, name, &mut self.attributes);
                    if tag & CONTENT != 0 {
                        depth += 1;
                        continue;
                    }
                    self.sink.close();
                    if depth == 0 {
                        return self.tail();
                    }
                }
            }
        }
    }

    fn flush(&mut self, text: &mut Option<Cow<'a, str>>) {
        if let Some(text) = text.take() {
            self.sink.text(text);
        }
    }

    /// Behind the root only processing instructions may stand (section 5.3); a page switch does no harm.
    fn tail(&mut self) -> Result<(), DecodeError> {
        while let Some(token) = self.r.peek() {
            match token {
                PI => {
                    self.r.u8("token")?;
                    self.attributes(Attributes::Skipped)?;
                }
                SWITCH_PAGE if self.r.rest().len() >= 2 => {
                    self.r.u16("code page")?;
                }
                _ => return self.r.finish("WBXML document"),
            }
        }
        Ok(())
    }

    fn tag(&mut self, token: u8, at: usize) -> Result<(Vocabulary, Cow<'a, str>), DecodeError> {
        let (vocabulary, name) = if token == LITERAL {
            let name = self.literal(at)?;
            (self.vocabulary(at)?, name)
        } else {
            match self.index.tag_at(self.tag_page, token) {
                Some((vocabulary, name)) => (vocabulary, Cow::Borrowed(name)),
                None => {
                    let why = format!("{token:02X} is not assigned in code page {}", self.tag_page);
                    return Err(DecodeError::invalid("tag", at, why));
                }
            }
        };
        self.count_node(at)?;
        self.count_text(name.len(), at)?;
        Ok((vocabulary, name))
    }

    /// A name without a token belongs to the page in force.
    fn vocabulary(&self, at: usize) -> Result<Vocabulary, DecodeError> {
        self.index.vocabulary_of(self.tag_page).ok_or_else(|| {
            DecodeError::invalid("tag", at, format!("code page {} is not assigned", self.tag_page))
        })
    }

    /// Reads attributes up to their END.
    fn attributes(&mut self, what_of_them: Attributes) -> Result<(), DecodeError> {
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
                LITERAL => (self.literal(token_at)?, Cow::Borrowed("")),
                0x00..=0x7F if token & 0x3F > LITERAL => {
                    match self.index.start_at(self.attribute_page, token) {
                        Some((name, value)) => (Cow::Borrowed(name), Cow::Borrowed(value)),
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
                        Piece::Text(text) => join(&mut value, text),
                        // A value is text, whatever it came as; and text holds no NUL.
                        Piece::Opaque(octets) if octets.contains(&0) => {
                            let why = "octets that hold a NUL; expected text";
                            return Err(DecodeError::invalid("attribute value", token_at, why));
                        }
                        Piece::Opaque(octets) => {
                            join(&mut value, decode_text(octets, self.charset, token_at)?);
                        }
                    },
                    0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2 => return Err(extension(token, token_at)),
                    0x85..=0xBF | 0xC5..=0xFF => match self.index.value_at(self.attribute_page, token) {
                        Some(text) => {
                            self.count_text(text.len(), token_at)?;
                            join(&mut value, Cow::Borrowed(text));
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
            if let Attributes::Skipped = what_of_them {
                continue;
            }
            if self.attributes.iter().any(|(before, _)| *before == name) {
                let why = format!("{name} stands twice in one element");
                return Err(DecodeError::invalid("attribute", begun_at, why));
            }
            if self.attributes.len() >= MAX_ATTRIBUTES {
                return Err(DecodeError::Limit {
                    what: "attributes of an element",
                    at: begun_at,
                    got: self.attributes.len() + 1,
                    limit: MAX_ATTRIBUTES,
                });
            }
            self.attributes.push((name, value));
        }
    }

    /// One piece of text or octets; its token was read.
    fn piece(&mut self, token: u8, at: usize) -> Result<Piece<'a>, DecodeError> {
        let piece = match token {
            STR_I => {
                let rest = self.r.rest();
                let Some(length) = scan::find_nul(rest) else {
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
        self.count_text(length, at)?;
        Ok(piece)
    }

    /// A name in the string table; its token was read.
    fn literal(&mut self, at: usize) -> Result<Cow<'a, str>, DecodeError> {
        let offset = mb_u_int32(&mut self.r, "literal name")?;
        let name = from_table(self.strings, self.charset, offset, at)?;
        if name.is_empty() {
            return Err(DecodeError::invalid("literal name", at, "empty"));
        }
        Ok(name)
    }

    fn count_node(&mut self, at: usize) -> Result<(), DecodeError> {
        count(&mut self.nodes, 1, MAX_NODES, "parts of the document", at)
    }

    fn count_text(&mut self, length: usize, at: usize) -> Result<(), DecodeError> {
        count(&mut self.text, length, self.max_text, "text of the document", at)
    }
}

/// Whether attributes are those of an element, or of a processing instruction.
#[derive(Clone, Copy)]
enum Attributes {
    Kept,
    Skipped,
}

enum Piece<'a> {
    Text(Cow<'a, str>),
    Opaque(&'a [u8]),
}
