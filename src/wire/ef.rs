//! The identity files of a card: EF(ICCID) (ETSI TS 102 221, section 13.2) and EF(IMSI) (3GPP TS 31.102, section
//! 4.2.2), both in swapped binary coded decimal.

use super::DecodeError;
use crate::ident::{Iccid, Imsi};

/// Octets of EF(ICCID).
pub const ICCID_LENGTH: usize = 10;
/// Octets of EF(IMSI).
pub const IMSI_LENGTH: usize = 9;

/// The octets of EF(ICCID): the first digit in the low half of the first octet, filled up with F.
pub fn encode_iccid(iccid: &Iccid) -> [u8; ICCID_LENGTH] {
    let mut out = [0xFF; ICCID_LENGTH];
    for (octet, pair) in out.iter_mut().zip(iccid.digits().as_bytes().chunks(2)) {
        *octet = swapped(pair);
    }
    out
}

/// Reads EF(ICCID).
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::Trailing`] for other than ten octets, [`DecodeError::Invalid`] for
/// anything but 18 to 20 digits and then F.
pub fn decode_iccid(octets: &[u8]) -> Result<Iccid, DecodeError> {
    const WHAT: &str = "EF(ICCID)";
    if octets.len() < ICCID_LENGTH {
        let needed = ICCID_LENGTH - octets.len();
        return Err(DecodeError::Truncated { what: WHAT, at: octets.len(), needed });
    }
    if octets.len() > ICCID_LENGTH {
        let left = octets.len() - ICCID_LENGTH;
        return Err(DecodeError::Trailing { what: WHAT, at: ICCID_LENGTH, left });
    }
    let digits = digits(WHAT, octets, 0)?;
    Iccid::from_card(&digits).map_err(|e| DecodeError::invalid(WHAT, 0, e.to_string()))
}

/// The octets of EF(IMSI).
///
/// | octet | field                                                                    |
/// |-------|--------------------------------------------------------------------------|
/// | 0     | how many of the octets behind it are used                                |
/// | 1     | low half: 9 for an odd number of digits, 1 for an even one; then digits  |
/// | 2..   | digits, the earlier in the low half, filled up with F                    |
pub fn encode_imsi(imsi: &Imsi) -> [u8; IMSI_LENGTH] {
    let packed = packed_imsi(imsi);
    let mut out = [0xFF; IMSI_LENGTH];
    for (octet, from) in out.iter_mut().skip(1).zip(&packed) {
        *octet = *from;
    }
    if let Some(length) = out.first_mut() {
        *length = u8::try_from(packed.len()).unwrap_or(u8::MAX);
    }
    out
}

/// The octets of EF(IMSI) without the length octet and without padding: also the key of a NETWPIN bootstrap (OMA
/// ProvBoot 1.1, section 6.1).
pub fn packed_imsi(imsi: &Imsi) -> Vec<u8> {
    let parity = if imsi.digits().len() % 2 == 1 { b'9' } else { b'1' };
    let mut nibbles = vec![parity];
    nibbles.extend_from_slice(imsi.digits().as_bytes());
    nibbles.chunks(2).map(swapped).collect()
}

/// Reads EF(IMSI).
///
/// # Errors
/// Any [`DecodeError`]. It never repeats a digit.
pub fn decode_imsi(octets: &[u8]) -> Result<Imsi, DecodeError> {
    const WHAT: &str = "EF(IMSI)";
    let Some((length, rest)) = octets.split_first() else {
        return Err(DecodeError::Truncated { what: WHAT, at: 0, needed: IMSI_LENGTH });
    };
    let length = usize::from(*length);
    if length == 0 || length >= IMSI_LENGTH {
        return Err(DecodeError::invalid(WHAT, 0, "the length octet is not 1 to 8"));
    }
    let used = rest.get(..length).ok_or(DecodeError::Truncated {
        what: WHAT,
        at: octets.len(),
        needed: length.saturating_sub(rest.len()),
    })?;
    let nibbles = digits(WHAT, used, 1)?;
    let mut chars = nibbles.chars();
    let odd = match chars.next() {
        Some('9') => true,
        Some('1') => false,
        _ => return Err(DecodeError::invalid(WHAT, 1, "the parity digit is neither 9 nor 1")),
    };
    let imsi = chars.as_str();
    if (imsi.len() % 2 == 1) != odd {
        return Err(DecodeError::invalid(WHAT, 1, "the parity digit does not fit the number of digits"));
    }
    imsi.parse().map_err(|e: crate::ident::IdentError| DecodeError::invalid(WHAT, 1, e.to_string()))
}

/// One or two ASCII digits as an octet, the first in the low half; a missing second is F.
fn swapped(pair: &[u8]) -> u8 {
    match pair {
        [low, high] => (high & 0x0F) << 4 | (low & 0x0F),
        [low] => 0xF0 | (low & 0x0F),
        _ => 0xFF,
    }
}

/// The digits in swapped octets up to the first F; only F may follow. `at` is where the octets begin.
fn digits(what: &'static str, octets: &[u8], at: usize) -> Result<String, DecodeError> {
    let mut out = String::new();
    let mut ended = false;
    for (place, nibble) in octets.iter().flat_map(|o| [o & 0x0F, o >> 4]).enumerate() {
        match (nibble, ended) {
            (0..=9, false) => out.push(char::from(b'0' + nibble)),
            (0xF, _) => ended = true,
            (_, false) => {
                return Err(DecodeError::invalid(what, at + place / 2, "a half that is no decimal digit"));
            }
            (_, true) => {
                return Err(DecodeError::invalid(
                    what,
                    at + place / 2,
                    "something behind the F that ends it",
                ));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::vectors::{hex, vectors};

    #[test]
    fn shared_vectors() {
        let Some(cases) = vectors("card/iccid-imsi.json") else { return };
        assert_eq!(cases.len(), 8);
        let (mut iccids, mut imsis, mut bad) = (0, 0, 0);
        for case in &cases {
            let id = case["id"].as_str().unwrap();
            let octets = hex(case["hex"].as_str().unwrap());
            let wanted = &case["decoded"];
            match (case["expect"].as_str(), id.contains("iccid")) {
                (Some("error"), true) => assert!(decode_iccid(&octets).is_err(), "{id}"),
                (Some("error"), false) => assert!(decode_imsi(&octets).is_err(), "{id}"),
                (_, true) => {
                    let iccid = decode_iccid(&octets).unwrap();
                    assert_eq!(wanted["iccid"], iccid.digits(), "{id}");
                    assert_eq!(wanted["luhn_ok"], iccid.digits().parse::<Iccid>().is_ok(), "{id}");
                    assert_eq!(encode_iccid(&iccid)[..], octets, "{id}");
                    iccids += 1;
                }
                (_, false) => {
                    let imsi = decode_imsi(&octets).unwrap();
                    assert_eq!(wanted["imsi"], imsi.digits(), "{id}");
                    assert_eq!(
                        hex(wanted["value_without_length"].as_str().unwrap()),
                        packed_imsi(&imsi),
                        "{id}"
                    );
                    assert_eq!(encode_imsi(&imsi)[..], octets, "{id}");
                    imsis += 1;
                }
            }
            bad += usize::from(case["expect"] == "error");
        }
        assert_eq!((iccids, imsis, bad), (2, 3, 3));
    }

    #[test]
    fn an_even_imsi_ends_in_f() {
        let imsi: Imsi = "00101012345678".parse().unwrap();
        assert_eq!(packed_imsi(&imsi), hex("01101010325476F8"));
        assert_eq!(encode_imsi(&imsi)[..], hex("0801101010325476F8"));
        assert_eq!(decode_imsi(&encode_imsi(&imsi)).unwrap(), imsi);
        let short: Imsi = "262011".parse().unwrap();
        assert_eq!(encode_imsi(&short)[..], hex("04212610F1FFFFFFFF"));
    }

    #[test]
    fn every_prefix_is_an_error() {
        let imsi = hex("082982608200002080");
        let iccid = hex("98683081462002318379");
        for end in 0..imsi.len() {
            assert!(decode_imsi(&imsi[..end]).is_err(), "{end}");
        }
        for end in 0..iccid.len() {
            assert!(decode_iccid(&iccid[..end]).is_err(), "{end}");
        }
        for bad in
            ["082182608200002080", "0829826082000020F0", "08298260F200002080", "FFFFFFFFFFFFFFFFFF", "00"]
        {
            assert!(decode_imsi(&hex(bad)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_a_round_trip(imsi in "[0-9]{6,15}", iccid in "[0-9]{18,20}") {
            let imsi: Imsi = imsi.parse().unwrap();
            prop_assert_eq!(&decode_imsi(&encode_imsi(&imsi)).unwrap(), &imsi);
            let iccid = Iccid::from_card(&iccid).unwrap();
            prop_assert_eq!(&decode_iccid(&encode_iccid(&iccid)).unwrap(), &iccid);
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..12)) {
            let _ = decode_imsi(&octets);
            let _ = decode_iccid(&octets);
        }
    }
}
