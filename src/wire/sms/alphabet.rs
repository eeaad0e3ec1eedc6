//! The default alphabet of 7 bits and its packing (3GPP TS 23.038, sections 6.1.2.1 and 6.2.1).

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

/// The characters of the default alphabet by their septet.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The characters behind an escape.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The text of septets. An escape before what the extension table does not have is a blank, as the specification says.
pub fn text_of(septets: &[u8]) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for septet in septets {
        if std::mem::take(&mut escaped) {
            let extended = EXTENSION.iter().find(|(code, _)| code == septet);
            out.push(extended.map_or(' ', |(_, c)| *c));
        } else if *septet == ESCAPE {
            escaped = true;
        } else {
            out.extend(DEFAULT.get(usize::from(septet & 0x7F)));
        }
    }
    out
}

/// The septets of a text; none when the default alphabet without extension lacks one of its characters.
pub(super) fn septets_of(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| {
            let place = DEFAULT.iter().position(|own| *own == c && c != '\u{1B}')?;
            u8::try_from(place).ok()
        })
        .collect()
}

/// The septets of a text, two for a character of the extension; none when the default alphabet lacks one of its characters.
pub(super) fn septets_with_extension(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match EXTENSION.iter().find(|(_, own)| *own == c) {
            Some((code, _)) => out.extend([ESCAPE, *code]),
            None => out.extend(septets_of(c.encode_utf8(&mut [0; 4]))?),
        }
    }
    Some(out)
}

/// Packs septets into octets, the first bit of the first octet first, behind `fill` bits that are left 0.
pub fn pack(septets: &[u8], fill: usize) -> Vec<u8> {
    let mut out = vec![0; (fill + 7 * septets.len()).div_ceil(8)];
    for (at, septet) in septets.iter().enumerate() {
        let bit = fill + 7 * at;
        let [low, high] = (u16::from(septet & 0x7F) << (bit % 8)).to_le_bytes();
        for (octet, part) in out.iter_mut().skip(bit / 8).zip([low, high]) {
            *octet |= part;
        }
    }
    out
}

/// Unpacks `count` septets, or as many as there are, from behind `fill` bits.
pub fn unpack(octets: &[u8], fill: usize, count: usize) -> Vec<u8> {
    let there = (8 * octets.len()).saturating_sub(fill) / 7;
    (0..count.min(there))
        .map(|at| {
            let bit = fill + 7 * at;
            let octet = |n: usize| octets.get(bit / 8 + n).copied().unwrap_or(0);
            let pair = u16::from_le_bytes([octet(0), octet(1)]);
            (pair >> (bit % 8)).to_le_bytes()[0] & 0x7F
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::vectors::hex;

    #[test]
    fn a_text_both_ways() {
        let septets = septets_of("hellohello").unwrap();
        assert_eq!(pack(&septets, 0), hex("E8329BFD4697D9EC37"));
        assert_eq!(text_of(&unpack(&hex("E8329BFD4697D9EC37"), 0, 10)), "hellohello");
        assert_eq!(text_of(&[0x1B, 0x65, 0x1B, 0x01, 0x00]), "€ @");
        assert_eq!(septets_of("€"), None);
        assert_eq!(septets_of("\u{1B}"), None);
    }

    proptest! {
        #[test]
        fn septets_survive_packing(septets in proptest::collection::vec(0u8..0x80, 0..40), fill in 0usize..7) {
            let octets = pack(&septets, fill);
            prop_assert_eq!(unpack(&octets, fill, septets.len()), septets);
        }

        #[test]
        fn nothing_makes_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..20), fill in 0usize..300, count in 0usize..300) {
            prop_assert!(unpack(&octets, fill, count).len() <= count);
        }
    }
}
