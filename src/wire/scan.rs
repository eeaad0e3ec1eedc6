//! Looks for the few octets that a reader or writer of documents must do something about, eight at a time: most names,
//! values and texts hold none of them, and are then taken as they are.

/// One bit for each thing that an ASCII octet may be in a name.
const FIRST: u8 = 1;
const LATER: u8 = 2;

/// What each octet may be in a name: the first of it, a later one, both or neither.
const NAMES: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    while octet < 128 {
        let first = octet.is_ascii_alphabetic() || octet == b'_';
        let later = first || octet.is_ascii_digit() || octet == b'-' || octet == b'.';
        #[expect(clippy::indexing_slicing, reason = "below 128, and evaluated by the compiler")]
        {
            table[octet as usize] = if first {
                FIRST | LATER
            } else if later {
                LATER
            } else {
                0
            };
        }
        octet += 1;
    }
    table
};

/// True for a name of ASCII letters, digits, `_`, `-` and `.` that begins with a letter or `_`.
pub(super) fn is_plain_name(name: &str) -> bool {
    let may_be = |octet: u8| NAMES.get(usize::from(octet)).copied().unwrap_or(0);
    match name.as_bytes() {
        // Names are short: to look at all is quicker than to stop at the first that is wrong.
        [first, later @ ..] => {
            may_be(*first) & FIRST != 0 && later.iter().fold(LATER, |all, o| all & may_be(*o)) != 0
        }
        [] => false,
    }
}

/// True when a text holds nothing that is normalised, resolved or refused when an attribute is read: control characters,
/// white space other than a space, `&`, and octets that may begin U+FFFE or U+FFFF.
pub(super) fn is_plain_value(text: &str) -> bool {
    !any(text.as_bytes(), |eight| below_space(eight) | equal(eight, b'&') | equal(eight, 0xEF))
}

/// True when a text holds nothing that is normalised or refused when text is read: control characters but for line feeds
/// and tabs, and octets that may begin U+FFFE or U+FFFF.
pub(super) fn is_plain_text(text: &str) -> bool {
    !any(text.as_bytes(), |eight| {
        (below_space(eight) & !equal(eight, b'\n') & !equal(eight, b'\t')) | equal(eight, 0xEF)
    })
}

/// True when a text holds nothing that is escaped or refused when it is written.
pub(super) fn is_plain_output(text: &str) -> bool {
    const TWO: u64 = every(0x02);
    const FOUR: u64 = every(0x04);
    // `<` and `>` differ in one bit, `"` and `&` in another.
    let special = |eight: u64| {
        below_space(eight) | equal(eight | TWO, b'>') | equal(eight | FOUR, b'&') | equal(eight, 0xEF)
    };
    !any(text.as_bytes(), special)
}

/// True when a text is nothing but spaces, tabs and line ends.
pub(super) fn is_white(text: &str) -> bool {
    let white = |eight| equal(eight, b' ') | equal(eight, b'\n') | equal(eight, b'\t') | equal(eight, b'\r');
    !any(text.as_bytes(), |eight| !white(eight) & HIGH)
}

/// True when there is a NUL among these octets.
pub(super) fn has_nul(octets: &[u8]) -> bool {
    any(octets, |eight| equal(eight, 0))
}

/// Where the first NUL stands.
pub(super) fn find_nul(octets: &[u8]) -> Option<usize> {
    let (eights, rest) = octets.as_chunks::<8>();
    for (n, eight) in eights.iter().enumerate() {
        let found = equal(u64::from_le_bytes(*eight), 0);
        if found != 0 {
            return usize::try_from(found.trailing_zeros() / 8).ok().map(|at| 8 * n + at);
        }
    }
    rest.iter().position(|octet| *octet == 0).map(|at| 8 * eights.len() + at)
}

/// True when `found` gives anything but zero for some eight of the octets, filled up with spaces.
fn any(octets: &[u8], found: impl Fn(u64) -> u64) -> bool {
    let (eights, rest) = octets.as_chunks::<8>();
    let mut all = eights.iter().fold(0, |all, eight| all | found(u64::from_le_bytes(*eight)));
    if !rest.is_empty() {
        // The last eight again, where there are eight.
        let last = octets.last_chunk::<8>().copied().map_or_else(|| padded(rest), u64::from_le_bytes);
        all |= found(last);
    }
    all != 0
}

/// Fewer than eight octets with spaces before them.
fn padded(octets: &[u8]) -> u64 {
    octets.iter().fold(every(b' '), |eight, octet| eight << 8 | u64::from(*octet))
}

/// The high bits of eight octets.
const HIGH: u64 = every(0x80);

/// Eight times the same octet.
const fn every(octet: u8) -> u64 {
    u64::from_le_bytes([octet; 8])
}

/// The high bit of each octet that is below 20.
const fn below_space(eight: u64) -> u64 {
    // With the high bit set first, no octet borrows from the next.
    !((eight | HIGH) - every(b' ')) & !eight & HIGH
}

/// The high bit of each octet that is this one.
const fn equal(eight: u64, octet: u8) -> u64 {
    let different = eight ^ every(octet);
    // Without the high bit, no octet carries into the next.
    !(((different & !HIGH) + !HIGH) | different) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look-up, and the characters that it passes over.
    type Form = (fn(&str) -> bool, fn(char) -> bool);

    /// Every character below U+0100 and the two that begin with EF, at every place of texts of every length up to 20.
    #[test]
    fn what_is_looked_for_is_found_wherever_it_stands() {
        let forms: [Form; 3] = [
            (is_plain_value, |c| c >= ' ' && c != '&' && c != '\u{FFFE}'),
            (is_plain_text, |c| (c >= ' ' || c == '\n' || c == '\t') && c != '\u{FFFE}'),
            (is_plain_output, |c| c >= ' ' && !"&<>\"\u{FFFE}".contains(c)),
        ];
        for c in ('\0'..='\u{FF}').chain(['\u{FFFE}']) {
            for length in 0..20 {
                for at in 0..=length {
                    let text = format!("{}{c}{}", "a".repeat(at), "~".repeat(length - at));
                    for (is_plain, expected) in forms {
                        assert_eq!(is_plain(&text), expected(c), "{c:?} at {at} of {length}");
                    }
                }
            }
        }
        assert!(forms.iter().all(|(is_plain, _)| is_plain("")));
    }

    #[test]
    fn white_space_and_nul() {
        for length in 0..20 {
            let mut octets = " \n\t\r".repeat(5).into_bytes();
            octets.truncate(length);
            let white = |octets: &[u8]| is_white(std::str::from_utf8(octets).unwrap());
            assert!(white(&octets) && !has_nul(&octets) && find_nul(&octets).is_none());
            for at in 0..length {
                let mut octets = octets.clone();
                octets[at..].fill(0);
                assert!(!white(&octets) && has_nul(&octets) && find_nul(&octets) == Some(at));
                octets[at] = 0x80 | b'\n';
                assert_eq!(find_nul(&octets), Some(at + 1).filter(|n| *n < length));
                octets.fill(b'\n');
                octets[at] = b'x';
                assert!(!white(&octets));
            }
        }
    }

    #[test]
    fn names_of_ascii() {
        for name in ["a", "_", "wap-provisioningdoc", "X.1_b-", "Z9"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in ["", "-a", "1", ".a", "a:b", "a b", "a\u{E9}", "a/", "\0"] {
            assert!(!is_plain_name(name), "{name}");
        }
    }
}
