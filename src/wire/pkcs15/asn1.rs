//! A cursor over DER elements that keeps its place in the file, on the codec of crate `der` (ITU-T X.690).

use der::{Decode, Header, Reader, SliceReader};

use crate::wire::DecodeError;

/// One DER element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    /// First identifier octet. Tags of more than one octet do not occur here.
    pub tag: u8,
    /// Where the element begins in the file.
    pub start: usize,
    /// Where its contents begin in the file.
    pub at: usize,
    /// Its contents.
    pub value: &'a [u8],
}

impl<'a> Element<'a> {
    /// Where the element ends in the file.
    pub(super) fn end(&self) -> usize {
        self.at + self.value.len()
    }

    /// The elements inside.
    pub(super) fn inside(&self) -> Elements<'a> {
        Elements { octets: self.value, base: self.at, at: 0 }
    }

    /// Insists on a tag.
    pub(super) fn expect(self, what: &'static str, tag: u8) -> Result<Self, DecodeError> {
        if self.tag == tag {
            return Ok(self);
        }
        Err(DecodeError::invalid(what, self.start, format!("tag {:02X}, expected {tag:02X}", self.tag)))
    }

    /// The contents as an unsigned number of at most 32 bits, most significant octet first.
    pub(super) fn unsigned(&self, what: &'static str) -> Result<u32, DecodeError> {
        let wrong = |why: &str| DecodeError::invalid(what, self.at, why);
        match self.value {
            [] => Err(wrong("no octets, expected a number")),
            [first, ..] if first & 0x80 != 0 => Err(wrong("negative")),
            octets => octets.iter().try_fold(0u32, |sum, octet| {
                let sum = sum.checked_mul(0x100).ok_or_else(|| wrong("more than 32 bits"))?;
                Ok(sum | u32::from(*octet))
            }),
        }
    }
}

/// Elements that follow each other.
#[derive(Debug, Clone)]
pub(super) struct Elements<'a> {
    octets: &'a [u8],
    base: usize,
    at: usize,
}

impl<'a> Elements<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, base: 0, at: 0 }
    }

    /// Where the next element begins in the file.
    pub(super) fn position(&self) -> usize {
        self.base + self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or(&[])
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// True when nothing but padding is left: card files are filled up with FF or 00.
    pub(super) fn at_padding(&self) -> bool {
        matches!(self.peek(), None | Some(0x00 | 0xFF))
    }

    /// Takes the next element.
    pub(super) fn next(&mut self, what: &'static str) -> Result<Element<'a>, DecodeError> {
        let rest = self.rest();
        let start = self.position();
        let Some(&tag) = rest.first() else {
            return Err(DecodeError::Truncated { what, at: start, needed: 2 });
        };
        if tag & 0x1F == 0x1F {
            return Err(DecodeError::invalid(what, start, format!("tag {tag:02X} has more than one octet")));
        }
        let bad = |e: der::Error| {
            let more = rest.len() < 2 || matches!(e.kind(), der::ErrorKind::Incomplete { .. });
            if more {
                DecodeError::Truncated { what, at: start + rest.len(), needed: 1 }
            } else {
                DecodeError::invalid(what, start, format!("not DER: {}", e.kind()))
            }
        };
        let mut reader = SliceReader::new(rest).map_err(bad)?;
        let header = Header::decode(&mut reader).map_err(bad)?;
        let head = usize::try_from(reader.position()).map_err(bad)?;
        let length = usize::try_from(header.length()).map_err(bad)?;
        let value = rest.get(head..head.saturating_add(length)).ok_or_else(|| {
            let left = rest.len().saturating_sub(head);
            DecodeError::Truncated { what, at: start + rest.len(), needed: length.saturating_sub(left) }
        })?;
        self.at += head + length;
        Ok(Element { tag, start, at: start + head, value })
    }

    /// Takes the next element when it has this tag.
    pub(super) fn optional(
        &mut self,
        what: &'static str,
        tag: u8,
    ) -> Result<Option<Element<'a>>, DecodeError> {
        if self.peek() == Some(tag) { self.next(what).map(Some) } else { Ok(None) }
    }

    /// Insists that nothing is left.
    pub(super) fn finish(&self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest().len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { what, at: self.position(), left }),
        }
    }
}
