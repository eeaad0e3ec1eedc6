//! Values of header fields and parameters (WAP-230, sections 8.4.1.2 and 8.4.2.1). The first octet tells the form:
//!
//! | first octet | value                                                                        |
//! |-------------|------------------------------------------------------------------------------|
//! | 00 to 1E    | so many octets follow                                                        |
//! | 1F          | a uintvar follows, and then so many octets                                   |
//! | 20 to 7F    | text up to a NUL; 7F is a quote in front of text that begins above 7F        |
//! | 80 to FF    | a number below 128, in this octet                                            |

use std::fmt;

use crate::wire::{DecodeError, Encode, Reader, uintvar};

/// The largest length that stands in one octet.
pub(super) const SHORT_LENGTH: u8 = 30;
/// The octet before a length that does not.
pub(super) const LENGTH_QUOTE: u8 = 0x1F;
const TEXT_QUOTE: u8 = 0x7F;

/// Text as WSP carries it: some octets, no NUL, the first of them neither a control character nor the quote. What
/// character set they are is not said; most are ASCII.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Vec<u8>);

/// Octets that WSP cannot carry as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a text that WSP carries: it must not be empty, hold a NUL or begin with a control character")]
pub struct TextError;

impl Text {
    /// A text.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, holds a NUL, or begins with a control character or DEL.
    pub fn new(text: impl Into<Vec<u8>>) -> Result<Self, TextError> {
        let octets = text.into();
        match octets.first().copied() {
            None | Some(0x00..=0x1F | TEXT_QUOTE) => Err(TextError),
            Some(_) if octets.contains(&0) => Err(TextError),
            Some(_) => Ok(Self(octets)),
        }
    }

    /// The digits of a check value: they are always a text.
    pub(super) fn of_mac(mac: &crate::wire::mac::Mac) -> Self {
        Self(mac.to_string().into_bytes())
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// It as UTF-8, when it is.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    pub(super) fn decode(r: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = r.position();
        let rest = r.rest();
        let Some(length) = rest.iter().position(|o| *o == 0) else {
            return Err(DecodeError::Truncated { what, at: at + rest.len(), needed: 1 });
        };
        let octets = r.take(what, length)?;
        r.u8(what)?;
        let octets = octets.strip_prefix(&[TEXT_QUOTE]).unwrap_or(octets);
        Self::new(octets).map_err(|e| DecodeError::invalid(what, at, e.to_string()))
    }
}

impl Encode for Text {
    fn encode(&self, out: &mut Vec<u8>) {
        if self.0.first().is_some_and(|o| *o >= 0x80) {
            out.push(TEXT_QUOTE);
        }
        out.extend_from_slice(&self.0);
        out.push(0);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A name: printable ASCII without blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(Text);

impl Token {
    /// A name.
    ///
    /// # Errors
    /// [`TextError`] when it is empty or has other characters.
    pub fn new(name: &str) -> Result<Self, TextError> {
        if name.bytes().all(|o| o.is_ascii_graphic()) { Text::new(name).map(Self) } else { Err(TextError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }

    pub(super) fn decode(r: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = r.position();
        let text = Text::decode(r, what)?;
        if text.octets().iter().all(u8::is_ascii_graphic) {
            return Ok(Self(text));
        }
        Err(DecodeError::invalid(what, at, "not printable ASCII"))
    }
}

impl Encode for Token {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

/// The value of a header field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value(Form);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    Short(u8),
    Text(Text),
    Octets(Vec<u8>),
}

impl Value {
    /// A number: in one octet when it is below 128, else behind its length.
    pub fn integer(number: u64) -> Self {
        match u8::try_from(number) {
            Ok(short @ 0..=0x7F) => Self(Form::Short(short)),
            _ => {
                let octets = number.to_be_bytes();
                Self(Form::Octets(octets.into_iter().skip_while(|o| *o == 0).collect()))
            }
        }
    }

    /// A text.
    pub fn text(text: Text) -> Self {
        Self(Form::Text(text))
    }

    /// Octets behind their length.
    pub fn octets(octets: Vec<u8>) -> Self {
        Self(Form::Octets(octets))
    }

    /// The number that it is, if it is one: an octet of 80 or more, or 1 to 8 octets behind their length.
    pub fn as_integer(&self) -> Option<u64> {
        match &self.0 {
            Form::Short(number) => Some(u64::from(*number)),
            Form::Octets(octets) if (1..=8).contains(&octets.len()) => {
                Some(octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
            }
            _ => None,
        }
    }

    /// The text that it is, if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match &self.0 {
            Form::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The octets behind a length, if it has that form.
    pub fn as_octets(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Octets(octets) => Some(octets),
            _ => None,
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        match r.peek() {
            Some(0x20..=0x7F) => Text::decode(r, what).map(Self::text),
            Some(0x80..) => Ok(Self(Form::Short(r.u8(what)? & 0x7F))),
            _ => Ok(Self(Form::Octets(take_counted(r, what)?.to_vec()))),
        }
    }
}

impl Encode for Value {
    fn encode(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Short(number) => out.push(number | 0x80),
            Form::Text(text) => text.encode(out),
            Form::Octets(octets) => {
                put_length(octets.len(), out);
                out.extend_from_slice(octets);
            }
        }
    }
}

/// Octets behind their length (8.4.2.2, Value-length).
pub(super) fn take_counted<'a>(r: &mut Reader<'a>, what: &'static str) -> Result<&'a [u8], DecodeError> {
    let at = r.position();
    let length = match r.u8(what)? {
        LENGTH_QUOTE => uintvar::read_length(r, what)?,
        short @ 0..=SHORT_LENGTH => usize::from(short),
        other => {
            let why = format!("{other:02X} is no length; expected 00 to 1F");
            return Err(DecodeError::invalid(what, at, why));
        }
    };
    r.take(what, length)
}

/// A length in the shortest form.
pub(super) fn put_length(length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short @ 0..=SHORT_LENGTH) => out.push(short),
        _ => {
            out.push(LENGTH_QUOTE);
            uintvar::write_length(length, out);
        }
    }
}

/// A number of up to four octets in either form (8.4.2.1, Integer-value). The caller has seen that none of the octets
/// 00 and 1F to 7F is next.
pub(super) fn take_integer(r: &mut Reader<'_>, what: &'static str) -> Result<u32, DecodeError> {
    let at = r.position();
    let number = Value::decode(r, what)?.as_integer().and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| DecodeError::invalid(what, at, "not a number of up to 32 bits"))
}

/// The same, written.
pub(super) fn put_integer(number: u32, out: &mut Vec<u8>) {
    Value::integer(u64::from(number)).encode(out);
}
