//! A number of seven bits an octet, the most significant first, where the high bit says that more octets follow: uintvar in
//! WSP (WAP-230, section 8.1.2), mb_u_int32 in WBXML (WAP-192, section 5.1).

use super::{DecodeError, Reader};

/// Reads a number of up to 32 bits in up to five octets. Leading zeros are legal.
///
/// # Errors
/// [`DecodeError::Truncated`] when the octets end before the number does, [`DecodeError::Invalid`] when it is longer.
pub fn read(r: &mut Reader<'_>, what: &'static str) -> Result<u32, DecodeError> {
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
    Err(DecodeError::invalid(what, at, "more than 32 bits, or more than five octets"))
}

/// Reads a number that counts octets. What no memory can hold is over every limit as well.
///
/// # Errors
/// As [`read`].
pub fn read_length(r: &mut Reader<'_>, what: &'static str) -> Result<usize, DecodeError> {
    read(r, what).map(|n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// Appends a number in as few octets as it takes.
pub fn write(value: u32, out: &mut Vec<u8>) {
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

/// Appends the length of something that is held in memory. A length of more than 32 bits, which no limit here lets
/// through, is written as the largest number.
pub fn write_length(length: usize, out: &mut Vec<u8>) {
    write(u32::try_from(length).unwrap_or(u32::MAX), out);
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
            write(value, &mut out);
            assert_eq!(out, octets);
            assert_eq!(read(&mut Reader::new(octets), "n"), Ok(value));
        }
    }

    #[test]
    fn numbers_that_are_none() {
        for octets in
            [&[][..], &[0x80], &[0xFF, 0xFF, 0xFF, 0xFF], &[0x90, 0x80, 0x80, 0x80, 0x00], &[0x80; 9]]
        {
            assert!(read(&mut Reader::new(octets), "n").is_err(), "{octets:02X?}");
        }
        assert_eq!(read(&mut Reader::new(&[0x80, 0x80, 0x05]), "n"), Ok(5));
    }
}
