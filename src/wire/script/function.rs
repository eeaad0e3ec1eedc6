//! The functions of the superset. Each takes and gives values of a type; nothing is converted in silence.

use super::Type;

/// A function.
///
/// | function              | takes                       | gives                                             |
/// |-----------------------|-----------------------------|---------------------------------------------------|
/// | `bcd-swap(digits)`    | digits                      | octets: nibbles swapped, F behind an odd digit    |
/// | `bcd-unswap(octets)`  | octets                      | digits: the reverse                               |
/// | `luhn(digits)`        | digits                      | the digits and their check digit                  |
/// | `ascii(digits)`       | digits                      | octets: a character for each digit                |
/// | `tlv(tag, octets)`    | a tag in hex, octets        | octets: tag, length, value                        |
/// | `lv(octets)`          | octets, 255 at most         | octets: one octet of length, then they            |
/// | `len(octets)`         | octets, 255 at most         | one octet: how many                               |
/// | `pad(octets, n)`, `pad(octets, n, FF)` | octets     | octets: filled up to n                            |
/// | `slice(octets, from, n)` | octets, counted from 0   | n octets of them                                  |
/// | `value(octets, tag)`  | BER-TLV objects             | octets: the value of the first with that tag      |
/// | `path(path)`          | a path from the MF          | octets: its identifiers without 3F00              |
/// | `fid(path)`           | a path                      | octets: its last identifier                       |
/// | `parent(path)`        | a path                      | the path of its directory                         |
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
