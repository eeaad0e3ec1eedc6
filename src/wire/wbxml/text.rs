//! Character sets and the string table, and what is counted and refused on the way (WAP-192 WBXML 1.3, sections 5.6 and 6.4).

use std::borrow::Cow;

use super::global::mb_u_int32;
use crate::wire::{DecodeError, Reader};

/// A character set, as far as it is read. Everything is written in UTF-8.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    Utf8,
    Latin1,
}

impl Charset {
    /// Reads the MIBenum in the head of a document.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.position();
        match mb_u_int32(r, "character set")? {
            // 0 is "unknown"; UTF-8 is the default of every vocabulary here. US-ASCII is a part of it.
            0 | 3 | 106 => Ok(Self::Utf8),
            4 => Ok(Self::Latin1),
            other => {
                let why = format!("MIBenum {other}; expected 106 (UTF-8), 3 (US-ASCII) or 4 (ISO-8859-1)");
                Err(DecodeError::invalid("character set", at, why))
            }
        }
    }
}

/// The string at `offset` of the string table: up to a NUL, or to the end of the table, where many encoders leave
/// the NUL out.
pub(super) fn from_table(
    strings: &[u8],
    charset: Charset,
    offset: u32,
    at: usize,
) -> Result<Cow<'_, str>, DecodeError> {
    match strings.get(usize_of(offset)..) {
        Some(rest) if !rest.is_empty() => {
            let text = rest.split(|b| *b == 0).next().unwrap_or(rest);
            decode_text(text, charset, at)
        }
        _ => {
            let why = format!("offset {offset} is outside the string table of {} octets", strings.len());
            Err(DecodeError::invalid("string-table reference", at, why))
        }
    }
}

pub(super) fn decode_text(octets: &[u8], charset: Charset, at: usize) -> Result<Cow<'_, str>, DecodeError> {
    match charset {
        Charset::Utf8 => match std::str::from_utf8(octets) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(e) => Err(DecodeError::invalid("text", at.saturating_add(e.valid_up_to()), "not UTF-8")),
        },
        Charset::Latin1 => Ok(Cow::Owned(octets.iter().map(|b| char::from(*b)).collect())),
    }
}

/// A length that no memory has is over every limit as well.
pub(super) fn usize_of(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

pub(super) fn shorten(text: &str) -> &str {
    text.char_indices().nth(64).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Adds to a value, which stays borrowed while it has one piece.
pub(super) fn join<'a>(value: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if value.is_empty() {
        *value = more;
    } else if !more.is_empty() {
        value.to_mut().push_str(&more);
    }
}

/// Counts something that has a limit.
pub(super) fn count(
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

/// The refusal of an extension token.
pub(super) fn extension(token: u8, at: usize) -> DecodeError {
    DecodeError::invalid(
        "token",
        at,
        format!("{token:02X} is an extension that no document type here defines"),
    )
}
