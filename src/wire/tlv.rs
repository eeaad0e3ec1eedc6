//! BER-TLV data objects as cards use them (ISO/IEC 7816-4, section 5.2.2; ETSI TS 101 220, section 7.1): tags of one or
//! two octets, definite lengths, and FF or 00 as padding behind the last object.

use super::{Decode, DecodeError, Reader};

/// The most octets that a value may claim to have: no card file or APDU holds more.
pub const MAX_LENGTH: usize = 0xFFFF;

/// One data object: tag and value.
///
/// | octets  | field                                                        |
/// |---------|--------------------------------------------------------------|
/// | 1 or 2  | tag; two when the low five bits of the first are all set     |
/// | 1 to 4  | length: 00 to 7F, or 81 nn, 82 nnnn, 83 nnnnnn               |
/// | length  | value                                                        |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag, `0x62` or `0x7F21`.
    pub tag: u16,
    /// Where the value begins, counted from the start of the octets that were handed in.
    pub at: usize,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The data objects in this one.
    ///
    /// # Errors
    /// As [`parse_all`]; offsets count from where this object's count from.
    pub fn children(&self) -> Result<Vec<Tlv<'a>>, DecodeError> {
        let shift = |e: DecodeError| e.shifted(self.at);
        let mut inner = parse_all(self.value).map_err(shift)?;
        for tlv in &mut inner {
            tlv.at += self.at;
        }
        Ok(inner)
    }

    /// The value of an object that holds exactly one octet.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for any other length.
    pub fn octet(&self, what: &'static str) -> Result<u8, DecodeError> {
        match self.value {
            [octet] => Ok(*octet),
            other => Err(DecodeError::invalid(what, self.at, format!("{} octets, expected 1", other.len()))),
        }
    }
}

impl<'a> Decode<'a> for Tlv<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = r.position();
        let first = r.u8("tag")?;
        let tag = if first & 0x1F == 0x1F {
            let second = r.u8("tag")?;
            if second & 0x80 != 0 {
                return Err(DecodeError::invalid("tag", start, "more than two octets"));
            }
            u16::from_be_bytes([first, second])
        } else {
            u16::from(first)
        };
        let at = r.position();
        let length = match r.u8("length")? {
            n @ 0..=0x7F => usize::from(n),
            n @ 0x81..=0x83 => {
                let octets = r.take("length", usize::from(n & 0x7F))?;
                octets.iter().fold(0, |sum, o| (sum << 8) | usize::from(*o))
            }
            n => {
                let why = format!("form {n:02X} is not used on cards, expected 00 to 7F, 81, 82 or 83");
                return Err(DecodeError::invalid("length", at, why));
            }
        };
        if length > MAX_LENGTH {
            return Err(DecodeError::Limit { what: "length", at, got: length, limit: MAX_LENGTH });
        }
        let at = r.position();
        Ok(Self { tag, at, value: r.take("value", length)? })
    }
}

/// Reads data objects up to the last octet.
///
/// # Errors
/// Any [`DecodeError`] of [`Tlv::decode`]; padding is an error here, see [`parse_padded`].
pub fn parse_all(octets: &[u8]) -> Result<Vec<Tlv<'_>>, DecodeError> {
    let mut r = Reader::new(octets);
    let mut out = Vec::new();
    while !r.is_empty() {
        out.push(Tlv::decode(&mut r)?);
    }
    Ok(out)
}

/// Data objects, and what stands behind them in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Padded<'a> {
    /// The data objects in order.
    pub objects: Vec<Tlv<'a>>,
    /// How many octets stand behind the last one, from the first FF or 00 in the place of a tag.
    pub padding: usize,
}

/// Reads data objects up to the first FF or 00 where a tag should stand: card files and records are padded so.
///
/// # Errors
/// Any [`DecodeError`] of [`Tlv::decode`].
pub fn parse_padded(octets: &[u8]) -> Result<Padded<'_>, DecodeError> {
    let mut r = Reader::new(octets);
    let mut objects = Vec::new();
    while let Some(next) = r.peek() {
        if matches!(next, 0x00 | 0xFF) {
            break;
        }
        objects.push(Tlv::decode(&mut r)?);
    }
    Ok(Padded { objects, padding: r.rest().len() })
}

/// What is left of `octets` without the FF at its end: how much of a card file is in use.
pub fn strip_padding(octets: &[u8]) -> &[u8] {
    let used = octets.iter().rposition(|o| *o != 0xFF).map_or(0, |last| last + 1);
    octets.get(..used).unwrap_or(octets)
}

/// Appends one data object with the shortest length form. A value longer than [`MAX_LENGTH`] cannot stand on a card
/// and is cut there.
pub fn write(tag: u16, value: &[u8], out: &mut Vec<u8>) {
    let value = value.get(..MAX_LENGTH).unwrap_or(value);
    match tag.to_be_bytes() {
        [0, low] => out.push(low),
        both => out.extend_from_slice(&both),
    }
    match u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes() {
        [0, low @ 0..=0x7F] => out.push(low),
        [0, low] => out.extend_from_slice(&[0x81, low]),
        [high, low] => out.extend_from_slice(&[0x82, high, low]),
    }
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_have_three_forms() {
        for (length, head) in [
            (0, vec![0x80, 0x00]),
            (0x7F, vec![0x80, 0x7F]),
            (0x80, vec![0x80, 0x81, 0x80]),
            (0x100, vec![0x80, 0x82, 0x01, 0x00]),
        ] {
            let mut out = vec![0xA5];
            write(0x80, &vec![0x11; length], &mut out);
            assert_eq!(&out[1..=head.len()], &head);
            let tlv = Tlv::decode_exact(&out[1..]).unwrap();
            assert_eq!((tlv.tag, tlv.value.len(), tlv.at), (0x80, length, head.len()));
        }
        // Longer forms than needed are read: some cards write them.
        assert_eq!(Tlv::decode_exact(&[0x80, 0x83, 0, 0, 1, 7]).unwrap().value, [7]);
    }

    #[test]
    fn bad_tags_and_lengths_are_refused() {
        for bad in [
            &[0x62][..],
            &[0x62, 0x80, 0, 0],
            &[0x62, 0x84, 0, 0, 0, 0],
            &[0x62, 0x83, 0xFF, 0xFF, 0xFF],
            &[0x62, 2, 0],
            &[0x7F, 0x80, 1, 0],
            &[0x7F],
        ] {
            assert!(parse_all(bad).is_err(), "{bad:02X?}");
        }
    }

    #[test]
    fn padding_ends_a_file() {
        let file = [0xA7, 1, 9, 0xA5, 0, 0xFF, 0xFF, 0xFF];
        let read = parse_padded(&file).unwrap();
        assert_eq!((read.objects.len(), read.padding), (2, 3));
        assert_eq!(parse_padded(&[0xFF; 4]).unwrap(), Padded { objects: vec![], padding: 4 });
        assert_eq!(parse_padded(&[]).unwrap().padding, 0);
        assert!(parse_all(&file).is_err());
        assert_eq!(strip_padding(&file), &file[..5]);
        assert_eq!(strip_padding(&[0xFF, 0xFF]), &[] as &[u8]);
    }

    #[test]
    fn offsets_in_children_count_from_the_start() {
        let octets = [0x62, 6, 0x82, 1, 5, 0x83, 9, 9];
        let outer = Tlv::decode_exact(&octets).unwrap();
        let err = outer.children().unwrap_err();
        assert_eq!(err, DecodeError::Truncated { what: "value", at: 8, needed: 8 });
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tags in proptest::collection::vec((1u8..0xFE, proptest::collection::vec(any::<u8>(), 0..300)), 0..8)) {
            let mut out = Vec::new();
            let tags: Vec<_> = tags.into_iter().filter(|(t, _)| t & 0x1F != 0x1F).collect();
            for (tag, value) in &tags {
                write(u16::from(*tag), value, &mut out);
            }
            let read = parse_all(&out).unwrap();
            let read: Vec<_> = read.iter().map(|t| (t.tag.to_be_bytes()[1], t.value.to_vec())).collect();
            prop_assert_eq!(read, tags);
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse_all(&octets);
            let _ = parse_padded(&octets);
        }
    }
}
