//! Path: where an object is, and which part of the file it is (PKCS#15 v1.1, section 6.1.5).

use std::{fmt, ops::Range};

use crate::wire::{DecodeError, fid::Path, tlv};

use super::asn1::Element;

/// A path as PKCS#15 files give it.
///
/// | octets         | field                                                     |
/// |----------------|-----------------------------------------------------------|
/// | 30 L           | sequence                                                  |
/// | 04 n path      | file identifiers; from the MF when they begin 3F00        |
/// | 02 n index     | optional: offset of the first octet                       |
/// | 80 n length    | with index: number of octets (02 is read in place of 80)  |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs15Path {
    /// The file.
    pub path: Path,
    /// Which part of it; without, the whole file.
    pub range: Option<PathRange>,
}

/// Part of a transparent file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRange {
    /// Offset of the first octet.
    pub index: u32,
    /// Number of octets.
    pub length: u32,
}

impl Pkcs15Path {
    const WHAT: &'static str = "path";

    /// A whole file.
    pub fn whole(path: Path) -> Self {
        Self { path, range: None }
    }

    /// Which octets of a file of `size` octets are meant.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] when they go past the end of the file.
    pub fn span(&self, size: usize) -> Result<Range<usize>, DecodeError> {
        let Some(range) = self.range else { return Ok(0..size) };
        let start = usize::try_from(range.index).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(range.length).unwrap_or(usize::MAX));
        if end > size {
            return Err(DecodeError::Limit { what: "path index and length", at: 0, got: end, limit: size });
        }
        Ok(start..end)
    }

    pub(super) fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let mut parts = element.expect(Self::WHAT, 0x30)?.inside();
        let octets = parts.next(Self::WHAT)?.expect(Self::WHAT, 0x04)?;
        let path = Path::from_octets(octets.value).map_err(|e| e.shifted(octets.at))?;
        let index = parts.optional("path index", 0x02)?;
        let length = match parts.peek() {
            // Seen in an implementation: the length under the tag of a plain INTEGER.
            Some(tag @ (0x80 | 0x02)) => parts.optional("path length", tag)?,
            _ => None,
        };
        let range = match (index, length) {
            (None, None) => None,
            (Some(index), Some(length)) => Some(PathRange {
                index: index.unsigned("path index")?,
                length: length.unsigned("path length")?,
            }),
            _ => {
                let why = "index and length come both or not at all";
                return Err(DecodeError::invalid(Self::WHAT, element.at, why));
            }
        };
        parts.finish(Self::WHAT)?;
        Ok(Self { path, range })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        tlv::write(0x04, &self.path.to_octets(), &mut value);
        if let Some(range) = self.range {
            tlv::write(0x02, &integer(range.index), &mut value);
            tlv::write(0x80, &integer(range.length), &mut value);
        }
        tlv::write(0x30, &value, out);
    }
}

impl fmt::Display for Pkcs15Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        self.range.map_or(Ok(()), |r| write!(f, " [{} octets from {}]", r.length, r.index))
    }
}

impl serde::Serialize for Pkcs15Path {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// The contents of an INTEGER that is not negative: as few octets as will do, the first below 80.
fn integer(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let zeros = octets.iter().take_while(|o| **o == 0).count().min(3);
    let mut out = octets.get(zeros..).unwrap_or(&octets).to_vec();
    if out.first().is_some_and(|o| o & 0x80 != 0) {
        out.insert(0, 0);
    }
    out
}
