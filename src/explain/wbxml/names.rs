//! What the tokens of a document type stand for: those that [`crate::wire::wbxml`] decodes, and service indications and
//! loadings, which are explained only.
//!
//! The tables of the latter two (WAP-167 section 8.3, WAP-168 section 9.3) are those of several public implementations; the
//! texts were not at hand. Messages from the field agree with them.

use crate::wire::{
    infoset::Vocabulary,
    wbxml::{PublicId, Tokens},
};

/// The names of one document type.
#[derive(Clone, Copy)]
pub(super) enum Names {
    /// A type that is decoded as well.
    Decoded(Tokens),
    /// A type that is explained only.
    Explained(&'static Indication),
}

/// Tokens of a document type with one page of each sort.
pub(super) struct Indication {
    tags: &'static [&'static str],
    starts: &'static [(&'static str, &'static str)],
    /// Attributes whose octets are a time in packed digits.
    times: &'static [&'static str],
}

/// Tags and attribute starts count from here.
const FIRST: u8 = 0x05;
/// Attribute values count from here, the same in both types.
const FIRST_VALUE: u8 = 0x85;
const VALUES: [&str; 4] = [".com/", ".edu/", ".net/", ".org/"];

static SI: Indication = Indication {
    tags: &["si", "indication", "info", "item"],
    starts: &[
        ("action", "signal-none"),
        ("action", "signal-low"),
        ("action", "signal-medium"),
        ("action", "signal-high"),
        ("action", "delete"),
        ("created", ""),
        ("href", ""),
        ("href", "http://"),
        ("href", "http://www."),
        ("href", "https://"),
        ("href", "https://www."),
        ("si-expires", ""),
        ("si-id", ""),
        ("class", ""),
    ],
    times: &["created", "si-expires"],
};

static SL: Indication = Indication {
    tags: &["sl"],
    starts: &[
        ("action", "execute-low"),
        ("action", "execute-high"),
        ("action", "cache"),
        ("href", ""),
        ("href", "http://"),
        ("href", "http://www."),
        ("href", "https://"),
        ("href", "https://www."),
    ],
    times: &[],
};

impl Names {
    /// The names of the type that a public identifier tells, or of `expected` where it tells nothing.
    pub(super) fn of(public_id: &PublicId, expected: Option<Vocabulary>) -> Option<Self> {
        if let Some(tokens) = Tokens::of(public_id, expected) {
            return Some(Self::Decoded(tokens));
        }
        let table = match public_id {
            PublicId::Number(0x05) => &SI,
            PublicId::Number(0x06) => &SL,
            PublicId::Text(text) if text.trim().starts_with("-//WAPFORUM//DTD SI 1.") => &SI,
            PublicId::Text(text) if text.trim().starts_with("-//WAPFORUM//DTD SL 1.") => &SL,
            PublicId::Number(_) | PublicId::Text(_) => return None,
        };
        Some(Self::Explained(table))
    }

    /// Whether documents of this type are decoded too.
    pub(super) fn is_decoded(self) -> bool {
        matches!(self, Self::Decoded(_))
    }

    /// True when documents of this type are made of these names.
    pub(super) fn has(self, vocabulary: Vocabulary) -> bool {
        matches!(self, Self::Decoded(tokens) if tokens.has(vocabulary))
    }

    /// The name of the element behind a tag token.
    pub(super) fn tag(self, page: u8, token: u8) -> Option<&'static str> {
        match self {
            Self::Decoded(tokens) => tokens.tag(page, token),
            Self::Explained(table) => place(page, token, FIRST).and_then(|at| table.tags.get(at)).copied(),
        }
    }

    /// The name behind an attribute start token, and the beginning of the value that goes with it.
    pub(super) fn attribute_start(self, page: u8, token: u8) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Decoded(tokens) => tokens.attribute_start(page, token),
            Self::Explained(table) => place(page, token, FIRST).and_then(|at| table.starts.get(at)).copied(),
        }
    }

    /// The text behind an attribute value token.
    pub(super) fn attribute_value(self, page: u8, token: u8) -> Option<&'static str> {
        match self {
            Self::Decoded(tokens) => tokens.attribute_value(page, token),
            Self::Explained(_) => place(page, token, FIRST_VALUE).and_then(|at| VALUES.get(at)).copied(),
        }
    }

    /// Whether octets that are the value of this attribute are a time.
    pub(super) fn is_time(self, attribute: &str) -> bool {
        matches!(self, Self::Explained(table) if table.times.contains(&attribute))
    }
}

fn place(page: u8, token: u8, first: u8) -> Option<usize> {
    if page == 0 { token.checked_sub(first).map(usize::from) } else { None }
}

/// A time in packed digits, year first, zeros at its end left out (WAP-167, section 8.2.2): as XML has it, or why it is
/// none.
pub(super) fn time(octets: &[u8]) -> Result<String, &'static str> {
    if !(4..=7).contains(&octets.len()) {
        return Err(
            "a time has 4 to 7 octets: year, month, day, and what is not zero of hour, minute and second",
        );
    }
    if octets.iter().any(|o| o >> 4 > 9 || o & 0x0F > 9) {
        return Err("each half octet of a time is a digit");
    }
    let digits: String = octets.iter().map(|o| format!("{o:02X}")).collect();
    let digits = format!("{digits:0<14}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Ok(format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
}
