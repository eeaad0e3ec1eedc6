//! Header fields behind the content type (WAP-230, section 8.4.1).

use crate::wire::{DecodeError, Encode, Reader};

use super::{
    registry::FieldCode,
    value::{Token, Value},
};

/// The most header fields of one PDU.
pub const MAX_FIELDS: usize = 64;

const SHIFT: u8 = 0x7F;

/// A header field, or the switch to another code page of them.
///
/// | first octet | field                                                      |
/// |-------------|------------------------------------------------------------|
/// | 01 to 1F    | switch to this code page                                   |
/// | 20 to 7E    | a field by name: text up to a NUL, then its value           |
/// | 7F          | switch to the code page in the next octet                  |
/// | 80 to FF    | a field by number, then its value                          |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// A field by number.
    Known {
        /// Its number. What it means depends on the code page in force; without a switch that is page 1.
        code: FieldCode,
        /// Its value.
        value: Value,
    },
    /// A field by name.
    Named {
        /// Its name.
        name: Token,
        /// Its value.
        value: Value,
    },
    /// From here on numbers are of this code page.
    Page(u8),
}

impl Field {
    /// A field by number.
    pub fn known(code: FieldCode, value: Value) -> Self {
        Self::Known { code, value }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.position();
        match r.peek() {
            Some(0x00) => Err(DecodeError::invalid("header field", at, "00 begins no header field")),
            Some(0x20..SHIFT) => Ok(Self::Named {
                name: Token::decode(r, "header field name")?,
                value: Value::decode(r, "header field value")?,
            }),
            _ => match r.u8("header field")? {
                SHIFT => Ok(Self::Page(r.u8("header code page")?)),
                page @ 0x00..=0x7F => Ok(Self::Page(page)),
                octet => match FieldCode::new(octet & 0x7F) {
                    Some(code) => Ok(Self::Known { code, value: Value::decode(r, "header field value")? }),
                    None => Err(DecodeError::invalid("header field", at, "no field number")),
                },
            },
        }
    }
}

impl Encode for Field {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Known { code, value } => {
                out.push(code.number() | 0x80);
                value.encode(out);
            }
            Self::Named { name, value } => {
                name.encode(out);
                value.encode(out);
            }
            Self::Page(page @ 0x01..=0x1F) => out.push(*page),
            Self::Page(page) => out.extend_from_slice(&[SHIFT, *page]),
        }
    }
}
