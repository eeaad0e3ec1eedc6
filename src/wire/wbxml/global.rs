//! The tokens that mean the same in every document, and mb_u_int32 (WAP-192 WBXML 1.3, sections 5.1 and 7.1).

use crate::wire::{DecodeError, Reader};

/// The next octet is the code page in force from here on.
pub(super) const SWITCH_PAGE: u8 = 0x00;
/// The element, or the list of attributes, ends.
pub(super) const END: u8 = 0x01;
/// A character by its number.
pub(super) const ENTITY: u8 = 0x02;
/// Text up to a NUL.
pub(super) const STR_I: u8 = 0x03;
/// A name in the string table.
pub(super) const LITERAL: u8 = 0x04;
/// A processing instruction.
pub(super) const PI: u8 = 0x43;
/// Text in the string table.
pub(super) const STR_T: u8 = 0x83;
/// Octets with their length.
pub(super) const OPAQUE: u8 = 0xC3;
/// Bit of a tag: content follows.
pub(super) const CONTENT: u8 = 0x40;
/// Bit of a tag: attributes follow.
pub(super) const ATTRIBUTES: u8 = 0x80;

/// Reads a number of seven bits an octet, the most significant first; the high bit says that more follow.
pub(super) fn mb_u_int32(r: &mut Reader<'_>, what: &'static str) -> Result<u32, DecodeError> {
    let at = r.position();
    let mut value: u32 = 0;
    for _ in 0..5 {
        let octet = r.u8(what)?;
        if value >> 25 != 0 {
            break;
        }
        value = value << 7 | u32::from(octet & 0x7F);
        if octet & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DecodeError::invalid(what, at, "an mb_u_int32 of more than 32 bits"))
}

/// Writes a number in as few octets as it takes.
pub(super) fn put_mb_u_int32(value: u32, out: &mut Vec<u8>) {
    let octet = |shift: u32| value.checked_shr(shift).unwrap_or(0).to_le_bytes()[0] & 0x7F;
    let mut shift = 28;
    while shift > 0 {
        if value >> shift != 0 {
            out.push(octet(shift) | 0x80);
        }
        shift -= 7;
    }
    out.push(octet(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_both_ways() {
        for (value, octets) in [
            (0, &[0x00][..]),
            (0x6A, &[0x6A]),
            (0x7F, &[0x7F]),
            (0x80, &[0x81, 0x00]),
            (0x0FD3, &[0x9F, 0x53]),
            (0x1201, &[0xA4, 0x01]),
            (0x4000, &[0x81, 0x80, 0x00]),
            (u32::MAX, &[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
        ] {
            let mut out = Vec::new();
            put_mb_u_int32(value, &mut out);
            assert_eq!(out, octets);
            assert_eq!(mb_u_int32(&mut Reader::new(octets), "n"), Ok(value));
        }
    }

    #[test]
    fn numbers_that_are_none() {
        for octets in
            [&[][..], &[0x80], &[0xFF, 0xFF, 0xFF, 0xFF], &[0x90, 0x80, 0x80, 0x80, 0x00], &[0x80; 9]]
        {
            assert!(mb_u_int32(&mut Reader::new(octets), "n").is_err(), "{octets:02X?}");
        }
        // Leading zeros are legal.
        assert_eq!(mb_u_int32(&mut Reader::new(&[0x80, 0x80, 0x05]), "n"), Ok(5));
    }
}
