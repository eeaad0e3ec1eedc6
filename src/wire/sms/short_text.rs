//! Text for a person as short messages: the default alphabet where it has every character, UCS-2 otherwise, in one message
//! or in several (3GPP TS 23.038, section 6.2; TS 23.040, section 9.2.3.24.1).
//!
//! | characters of | one message | each of several, 8-bit reference | 16-bit reference |
//! |---------------|-------------|----------------------------------|------------------|
//! | default alphabet, those of its extension counting twice | 160 | 153 | 152 |
//! | UCS-2, those beyond the basic plane counting twice      | 70  | 67  | 66  |

use super::alphabet::septets_with_extension;
use crate::wire::wdp::{Concatenation, InformationElement, Reference, Segment, USER_DATA, Udh, Width};

/// Text, as its characters go out. `Debug` does not show it: it may be a PIN.
#[derive(Clone, PartialEq, Eq)]
pub struct ShortText(Units);

#[derive(Clone, PartialEq, Eq)]
enum Units {
    /// Septets, those of an extended character next to each other.
    Default(Vec<u8>),
    Ucs2(Vec<u16>),
}

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

impl ShortText {
    /// The text.
    pub fn new(text: &str) -> Self {
        Self(match septets_with_extension(text) {
            Some(septets) => Units::Default(septets),
            None => Units::Ucs2(text.encode_utf16().collect()),
        })
    }

    /// Whether it goes out in the default alphabet; else in UCS-2.
    pub fn is_default(&self) -> bool {
        matches!(self.0, Units::Default(_))
    }

    /// All of it: a septet in each octet, or two octets a character.
    pub fn octets(&self) -> Vec<u8> {
        match &self.0 {
            Units::Default(septets) => septets.clone(),
            Units::Ucs2(units) => units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        }
    }

    /// In how many short messages it goes out.
    pub fn count(&self, width: Width) -> usize {
        self.cuts(width).len()
    }

    /// The short messages; none when there would be more than 255. One by itself has no header. Each octet of data holds
    /// one septet: whoever puts them on the air packs them.
    pub fn split(&self, reference: Reference) -> Option<Vec<Segment>> {
        let width = match reference {
            Reference::Short(_) => Width::Short,
            Reference::Long(_) => Width::Long,
        };
        let cuts = self.cuts(width);
        let total = u8::try_from(cuts.len()).ok()?;
        let header = |n: u8| {
            let part = Concatenation::new(reference, total, n).ok()?;
            Udh::new(vec![InformationElement::Concatenation(part)]).ok()
        };
        (1..=total)
            .zip(cuts)
            .map(|(n, data)| {
                let udh = if total == 1 { Udh::new(Vec::new()).ok()? } else { header(n)? };
                Some(Segment { udh, data })
            })
            .collect()
    }

    /// The data of each message: no character is cut in two.
    fn cuts(&self, width: Width) -> Vec<Vec<u8>> {
        let header = match width {
            Width::Short => 6,
            Width::Long => 7,
        };
        match &self.0 {
            Units::Default(septets) => {
                let most = [8 * USER_DATA / 7, 8 * (USER_DATA - header) / 7];
                cut(septets, most, |before| *before == ESCAPE)
            }
            Units::Ucs2(units) => {
                let most = [USER_DATA / 2, (USER_DATA - header) / 2];
                let parts = cut(units, most, |before| (0xD800..0xDC00).contains(before));
                parts
                    .into_iter()
                    .map(|part| part.iter().flat_map(|unit| unit.to_be_bytes()).collect())
                    .collect()
            }
        }
    }
}

/// Cuts units into pieces of at most `several`, unless all fit in `alone`; behind a unit that `opens` a pair is no cut.
fn cut<T: Clone>(units: &[T], [alone, several]: [usize; 2], opens: impl Fn(&T) -> bool) -> Vec<Vec<T>> {
    if units.len() <= alone {
        return vec![units.to_vec()];
    }
    let mut parts = Vec::new();
    let mut rest = units;
    while !rest.is_empty() {
        let mut length = several.min(rest.len());
        let last = length.checked_sub(1).and_then(|at| rest.get(at));
        if length < rest.len() && last.is_some_and(&opens) {
            length -= 1;
        }
        let (part, behind) = rest.split_at_checked(length.max(1)).unwrap_or((rest, &[]));
        parts.push(part.to_vec());
        rest = behind;
    }
    parts
}

impl std::fmt::Debug for ShortText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (alphabet, length) = match &self.0 {
            Units::Default(septets) => ("septets", septets.len()),
            Units::Ucs2(units) => ("UCS-2 characters", units.len()),
        };
        write!(f, "ShortText({length} {alphabet})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sms::text_of;

    fn back(text: &str, reference: Reference) -> (usize, String) {
        let short = ShortText::new(text);
        let parts = short.split(reference).unwrap();
        let data: Vec<u8> = parts.iter().flat_map(|part| part.data.clone()).collect();
        assert_eq!(data, short.octets());
        for (n, part) in parts.iter().enumerate() {
            let concatenation = part.udh.concatenation();
            assert_eq!(concatenation.is_some(), parts.len() > 1);
            assert_eq!(concatenation.map_or(1, |c| usize::from(c.sequence())), n + 1);
            assert_eq!(part.udh.ports(), None);
            let header = if parts.len() > 1 { part.udh.length() } else { 0 };
            let bits = if short.is_default() { 7 * part.data.len() } else { 8 * part.data.len() };
            assert!(8 * header + bits <= 8 * USER_DATA, "it fits");
            // No character is cut in two.
            if !short.is_default() {
                assert!(String::from_utf16(&units(&part.data)).is_ok());
            } else {
                assert_ne!(part.data.last(), Some(&ESCAPE));
            }
        }
        let text =
            if short.is_default() { text_of(&data) } else { String::from_utf16(&units(&data)).unwrap() };
        (parts.len(), text)
    }

    fn units(octets: &[u8]) -> Vec<u16> {
        octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn text_is_cut_as_the_table_says() {
        let short = Reference::Short(7);
        for (text, reference, parts) in [
            ("PIN for your new settings: 4711".to_owned(), short, 1),
            (String::new(), short, 1),
            ("x".repeat(160), short, 1),
            ("x".repeat(161), short, 2),
            ("x".repeat(306), short, 2),
            ("x".repeat(307), short, 3),
            ("x".repeat(305), Reference::Long(7), 3),
            ("€".repeat(80), short, 1),
            // 76 characters of two septets in each, since 153 is odd.
            ("€".repeat(153), short, 3),
            ("я".repeat(70), short, 1),
            ("я".repeat(71), short, 2),
            ("я".repeat(134), short, 2),
            ("я".repeat(133), Reference::Long(7), 3),
            ("😀".repeat(35), short, 1),
            ("😀".repeat(67), short, 3),
            ("x".repeat(255 * 153), short, 255),
        ] {
            assert_eq!(back(&text, reference), (parts, text.clone()), "{} characters", text.chars().count());
            let width = if reference == short { Width::Short } else { Width::Long };
            assert_eq!(ShortText::new(&text).count(width), parts);
        }
        assert_eq!(ShortText::new(&"x".repeat(255 * 153 + 1)).split(short), None);
        assert!(!format!("{:?}", ShortText::new("PIN 4711")).contains("47"));
    }
}
