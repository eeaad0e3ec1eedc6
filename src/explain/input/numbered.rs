//! Dumps whose lines begin with the offset of their first octet, as protocol analysers and `od -A x -t x1` print them. Which
//! of the words behind it are octets, and which are characters that look like such, the next offset tells.

/// The most octets in a line.
const MAX_WIDTH: usize = 32;

/// One line: its offset, and what stands behind it.
struct Line<'t> {
    offset: usize,
    rest: &'t str,
}

/// The octets of a dump of two lines or more; none when the text is not such.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let lines: Vec<Line<'_>> =
        text.lines().filter(|line| !line.trim().is_empty()).map(line).collect::<Option<_>>()?;
    let (last, others) = lines.split_last()?;
    let mut out = Vec::new();
    let mut width = 0;
    for (line, next) in others.iter().zip(lines.iter().skip(1)) {
        width = next.offset.checked_sub(line.offset).filter(|width| (1..=MAX_WIDTH).contains(width))?;
        let octets = taken(line.rest, width);
        if octets.len() != width {
            return None;
        }
        out.extend(octets);
    }
    // Nothing tells how many octets the last line has. Characters stand behind a gap.
    let octets = last.rest.trim_start().split("   ").next().unwrap_or_default();
    out.extend(taken(octets, width));
    (width > 0).then_some(out)
}

fn line(text: &str) -> Option<Line<'_>> {
    let text = text.trim();
    let (word, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let word = word.strip_suffix(':').unwrap_or(word);
    let digits = word.strip_prefix("0x").unwrap_or(word);
    if !(4..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(Line { offset: usize::from_str_radix(digits, 16).ok()?, rest })
}

/// At most `most` octets from words of two digits, up to a word that is none.
fn taken(text: &str, most: usize) -> Vec<u8> {
    let octet = |word: &str| {
        let digits = word.len() == 2 && word.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(word, 16).ok()).flatten()
    };
    text.split_whitespace().map_while(octet).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::octets;

    #[test]
    fn lines_with_offsets_are_read_in_every_form() {
        let wanted: Vec<u8> = (0..19).map(|n| n * 0x0B).collect();
        for form in [
            // A protocol analyser; the characters look like octets.
            "0000   00 0b 16 21 2c 37 42 4d  58 63 6e 79 84 8f 9a a5   ..ab cd\n0010   b0 bb c6                                          ab",
            "0000   00 0b 16 21 2c 37 42 4d 58 63 6e 79 84 8f 9a a5  ab cd\n0010   b0 bb c6   ab",
            // od -A x -t x1, whose last line is an offset alone.
            "000000 00 0b 16 21 2c 37 42 4d 58 63 6e 79 84 8f 9a a5\n000010 b0 bb c6\n000013\n",
            "0x0000: 00 0b 16 21 2c 37 42 4d\n0x0008: 58 63 6e 79 84 8f 9a a5\n0x0010: b0 bb c6\n",
            // A part of a longer one.
            "00000a40 00 0b 16 21 2c 37 42 4d 58 63 6e 79 84 8f 9a a5\n00000a50 b0 bb c6",
        ] {
            assert_eq!(octets(form).as_deref(), Some(&wanted[..]), "{form}");
        }
    }

    #[test]
    fn other_text_is_no_dump() {
        for text in [
            "",
            "0000   00 0b 16",
            "0000 00 0b\n0003 16",
            "0010 00\n0000 16",
            "first 00 0b\n0002 16",
            "0000 00 zz\n0002 16",
            "00A40004023F00\n9000",
            "ffffffff 00\n00000000 16",
        ] {
            assert_eq!(octets(text), None, "{text}");
        }
    }
}
