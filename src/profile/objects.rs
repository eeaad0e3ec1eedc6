//! Data objects (BER-TLV) that stand in a profile as hexadecimal digits. What they mean is the card sheet's affair; that they are whole
//! is looked at here, down to the objects within objects.

/// The deepest nesting.
const MAX_DEPTH: usize = 8;

/// Octets of hexadecimal digits, with spaces between them or without.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Whether octets are one data object: a tag of one octet that may stand in a file, the length, and so many octets.
pub(super) fn is_object(octets: &[u8]) -> bool {
    // 5C asks for a list of all tags.
    let is_tag = |tag: u8| !matches!(tag, 0x00 | 0x5C | 0xFF) && tag & 0x1F != 0x1F;
    octets.first().is_some_and(|tag| is_tag(*tag))
        && split(octets).is_some_and(|(_, _, rest)| rest.is_empty())
}

/// Whether a data object that holds others (bit 6 of its tag) holds whole ones.
pub(super) fn is_whole(octets: &[u8]) -> bool {
    are_whole(octets, 0)
}

fn are_whole(mut octets: &[u8], depth: usize) -> bool {
    while !octets.is_empty() {
        let Some((holds_others, value, rest)) = split(octets) else { return false };
        if holds_others && (depth == MAX_DEPTH || !are_whole(value, depth + 1)) {
            return false;
        }
        octets = rest;
    }
    true
}

/// The first object: whether it holds others, its value, and what is behind it.
fn split(octets: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (first, mut rest) = octets.split_first()?;
    if first & 0x1F == 0x1F {
        let end = rest.iter().position(|octet| octet & 0x80 == 0)?;
        rest = rest.get(end + 1..)?;
    }
    let (length, rest) = match rest {
        [length @ 0..=0x7F, rest @ ..] | [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((first & 0x20 != 0, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_objects_are_told_from_broken_ones() {
        let judged = |digits: &str| octets(digits).map(|octets| (is_object(&octets), is_whole(&octets)));
        for (digits, judgement) in [
            ("A0 03 810101", Some((true, true))),
            ("8000", Some((true, true))),
            ("8181 01 FF", Some((true, true))),
            ("A0 06 A1 04 82 02 41 42", Some((true, true))),
            ("A0 05 BF 01 02 80 00", Some((true, true))),
            ("A0 03 810201", Some((true, false))),
            ("A0 04 A1 03 82 00", Some((true, false))),
            ("A0 04 A1 02 82 01", Some((true, false))),
            ("A00481", Some((false, false))),
            ("5C00", Some((false, true))),
            ("80008000", Some((false, true))),
            ("8", None),
            ("8G", None),
        ] {
            assert_eq!(judged(digits), judgement, "{digits}");
        }
        let deep = (0..10)
            .fold(Vec::new(), |inner, _| [&[0xA0, u8::try_from(inner.len()).unwrap()][..], &inner].concat());
        assert!(is_object(&deep) && !is_whole(&deep));
    }
}
