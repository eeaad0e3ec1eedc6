//! The functions of the superset. Each takes and gives values of a type; nothing is converted in silence.

use super::Type;

/// A function; [`Function::usage`] says how it is written and what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `bcd-swap`.
    BcdSwap,
    /// `bcd-unswap`.
    BcdUnswap,
    /// `luhn`.
    Luhn,
    /// `ascii`.
    Ascii,
    /// `tlv`.
    Tlv,
    /// `lv`.
    Lv,
    /// `len`.
    Len,
    /// `pad`.
    Pad,
    /// `slice`.
    Slice,
    /// `value`.
    Value,
    /// `path`.
    Path,
    /// `fid`.
    Fid,
    /// `parent`.
    Parent,
}

/// What a function takes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A value of that type.
    Value(Type),
    /// A decimal number.
    Number,
    /// An octet, or nothing at all.
    OptionalOctet,
    /// A tag.
    Tag,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::BcdSwap,
        Self::BcdUnswap,
        Self::Luhn,
        Self::Ascii,
        Self::Tlv,
        Self::Lv,
        Self::Len,
        Self::Pad,
        Self::Slice,
        Self::Value,
        Self::Path,
        Self::Fid,
        Self::Parent,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::BcdSwap => "bcd-swap",
            Self::BcdUnswap => "bcd-unswap",
            Self::Luhn => "luhn",
            Self::Ascii => "ascii",
            Self::Tlv => "tlv",
            Self::Lv => "lv",
            Self::Len => "len",
            Self::Pad => "pad",
            Self::Slice => "slice",
            Self::Value => "value",
            Self::Path => "path",
            Self::Fid => "fid",
            Self::Parent => "parent",
        }
    }

    /// How it is written, and what it gives.
    pub fn usage(self) -> (&'static str, &'static str) {
        match self {
            Self::BcdSwap => ("bcd-swap(digits)", "octets: nibbles swapped, F behind an odd digit"),
            Self::BcdUnswap => ("bcd-unswap(octets)", "digits: the reverse"),
            Self::Luhn => ("luhn(digits)", "the digits and their check digit"),
            Self::Ascii => ("ascii(digits)", "octets: a character for each digit"),
            Self::Tlv => ("tlv(tag, octets)", "octets: tag, length, value"),
            Self::Lv => ("lv(octets)", "octets: one octet of length, then they (255 at most)"),
            Self::Len => ("len(octets)", "one octet: how many (255 at most)"),
            Self::Pad => ("pad(octets, n[, FF])", "octets: filled up to n, with FF or the octet given"),
            Self::Slice => ("slice(octets, from, n)", "n octets of them, counted from 0"),
            Self::Value => {
                ("value(octets, tag)", "octets: the value of the first BER-TLV object with that tag")
            }
            Self::Path => ("path(path)", "octets: the identifiers of a path without 3F00"),
            Self::Fid => ("fid(path)", "octets: its last identifier"),
            Self::Parent => ("parent(path)", "the path of its directory"),
        }
    }

    /// The function of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(name))
    }

    /// What it takes.
    pub fn parameters(self) -> &'static [Parameter] {
        use Parameter::{Number, OptionalOctet, Tag, Value};
        match self {
            Self::BcdSwap | Self::Luhn | Self::Ascii => &[Value(Type::Digits)],
            Self::BcdUnswap | Self::Lv | Self::Len => &[Value(Type::Octets)],
            Self::Tlv => &[Tag, Value(Type::Octets)],
            Self::Pad => &[Value(Type::Octets), Number, OptionalOctet],
            Self::Slice => &[Value(Type::Octets), Number, Number],
            Self::Value => &[Value(Type::Octets), Tag],
            Self::Path | Self::Fid | Self::Parent => &[Value(Type::Path)],
        }
    }

    /// What it gives.
    pub fn gives(self) -> Type {
        match self {
            Self::BcdUnswap | Self::Luhn => Type::Digits,
            Self::Parent => Type::Path,
            _ => Type::Octets,
        }
    }
}
