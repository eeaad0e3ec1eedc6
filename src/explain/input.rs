//! Getting the octets out of what a person has: a file of octets, hexadecimal digits with or without blanks, a dump, or lines
//! of a log with such digits somewhere in them.

mod numbered;

use super::{http, multipart, xml};

/// The most lines with octets that are read.
pub const MAX_LINES: usize = 512;
/// The most octets that are read, of all lines together.
pub const MAX_OCTETS: usize = 256 * 1024;
/// The fewest octets that count as such within other text.
const FEWEST: usize = 4;

/// How input is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// As text when it is text with hexadecimal digits, else as octets.
    Any,
    /// As text with hexadecimal digits.
    Text,
}

/// Input that holds no octets, or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Nothing.
    #[error("the input is empty")]
    Empty,
    /// Text without octets.
    #[error("no hexadecimal digits of {FEWEST} octets or more in the text")]
    NoDigits,
    /// An odd number of digits.
    #[error("line {line} has an odd number of hexadecimal digits ({digits}); one is missing or too many")]
    Odd {
        /// Which line, from 1.
        line: usize,
        /// How many digits.
        digits: usize,
    },
    /// Too much.
    #[error("more than {MAX_LINES} lines or {MAX_OCTETS} octets; give less at a time")]
    TooMuch,
}

/// The pieces of octets in `input`: one for octets or XML, one for each line of text that has some.
///
/// # Errors
/// [`InputError`].
pub fn read(input: &[u8], how: Input) -> Result<Vec<Vec<u8>>, InputError> {
    if input.is_empty() {
        return Err(InputError::Empty);
    }
    if xml::root(input).is_some() && how == Input::Any {
        return if input.len() > MAX_OCTETS { Err(InputError::TooMuch) } else { Ok(vec![input.to_vec()]) };
    }
    // Messages of HTTP, and the body of a push without one, are text and octets at once.
    if how == Input::Any && (http::begins(input) || multipart::begins(input)) {
        return if input.len() > MAX_OCTETS { Err(InputError::TooMuch) } else { Ok(vec![input.to_vec()]) };
    }
    if let (Some(xml), Input::Any) = (behind(input), how) {
        return if xml.len() > MAX_OCTETS { Err(InputError::TooMuch) } else { Ok(vec![xml.to_vec()]) };
    }
    let text = std::str::from_utf8(input).ok().filter(|text| {
        how == Input::Text || text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
    });
    let pieces = match (text, how) {
        (Some(text), _) => lines(text)?,
        (None, Input::Text) => lines(&String::from_utf8_lossy(input))?,
        (None, Input::Any) => vec![input.to_vec()],
    };
    if pieces.len() > MAX_LINES || pieces.iter().map(Vec::len).sum::<usize>() > MAX_OCTETS {
        return Err(InputError::TooMuch);
    }
    Ok(pieces)
}

/// A document behind something else, as what a log puts first. Digits within it are no artefact of
/// their own: some are secrets.
fn behind(input: &[u8]) -> Option<&[u8]> {
    const BEGINNINGS: [&str; 4] = ["<?xml", "<wap-provisioningdoc", "<SyncML", "<MgmtTree"];
    let text = std::str::from_utf8(input).ok()?;
    let at = BEGINNINGS.iter().filter_map(|begin| text.find(begin)).min()?;
    input.get(at..).filter(|xml| xml::root(xml).is_some())
}

fn lines(text: &str) -> Result<Vec<Vec<u8>>, InputError> {
    if let Some(octets) = dump(text) {
        return Ok(vec![octets]);
    }
    let mut pieces = Vec::new();
    for (n, line) in text.lines().enumerate() {
        pieces.extend(octets(line, n + 1)?);
    }
    if pieces.is_empty() { Err(InputError::NoDigits) } else { Ok(pieces) }
}

/// The octets of a dump; none when a line is not of one.
fn dump(text: &str) -> Option<Vec<u8>> {
    marked(text).or_else(|| numbered::octets(text))
}

/// The octets of a dump as `xxd` and `hexdump -C` print it, which mark where the octets end.
fn marked(text: &str) -> Option<Vec<u8>> {
    let mut digits = String::new();
    let mut any = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_offset = |word: &str| word.len() >= 4 && is_hex(word);
        let octets = match (line.split_once(':'), line.split_once("  ")) {
            // The characters stand behind two blanks.
            (Some((offset, rest)), _) if is_offset(offset) => rest.trim().split("  ").next()?,
            // The characters stand between bars.
            (_, Some((offset, rest))) if is_offset(offset) => rest.split('|').next()?,
            // The last line has an offset alone.
            _ if any && is_offset(line) && line.len() >= 7 => "",
            _ => return None,
        };
        if !octets.split_whitespace().all(|word| is_hex(word) && word.len() <= 8) {
            return None;
        }
        any = true;
        digits.extend(octets.chars().filter(|c| !c.is_whitespace()));
    }
    pairs(&digits)
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The octets of a line: all of it when there are nothing but digits, else the longest run of them; a run that is called
/// `udh` goes before it.
fn octets(line: &str, number: usize) -> Result<Option<Vec<u8>>, InputError> {
    let bare: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    if is_hex(&bare) {
        return match pairs(&bare) {
            Some(octets) => Ok(Some(octets)),
            None => Err(InputError::Odd { line: number, digits: bare.len() }),
        };
    }
    let mut runs = runs(line);
    let header = runs.iter().position(Run::is_header);
    let others = runs.iter().enumerate().filter(|(n, _)| Some(*n) != header);
    let worth = |run: &Run| {
        // A status word goes before the time of the line or a number in it, and after anything that is longer.
        let is_short = run.octets.len() <= FEWEST;
        (!is_short, is_short && run.is_of_card(), run.octets.len())
    };
    let longest = others.max_by_key(|(_, run)| worth(run)).map(|(n, _)| n);
    let mut take = |n: usize| runs.get_mut(n).map(|run| std::mem::take(&mut run.octets)).unwrap_or_default();
    let octets = [header.map(&mut take), longest.map(&mut take)].into_iter().flatten().flatten();
    let octets: Vec<u8> = octets.collect();
    Ok(Some(octets).filter(|octets| !octets.is_empty()))
}

/// A run of digits in a line.
struct Run {
    octets: Vec<u8>,
    /// What stands between it and the run before it.
    before: String,
}

impl Run {
    /// Whether the line calls it a user data header, as one gateway's log does: `[udh:6:05040B8423F0]`.
    fn is_header(&self) -> bool {
        let lower = self.before.to_ascii_lowercase();
        lower.rfind("udh").is_some_and(|at| lower.len() - at <= 12)
    }

    fn is_status_word(&self) -> bool {
        matches!(self.octets[..], [0x61..=0x6F | 0x90..=0x9F, _])
    }

    /// Whether the line calls it something that goes to a card or comes from it, as the log of pcscd does: `SW: 90 00`.
    fn is_of_card(&self) -> bool {
        let lower = self.before.to_ascii_lowercase();
        let said = lower.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '<' | '>'));
        let ends = |word: &&str| {
            let before = said.strip_suffix(*word).map(|rest| rest.chars().last());
            before.is_some_and(|last| last.is_none_or(|c| !c.is_ascii_alphanumeric()))
        };
        ["apdu", "sw", "sw1sw2", "sw12", "status", "status word", "received", "response", "<", ">"]
            .iter()
            .any(ends)
    }
}

/// The runs of digits in a line that are long enough: a word of digits, or words of the same length with the same one
/// character between them. Words that belong to longer words of letters are none.
fn runs(line: &str) -> Vec<Run> {
    let line = line.replace("\\x", " ").replace("0x", "").replace(", ", " ").replace(['%', ','], " ");
    let mut out: Vec<Run> = Vec::new();
    let (mut run_from, mut run_to, mut digits, mut length) = (0, 0, String::new(), 0);
    let mut between = None;
    let mut seen = 0;
    let mut end = |from: usize, to: usize, digits: &mut String, line: &str| {
        if let Some(octets) = pairs(digits) {
            let run = Run { octets, before: line.get(seen..from).unwrap_or_default().to_owned() };
            if run.octets.len() >= FEWEST || (run.is_status_word() && run.is_of_card()) {
                out.push(run);
                seen = to;
            }
        }
        digits.clear();
    };
    for (from, to) in words(&line) {
        let word = line.get(from..to).unwrap_or_default();
        let gap = line.get(run_to..from).unwrap_or_default();
        let joined = !digits.is_empty()
            && matches!(gap, " " | ":" | "-")
            && between.is_none_or(|own: String| own == gap)
            && (word.len() == length || (word.len() < length && length <= 8));
        if joined {
            between = Some(gap.to_owned());
        } else {
            end(run_from, run_to, &mut digits, &line);
            (run_from, length, between) = (from, word.len(), None);
        }
        digits.push_str(word);
        run_to = to;
        if word.len() < length {
            // A shorter word ends a run.
            end(run_from, run_to, &mut digits, &line);
        }
    }
    end(run_from, run_to, &mut digits, &line);
    out
}

/// Where the words stand that are pairs of digits and nothing else.
fn words(line: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut from = None;
    let ends = line.char_indices().chain([(line.len(), ' ')]);
    for (at, c) in ends {
        if c.is_alphanumeric() || c == '_' {
            from.get_or_insert(at);
        } else if let Some(begin) = from.take() {
            let word = line.get(begin..at).unwrap_or_default();
            if is_hex(word) && word.len().is_multiple_of(2) {
                out.push((begin, at));
            }
        }
    }
    out
}

/// Octets from pairs of digits; none for an odd number, or for none at all.
fn pairs(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let octet = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::vectors::hex;

    fn text(input: &str) -> Result<Vec<Vec<u8>>, InputError> {
        read(input.as_bytes(), Input::Any)
    }

    #[test]
    fn octets_are_found_in_every_form() {
        let wanted = hex("0605040B8423F0010601B6");
        for form in [
            "0605040B8423F0010601B6",
            "0605040b8423f0010601b6\n",
            " 06 05 04 0B 84 23 F0 01 06 01 B6 \r\n",
            "06:05:04:0B:84:23:F0:01:06:01:B6 at last",
            "0605 040B 8423 F001 0601 B6",
            "data: 0605 040B 8423 F001 0601 B6 (11)",
            "\\x06\\x05\\x04\\x0B\\x84\\x23\\xF0\\x01\\x06\\x01\\xB6.",
            "text %06%05%04%0B%84%23%F0%01%06%01%B6 end",
            "{0x06, 0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0, 0x01, 0x06, 0x01, 0xB6}",
            "+CMT: ,18 \"0605040B8423F0010601B6\"",
            "2026-11-22 10:11:12 0605040B8423F0010601B6 12 deadline",
            "2026-11-22 10:11:12 Sent [udh:6:0605040B8423F0] [msg:4:010601B6]",
            "00000000: 0605 040b 8423 f001 0601 b6              .....#.....",
            "00000000  06 05 04 0b 84 23 f0 01  06 01 b6                 |.....#.....|\n0000000b\n",
        ] {
            assert_eq!(text(form), Ok(vec![wanted.clone()]), "{form}");
        }
        // Octets that are no text.
        assert_eq!(read(&wanted, Input::Any), Ok(vec![wanted.clone()]));
        assert!(read(&wanted, Input::Text).is_err());
    }

    #[test]
    fn lines_are_pieces_and_dumps_are_one() {
        assert_eq!(text("AABBCCDD\n\nEEFF0011\n"), Ok(vec![hex("AABBCCDD"), hex("EEFF0011")]));
        assert_eq!(text("first\nAABBCCDD\nnothing here\n"), Ok(vec![hex("AABBCCDD")]));
        let dump = "00000000: aabb ccdd eeff  ......\n00000006: 0011                     ..\n";
        assert_eq!(text(dump), Ok(vec![hex("AABBCCDDEEFF0011")]));
        assert_eq!(text("3F002FE2"), Ok(vec![hex("3F002FE2")]));
        assert_eq!(text("90 00"), Ok(vec![hex("9000")]));
    }

    /// The digits of a secret within it would be shown as an artefact.
    #[test]
    fn xml_behind_something_else_is_found() {
        let document =
            "<wap-provisioningdoc><parm value=\"37797E0F8A6BF2C2FA13B7FEAF29B792\"/></wap-provisioningdoc>";
        for before in ["2026-11-26 got: ", "> "] {
            let read = read(format!("{before}{document}").as_bytes(), Input::Any);
            assert_eq!(read, Ok(vec![document.as_bytes().to_vec()]), "{before:?}");
        }
    }

    #[test]
    fn xml_is_one_piece_and_a_log_that_begins_like_it_is_not() {
        for document in
            [" <wap-provisioningdoc/>", "<?xml version='1.0'?>\n<SyncML>\n</SyncML>", "<a>AABBCCDD</a>"]
        {
            assert_eq!(text(document), Ok(vec![document.as_bytes().to_vec()]));
        }
        for log in ["<< AABBCCDD", "<13>Nov 26 10:00:00 AABBCCDD"] {
            assert_eq!(text(log), Ok(vec![hex("AABBCCDD")]), "{log}");
        }
        assert_eq!(
            read(&[b"<a>".to_vec(), vec![b' '; MAX_OCTETS]].concat(), Input::Any),
            Err(InputError::TooMuch)
        );
    }

    #[test]
    fn what_a_log_says_of_a_card_is_taken() {
        for (line, wanted) in [
            ("SW: 90 00", "9000"),
            ("SW=63C2", "63C2"),
            ("status word 6982", "6982"),
            ("Received: 6A82 (file not found)", "6A82"),
            ("00000345 SW: 90 00", "9000"),
            ("00000012 APDU: 00 A4 00 04 02 3F 00 ", "00A40004023F00"),
            ("00000345 winscard.c SW: 62 03 82 01 78 90 00 ", "62038201789000"),
            ("APDU > 00A40004023F00", "00A40004023F00"),
            ("10:00:01 status 9000 for 0605040B8423F0010601B6", "0605040B8423F0010601B6"),
        ] {
            assert_eq!(text(line), Ok(vec![hex(wanted)]), "{line}");
        }
        // Two digits and two more are no status word by themselves.
        for line in ["at 10 45 nothing came", "answers 9000", "the brow 9000", "status 2000"] {
            assert_eq!(text(line), Err(InputError::NoDigits), "{line}");
        }
    }

    #[test]
    fn what_holds_no_octets_says_so() {
        assert_eq!(read(b"", Input::Any), Err(InputError::Empty));
        assert_eq!(text("no digits, only the word cafeteria and facade_1"), Err(InputError::NoDigits));
        assert_eq!(text("AABBC"), Err(InputError::Odd { line: 1, digits: 5 }));
        assert_eq!(text("< no digits"), Err(InputError::NoDigits));
        assert_eq!(text(&"AABBCCDD\n".repeat(513)), Err(InputError::TooMuch));
        assert_eq!(read(&vec![0; MAX_OCTETS + 1], Input::Any), Err(InputError::TooMuch));
    }
}
