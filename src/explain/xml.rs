//! XML documents, piece by piece, each with its line and column: provisioning documents, SyncML messages, and the management
//! objects (TNDS) that stand in them as CDATA.
//!
//! The walk goes on behind what is not well-formed, where it can; then the decoder is asked, which reads only what is right.

mod element;
mod markup;
mod root;

use crate::wire::{
    Syntax,
    pap::{Pap, Strictness},
    prov::ProvDoc,
    syncml::Message,
    tnds::MgmtTree,
    xml,
};

pub(super) use self::{
    element::Attribute,
    root::{Root, is_sound, root},
};
use self::{
    element::{Open, close},
    markup::{ends_at, is_blank, quoted, unescaped},
};
use super::{
    explanation::Place,
    pap,
    scribe::{MAX_DEPTH, Mark, Scribe, Stopped},
    secret::is_secret,
};

const XML: &str = "XML 1.0";
const ELEMENT: &str = "XML 1.0, 3.1";
const TEXT: &str = "XML 1.0, 2.4";
const CDATA: &str = "XML 1.0, 2.7";
/// The deepest nesting of documents in CDATA.
const MAX_NESTED: usize = 3;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A document that ends where the group does. `expected` is what it should be.
pub(super) fn explain(w: &mut Scribe<'_>, expected: Option<Root>) -> Result<(), Stopped> {
    let base = w.position();
    let other = expected.filter(|expected| root(w.rest()) != Some(*expected));
    let is_pap = root(w.rest()) == Some(Root::Pap);
    let mut walk = Walk { places: Places { at: base, line: 1, column: 1 }, nested: 0, other, is_pap };
    walk.document(w)
}

/// Lines and columns, counted on from the piece before.
struct Places {
    at: usize,
    line: usize,
    column: usize,
}

impl Places {
    /// The place of an octet, which stands behind the one asked for before.
    fn of(&mut self, octets: &[u8], at: usize) -> Place {
        for octet in octets.get(self.at..at).unwrap_or_default() {
            match octet {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // All but the first octet of a character.
                0x80..=0xBF => {}
                _ => self.column += 1,
            }
        }
        self.at = at;
        Place { line: self.line, column: self.column }
    }
}

struct Walk {
    places: Places,
    nested: usize,
    /// What the root should be and is not.
    other: Option<Root>,
    /// Whether elements and attributes are those of PAP.
    is_pap: bool,
}

impl Walk {
    fn document(&mut self, w: &mut Scribe<'_>) -> Result<(), Stopped> {
        let (base, octets) = (w.position(), w.rest());
        if octets.starts_with(BYTE_ORDER_MARK) {
            w.take(BYTE_ORDER_MARK.len(), "byte order mark", XML)?;
            w.says("UTF-8");
        }
        let mut open: Vec<Open> = Vec::new();
        let done = self.pieces(w, &mut open);
        if done.is_ok()
            && let Some(element) = open.last()
        {
            w.judge(element.mark, super::Problem::wrong(format!("</{}> is missing", element.full)));
        }
        // What was left open ends here, and what stands in it may be a secret all the same.
        while let Some(element) = open.pop() {
            close(w, element, open.last_mut());
        }
        match root(octets) {
            Some(Root::Prov) => w.cross_check(base, ProvDoc::decode(Syntax::Xml, octets)),
            Some(Root::SyncMl) => w.cross_check(base, Message::decode(Syntax::Xml, octets)),
            Some(Root::Pap) => w.cross_check(base, Pap::decode(octets, Strictness::Strict)),
            _ if octets.windows(9).any(|window| window == b"<MgmtTree") => {
                w.cross_check(base, MgmtTree::decode(Syntax::Xml, octets));
            }
            _ => w.cross_check(base, xml::parse(octets)),
        }
        done
    }

    fn pieces(&mut self, w: &mut Scribe<'_>, open: &mut Vec<Open>) -> Result<(), Stopped> {
        let mut rooted = false;
        while !w.is_empty() {
            let rest = w.rest();
            match rest {
                [b'<', b'?', ..] => {
                    let name = if rest.starts_with(b"<?xml ") {
                        "XML declaration"
                    } else {
                        "processing instruction"
                    };
                    self.piece(w, ends_at(rest, b"?>"), name, XML)?;
                }
                [b'<', b'!', b'-', b'-', ..] => {
                    self.piece(w, ends_at(rest, b"-->"), "comment", "XML 1.0, 2.5")?;
                }
                _ if rest.starts_with(b"<![CDATA[") => self.cdata(w, open)?,
                [b'<', b'!', ..] => {
                    let end = markup::declaration_ends_at(rest);
                    let text = self.piece(w, end, "document type", "XML 1.0, 2.8")?;
                    // That of PAP may say in itself which versions are spoken (WAP-247-PAP, section 8.1); it defines nothing.
                    let says_versions =
                        self.is_pap && !text.get(2..).unwrap_or_default().windows(2).any(|t| t == b"<!");
                    if text.contains(&b'[') && !says_versions {
                        w.wrong("a document type that defines something is not accepted");
                        return Err(Stopped);
                    }
                }
                [b'<', b'/', ..] => self.end_tag(w, open)?,
                [b'<', ..] => {
                    let second = rooted && open.is_empty();
                    self.start_tag(w, open)?;
                    if second {
                        w.wrong("a second root element");
                    }
                    if let Some(expected) = self.other.take().filter(|_| !rooted) {
                        w.wrong(format!("expected the root {}", expected.tag()));
                    }
                    rooted = true;
                }
                _ => self.text(w, open)?,
            }
        }
        if !rooted {
            w.wrong("no element");
        }
        Ok(())
    }

    /// The next `length` octets.
    fn take<'a>(
        &mut self,
        w: &mut Scribe<'a>,
        length: usize,
        name: impl Into<std::borrow::Cow<'static, str>>,
        clause: &'static str,
    ) -> Result<&'a [u8], Stopped> {
        let (mark, place) = (w.next(), self.places.of(w.octets(), w.position()));
        let taken = w.take(length, name, clause);
        w.place(mark, place);
        taken
    }

    /// Markup of that length, with the white space behind it.
    fn piece<'a>(
        &mut self,
        w: &mut Scribe<'a>,
        length: Option<usize>,
        name: &'static str,
        clause: &'static str,
    ) -> Result<&'a [u8], Stopped> {
        let rest = w.rest();
        let Some(length) = length else {
            return self.endless(w, name, clause);
        };
        let taken = self.take(w, markup::with_blanks(rest, length), name, clause)?;
        let text = taken.get(..length).unwrap_or(taken);
        let said = String::from_utf8_lossy(text).into_owned();
        let secret = is_secret(&said);
        w.says(said);
        if secret {
            // A comment, too, may hold what was once an element.
            let mark = w.last();
            w.hide(mark);
        }
        Ok(text)
    }

    fn endless<'a>(
        &mut self,
        w: &mut Scribe<'a>,
        name: &'static str,
        clause: &'static str,
    ) -> Result<&'a [u8], Stopped> {
        let length = w.rest().len();
        self.take(w, length, name, clause)?;
        let mark = w.last();
        w.hide_octets(mark);
        w.wrong("it does not end");
        Err(Stopped)
    }

    fn start_tag(&mut self, w: &mut Scribe<'_>, open: &mut Vec<Open>) -> Result<(), Stopped> {
        let rest = w.rest();
        if w.depth() >= MAX_DEPTH {
            w.octet("element", ELEMENT)?;
            w.wrong("nested too deeply");
            return Err(Stopped);
        }
        let Some(length) = markup::tag_ends_at(rest) else {
            return self.endless(w, "start tag", ELEMENT).map(|_| ());
        };
        let tag = rest.get(..length).unwrap_or(rest);
        let inner = tag.strip_suffix(b">").unwrap_or(tag);
        let (inner, is_empty) = inner.strip_suffix(b"/").map_or((inner, false), |inner| (inner, true));
        let name = markup::name(inner.get(1..).unwrap_or_default());
        let full = String::from_utf8_lossy(name).into_owned();
        let depth = w.depth();
        let at = self.places.of(w.octets(), w.position());
        let mark = w.begin(format!("<{full}>"), ELEMENT);
        w.place(mark, at);
        let element = Open::new(full, mark, depth);
        let (mut used, mut list) = (1 + name.len(), Vec::new());
        if name.is_empty() {
            w.judge(mark, super::Problem::wrong("expected the name of an element behind <"));
        }
        let behind = inner.get(used..).unwrap_or_default();
        if behind.iter().all(|o| is_blank(*o)) {
            self.take(w, markup::with_blanks(rest, length), "start tag", ELEMENT)?;
        } else {
            self.take(w, used, "start tag", ELEMENT)?;
            self.attributes(w, behind, &mut list)?;
            used += list.iter().map(|a: &Attribute| a.length).sum::<usize>();
            let left = markup::with_blanks(rest, length).saturating_sub(used);
            self.take(w, left, "end of the start tag", ELEMENT)?;
        }
        element::summary(w, mark, &list);
        if self.is_pap {
            pap::element(w, &element.full, mark, &list);
        }
        element::demand(w, &element, &list);
        if is_empty {
            close(w, element, open.last_mut());
        } else {
            open.push(element);
        }
        Ok(())
    }

    /// The attributes in a tag, from behind its name on.
    fn attributes(
        &mut self,
        w: &mut Scribe<'_>,
        mut behind: &[u8],
        list: &mut Vec<Attribute>,
    ) -> Result<(), Stopped> {
        while !behind.iter().all(|o| is_blank(*o)) {
            let (length, read) = markup::attribute(behind);
            self.take(w, length, "attribute", ELEMENT)?;
            let mark = w.last();
            let (name, value) = match read {
                Some((name, value)) => (String::from_utf8_lossy(name).into_owned(), unescaped(value)),
                None => {
                    w.hide_octets(mark);
                    w.wrong("expected name=\"value\"");
                    (String::new(), None)
                }
            };
            if let Some(value) = &value {
                w.says(format!("{name}={}", quoted(value)));
            } else if read.is_some() {
                w.hide_octets(mark);
                w.wrong("a reference that is none of amp, lt, gt, apos, quot and no character");
            }
            // One that cannot be read has no name: nobody can say then whether the value beside it is a secret.
            let name = if value.is_some() || name != "name" { name } else { String::new() };
            list.push(Attribute { name, value: value.unwrap_or_default(), mark, length });
            behind = behind.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    fn end_tag(&mut self, w: &mut Scribe<'_>, open: &mut Vec<Open>) -> Result<(), Stopped> {
        let rest = w.rest();
        let Some(length) = ends_at(rest, b">") else {
            return self.endless(w, "end tag", ELEMENT).map(|_| ());
        };
        let name = rest.get(2..length - 1).unwrap_or_default().trim_ascii();
        let name = String::from_utf8_lossy(name).into_owned();
        self.take(w, markup::with_blanks(rest, length), format!("end of <{name}>"), ELEMENT)?;
        let Some(at) = open.iter().rposition(|element| element.full == name) else {
            w.wrong(match open.last() {
                Some(element) => format!("expected </{}>", element.full),
                None => "nothing is open that could end here".to_owned(),
            });
            return Ok(());
        };
        if let Some(element) = open.last().filter(|_| at + 1 < open.len()) {
            w.wrong(format!("expected </{}> before it", element.full));
        }
        while open.len() > at {
            let Some(element) = open.pop() else { break };
            close(w, element, open.last_mut());
        }
        Ok(())
    }

    fn text(&mut self, w: &mut Scribe<'_>, open: &mut [Open]) -> Result<(), Stopped> {
        let rest = w.rest();
        let length = rest.iter().position(|o| *o == b'<').unwrap_or(rest.len());
        let raw = rest.get(..length).unwrap_or(rest);
        if raw.iter().all(|o| is_blank(*o)) {
            return self.take(w, length, "white space", TEXT).map(|_| ());
        }
        self.take(w, length, "text", TEXT)?;
        let mark = w.last();
        match unescaped(raw) {
            Some(text) => {
                w.says(quoted(&text));
                self.keep(w, open, mark, &text);
            }
            None => {
                w.hide_octets(mark);
                w.wrong("a reference that is none of amp, lt, gt, apos, quot and no character");
            }
        }
        Ok(())
    }

    /// Text belongs to the element that is open.
    fn keep(&self, w: &mut Scribe<'_>, open: &mut [Open], mark: Mark, text: &str) {
        match open.last_mut() {
            Some(element) => element.add(mark, text),
            None => {
                w.hide(mark);
                w.wrong("text outside the root element");
            }
        }
    }

    fn cdata(&mut self, w: &mut Scribe<'_>, open: &mut [Open]) -> Result<(), Stopped> {
        const BEGIN: &[u8] = b"<![CDATA[";
        const END: &[u8] = b"]]>";
        let rest = w.rest();
        let Some(length) = ends_at(rest, END) else {
            return self.endless(w, "CDATA", CDATA).map(|_| ());
        };
        let all = markup::with_blanks(rest, length);
        let inner = rest.get(BEGIN.len()..length - END.len()).unwrap_or_default();
        if self.nested < MAX_NESTED && root(inner).is_some() {
            self.take(w, BEGIN.len(), "CDATA", CDATA)?;
            self.nested += 1;
            w.region(inner.len(), "document in the text", CDATA, |w| self.document(w));
            self.nested -= 1;
            return self.take(w, all - BEGIN.len() - inner.len(), "end of CDATA", CDATA).map(|_| ());
        }
        self.take(w, all, "CDATA", CDATA)?;
        let (mark, text) = (w.last(), String::from_utf8_lossy(inner));
        w.says(quoted(&text));
        self.keep(w, open, mark, &text);
        Ok(())
    }
}
