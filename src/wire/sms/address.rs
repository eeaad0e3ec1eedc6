//! Addresses (3GPP TS 23.040, section 9.1.2.5).

use std::fmt;

use crate::{
    ident::Msisdn,
    wire::{DecodeError, Encode, Reader},
};

use super::alphabet::{pack, septets_of, text_of, unpack};

/// The most digits of an address.
const MAX_DIGITS: usize = 20;
/// The most septets of an address in letters.
const MAX_SEPTETS: usize = 11;
/// The digits of semi-octets 0 to C.
const DIGITS: [char; 13] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'a'];
const FILLER: u8 = 0x0F;

/// Type of number and numbering plan, as the octet that it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeOfAddress(pub u8);

impl TypeOfAddress {
    /// 81: unknown type, telephone numbering plan.
    pub const UNKNOWN: Self = Self(0x81);
    /// 91: international, telephone numbering plan.
    pub const INTERNATIONAL: Self = Self(0x91);
    /// D0: letters in the default alphabet.
    pub const ALPHANUMERIC: Self = Self(0xD0);

    /// Type of number, 0 to 7.
    pub fn ton(self) -> u8 {
        self.0 >> 4 & 0x07
    }

    /// Numbering plan, 0 to 15.
    pub fn npi(self) -> u8 {
        self.0 & 0x0F
    }

    /// True for letters.
    pub fn is_alphanumeric(self) -> bool {
        self.ton() == 5
    }
}

impl fmt::Display for TypeOfAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ton = match self.ton() {
            0 => "unknown",
            1 => "international",
            2 => "national",
            3 => "network specific",
            4 => "subscriber",
            5 => "alphanumeric",
            6 => "abbreviated",
            _ => "reserved",
        };
        match self.npi() {
            0 => f.write_str(ton),
            1 => write!(f, "{ton}, telephone plan (E.164)"),
            3 => write!(f, "{ton}, data plan (X.121)"),
            4 => write!(f, "{ton}, telex plan"),
            8 => write!(f, "{ton}, national plan"),
            9 => write!(f, "{ton}, private plan"),
            10 => write!(f, "{ton}, ERMES plan"),
            npi => write!(f, "{ton}, numbering plan {npi}"),
        }
    }
}

impl fmt::Debug for TypeOfAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

/// An address. `Debug` shows its type and its last two digits: it may be a subscriber's number.
///
/// | octet | field                                                          |
/// |-------|----------------------------------------------------------------|
/// | 0     | number of semi-octets that are used                            |
/// | 1     | type of number, numbering plan                                 |
/// | 2..   | digits, the earlier in the low half; an odd number ends in F   |
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    kind: TypeOfAddress,
    value: AddressValue,
}

/// What an address consists of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum AddressValue {
    /// Digits, `*`, `#`, and `a`, `b`, `c`.
    Digits(String),
    /// Septets of the default alphabet.
    Letters(Vec<u8>),
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Too long.
    #[error("the address has {got} characters; at most {limit} fit")]
    Length {
        /// How many it has.
        got: usize,
        /// How many fit.
        limit: usize,
    },
    /// A character that has no code.
    #[error(
        "character {at} of the address has no code in an address; expected digits, * # a b c, or letters of the default alphabet"
    )]
    Character {
        /// Which, from 1.
        at: usize,
    },
}

impl Address {
    /// A subscriber's number in international form.
    pub fn international(number: &Msisdn) -> Self {
        // At most 15 digits, so it is an address.
        Self { kind: TypeOfAddress::INTERNATIONAL, value: AddressValue::Digits(number.digits().to_owned()) }
    }

    /// An address of a type: letters where the type says so, else digits.
    ///
    /// # Errors
    /// [`AddressError`] when it is too long or has a character that cannot stand in it.
    pub fn new(kind: TypeOfAddress, text: &str) -> Result<Self, AddressError> {
        let got = text.chars().count();
        let limit = if kind.is_alphanumeric() { MAX_SEPTETS } else { MAX_DIGITS };
        if got > limit {
            return Err(AddressError::Length { got, limit });
        }
        let value = if kind.is_alphanumeric() {
            let bad =
                || text.chars().position(|c| septets_of(&c.to_string()).is_none()).map_or(1, |at| at + 1);
            AddressValue::Letters(septets_of(text).ok_or_else(|| AddressError::Character { at: bad() })?)
        } else {
            match text.chars().position(|c| nibble_of(c).is_none()) {
                Some(at) => return Err(AddressError::Character { at: at + 1 }),
                None => AddressValue::Digits(text.to_owned()),
            }
        };
        Ok(Self { kind, value })
    }

    /// Its type.
    pub fn kind(&self) -> TypeOfAddress {
        self.kind
    }

    /// The digits or letters. Keep a subscriber's number out of logs.
    pub fn text(&self) -> String {
        match &self.value {
            AddressValue::Digits(digits) => digits.clone(),
            AddressValue::Letters(septets) => text_of(septets),
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = r.position();
        let used = usize::from(r.u8(what)?);
        if used > MAX_DIGITS {
            return Err(DecodeError::Limit { what, at, got: used, limit: MAX_DIGITS });
        }
        let kind = TypeOfAddress(r.u8(what)?);
        let at = r.position();
        let octets = r.take(what, used.div_ceil(2))?;
        let value = if kind.is_alphanumeric() {
            AddressValue::Letters(unpack(octets, 0, used * 4 / 7))
        } else {
            AddressValue::Digits(digits(octets, used, what, at)?)
        };
        Ok(Self { kind, value })
    }

    /// As the service centre's address has it: its length counts octets, the type among them.
    pub(super) fn decode_counted(
        r: &mut Reader<'_>,
        what: &'static str,
    ) -> Result<Option<Self>, DecodeError> {
        let at = r.position();
        let length = usize::from(r.u8(what)?);
        let limit = 1 + MAX_DIGITS / 2;
        if length > limit {
            return Err(DecodeError::Limit { what, at, got: length, limit });
        }
        if length == 0 {
            return Ok(None);
        }
        let kind = TypeOfAddress(r.u8(what)?);
        let at = r.position();
        let octets = r.take(what, length - 1)?;
        let odd = octets.last().is_some_and(|last| last >> 4 == FILLER);
        let digits = digits(octets, 2 * octets.len() - usize::from(odd), what, at)?;
        Ok(Some(Self { kind, value: AddressValue::Digits(digits) }))
    }

    pub(super) fn encode_counted(&self, out: &mut Vec<u8>) {
        let octets = self.octets();
        // At most 10 octets.
        out.extend_from_slice(&[u8::try_from(1 + octets.len()).unwrap_or(u8::MAX), self.kind.0]);
        out.extend_from_slice(&octets);
    }

    fn octets(&self) -> Vec<u8> {
        match &self.value {
            AddressValue::Letters(septets) => pack(septets, 0),
            AddressValue::Digits(digits) => {
                let nibbles: Vec<u8> = digits.chars().filter_map(nibble_of).collect();
                nibbles
                    .chunks(2)
                    .map(|pair| {
                        pair.first().copied().unwrap_or(FILLER) | pair.get(1).copied().unwrap_or(FILLER) << 4
                    })
                    .collect()
            }
        }
    }
}

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        let used = match &self.value {
            AddressValue::Digits(digits) => digits.len(),
            AddressValue::Letters(septets) => (7 * septets.len()).div_ceil(4),
        };
        // At most 20.
        out.extend_from_slice(&[u8::try_from(used).unwrap_or(u8::MAX), self.kind.0]);
        out.extend_from_slice(&self.octets());
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            AddressValue::Letters(septets) => write!(f, "Address({:?}, {})", self.kind, text_of(septets)),
            AddressValue::Digits(digits) => {
                let end = digits.get(digits.len().saturating_sub(2)..).unwrap_or("");
                write!(f, "Address({:?}, …{end})", self.kind)
            }
        }
    }
}

/// The first `used` semi-octets as digits.
fn digits(octets: &[u8], used: usize, what: &'static str, at: usize) -> Result<String, DecodeError> {
    let nibbles = octets.iter().flat_map(|o| [o & 0x0F, o >> 4]).take(used).enumerate();
    nibbles
        .map(|(place, nibble)| {
            digit_of(nibble).ok_or_else(|| {
                DecodeError::invalid(what, at + place / 2, format!("half octet {nibble:X} is no digit"))
            })
        })
        .collect()
}

fn digit_of(nibble: u8) -> Option<char> {
    match nibble {
        0x0D => Some('b'),
        0x0E => Some('c'),
        nibble => DIGITS.get(usize::from(nibble)).copied(),
    }
}

fn nibble_of(digit: char) -> Option<u8> {
    match digit {
        'b' => Some(0x0D),
        'c' => Some(0x0E),
        digit => DIGITS.iter().position(|own| *own == digit).and_then(|at| u8::try_from(at).ok()),
    }
}
