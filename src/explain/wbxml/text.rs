//! What elements and attributes share: pieces of text, switches of code pages, and what is hidden.

use crate::explain::scribe::{Mark, Scribe, Stopped};

use super::{Head, quoted, string_at};

const PAGE: &str = "WAP-192 5.8.4.7.2";
const TEXT: &str = "WAP-192 5.8.4.1";
const ENTITY: &str = "WAP-192 5.8.4.3";
/// How much is shown of a string that stands in the string table.
const SHOWN: usize = 64;
/// How much text of an element or attribute is remembered.
const REMEMBERED: usize = 4096;

/// A piece of text: inline, from the string table, or a character by its number. The offset in the string table comes
/// with it.
pub(super) fn piece(w: &mut Scribe<'_>, head: &Head, name: &str) -> Result<(String, Option<u32>), Stopped> {
    match w.peek() {
        Some(0x83) => {
            // The token and its offset are one field.
            let rest = w.rest();
            let digits = rest.iter().skip(1).position(|o| o & 0x80 == 0).map_or(rest.len(), |last| last + 2);
            let octets = w.take(digits.max(2), format!("{name} from the string table"), TEXT)?;
            let offset =
                octets.iter().skip(1).fold(0u64, |sum, o| (sum << 7 | u64::from(o & 0x7F)) & 0xFFFF_FFFF);
            let offset = u32::try_from(offset).unwrap_or(u32::MAX);
            match string_at(head, offset) {
                Some(text) => {
                    // The table has it in full.
                    let shown: String = text.chars().take(SHOWN).collect();
                    w.says(format!("at {offset}: {}", quoted(&shown)));
                    hide_unknown(w, head);
                    Ok((text.into_owned(), Some(offset)))
                }
                None => {
                    w.wrong(format!("offset {offset} is outside the string table"));
                    Ok((String::new(), None))
                }
            }
        }
        Some(0x02) => {
            w.octet(format!("{name}, character by its number"), ENTITY)?;
            let code = w.uintvar("number of the character", ENTITY)?;
            let text = char::from_u32(code).map(String::from).unwrap_or_default();
            w.says(format!("{code:04X}: {}", quoted(&text)));
            Ok((text, None))
        }
        _ => {
            let rest = w.rest();
            let end = rest.iter().position(|o| *o == 0);
            let octets = w.take(end.map_or(rest.len(), |nul| nul + 1), format!("{name}, inline"), TEXT)?;
            let text = octets.get(1..).unwrap_or(&[]);
            let text = text.strip_suffix(&[0]).unwrap_or(text);
            let shown = String::from_utf8_lossy(text).into_owned();
            w.says(quoted(&shown));
            hide_unknown(w, head);
            if end.is_none() {
                w.wrong("the text has no NUL at its end");
                return Err(Stopped);
            }
            if std::str::from_utf8(text).is_err() {
                w.odd("not UTF-8");
            }
            Ok((shown, None))
        }
    }
}

/// Hides the last field where nothing is known of the document, so that nobody can say what is a secret in it.
pub(super) fn hide_unknown(w: &mut Scribe<'_>, head: &Head) {
    if head.unknown {
        let mark = w.last();
        w.hide(mark);
    }
}

/// Hides fields, and the strings that they refer to.
pub(super) fn hide(w: &mut Scribe<'_>, head: &Head, fields: &[Mark], references: &[u32]) {
    for mark in fields {
        w.hide(*mark);
    }
    for offset in references {
        let at = usize::try_from(*offset).unwrap_or(usize::MAX);
        w.hide_at(head.strings_at.saturating_add(at));
    }
}

pub(super) fn page(w: &mut Scribe<'_>, name: &'static str) -> Result<u8, Stopped> {
    let octets = w.take(2, name, PAGE)?;
    let page = octets.last().copied().unwrap_or(0);
    w.says(page.to_string());
    Ok(page)
}

/// Adds to a text that is remembered, as far as it matters: references to a string table can make far more text than there
/// are octets.
pub(super) fn append(text: &mut String, more: &str) {
    if text.len() < REMEMBERED {
        text.push_str(more);
    }
}
