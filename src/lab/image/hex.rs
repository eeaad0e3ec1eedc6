//! Octets in a card image: hexadecimal digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Octets that are written as hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hex(pub Vec<u8>);

/// A text is not an even number of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("octets are written as an even number of hexadecimal digits")]
pub struct HexError;

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} octets]", self.0.len())
    }
}

impl FromStr for Hex {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(HexError);
        let (pairs, odd) = text.as_bytes().as_chunks::<2>();
        if !odd.is_empty() {
            return Err(HexError);
        }
        pairs
            .iter()
            .map(|[high, low]| Ok(digit(*high)? << 4 | digit(*low)?))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'_, str>>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A key reference, written as two hexadecimal digits.
pub(super) mod key_ref {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::Hex;
    use crate::wire::arr::KeyRef;

    pub(in crate::lab::image) fn serialize<S: Serializer>(key: &KeyRef, s: S) -> Result<S::Ok, S::Error> {
        Hex(vec![key.0]).serialize(s)
    }

    pub(in crate::lab::image) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<KeyRef, D::Error> {
        match Hex::deserialize(d)?.0.as_slice() {
            [octet] => Ok(KeyRef(*octet)),
            _ => Err(D::Error::custom("a key reference is one octet, as 0A")),
        }
    }
}
