//! Foreign text made fit for a terminal. File names, titles of tables, labels on cards and what servers answer come from
//! strangers, and a terminal acts on control characters: it would move, recolour, or write over what stands there.

use std::{borrow::Cow, fmt::Display};

/// The text on one line, with control characters and those that turn the direction of writing as escapes (`\u{1b}`).
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() || turns(c))
}

/// Several lines, tabulators among them, made printable: everything but the breaks between them as [`printable`] does,
/// save that text may turn its direction.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A number of things in words: `1 row`, `2 rows`.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    if number == N::from(1) { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The tries that a key has, in words: `1 try`, `2 tries`.
pub fn tries(number: u8) -> String {
    if number == 1 { "1 try".to_owned() } else { format!("{number} tries") }
}

/// U+202E and its like make a line read otherwise than it is written (Unicode, annex 9).
fn turns(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn escaped(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        if bad(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        for (text, one, lines) in [
            ("shift.csv", "shift.csv", "shift.csv"),
            ("Größe \"ä\" \\", "Größe \"ä\" \\", "Größe \"ä\" \\"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\tc\r", "a\\nb\\tc\\r", "a\nb\tc\\r"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("x\u{202e}y", "x\\u{202e}y", "x\u{202e}y"),
        ] {
            assert_eq!(printable(text), one);
            assert_eq!(printable_lines(text), lines);
        }
    }
}
