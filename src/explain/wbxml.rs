//! WBXML documents, token by token (WAP-192, sections 5 and 7).

mod attribute;
mod element;
mod head;
mod names;
mod text;

use std::borrow::Cow;

use crate::wire::{
    infoset::Vocabulary,
    tlv,
    wbxml::{self, PublicId},
};

use self::names::Names;
use super::scribe::{Scribe, Stopped};

/// What ends elements and lists of attributes.
const END: &str = "WAP-192 5.8.4.7.1";
/// How much of a string in the string table is looked at.
const MAX_STRING: usize = 1024;

/// What the head of a document said.
#[derive(Clone)]
struct Head {
    names: Option<Names>,
    /// Nothing is known of documents of this type.
    unknown: bool,
    /// Its string table, and where that stands.
    strings: Vec<u8>,
    strings_at: usize,
    /// Code pages in force.
    tag_page: u8,
    attribute_page: u8,
}

/// A document that ends where the group does. `expected` is what it should be, where it does not say.
pub(super) fn explain(w: &mut Scribe<'_>, expected: Option<Vocabulary>) -> Result<(), Stopped> {
    document(w, expected, 0)
}

/// Whether octets begin as a document of any type.
pub(super) fn begins_document(octets: &[u8]) -> bool {
    matches!(
        octets,
        [1..=3, 0x01..=0x12, 0x6A | 0x03 | 0x04, ..]
            | [1..=3, 0xA4 | 0x9F, ..]
            | [1..=3, 0x00, 0x00, 0x6A, ..]
    )
}

fn document(w: &mut Scribe<'_>, expected: Option<Vocabulary>, nested: usize) -> Result<(), Stopped> {
    let base = w.position();
    // A file on a card is filled up with FF.
    let octets = tlv::strip_padding(w.rest());
    let (mut head, public_id) = head::explain(w, expected)?;
    let known = head.names.is_some_and(Names::is_decoded) && !head.unknown;
    let done = element::explain(w, &mut head, nested);
    // Of other document types the decoder has nothing to say.
    if known {
        match expected.filter(|_| public_id == PublicId::UNKNOWN) {
            Some(expected) => w.cross_check(base, wbxml::decode_expecting(octets, expected)),
            None => w.cross_check(base, wbxml::decode(octets)),
        }
    }
    done
}

/// The text at an offset of the string table, or the beginning of a long one.
fn string_at(head: &Head, offset: u32) -> Option<Cow<'_, str>> {
    let rest = head.strings.get(usize::try_from(offset).ok()?..).filter(|rest| !rest.is_empty())?;
    let rest = rest.get(..MAX_STRING).unwrap_or(rest);
    rest.split(|o| *o == 0).next().map(String::from_utf8_lossy)
}

/// Text in quotes.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}
