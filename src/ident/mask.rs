//! Text that may hold an IMSI, made fit to be shown. An IMSI must not stand in a log, a list or an error, and it gets into
//! user names and device names by profiles and by devices.

use std::borrow::Cow;

/// How many digits of an IMSI are shown: the network, as [`super::Imsi`] does.
const SHOWN: usize = 5;

/// The text with every number that may be an IMSI cut short: 14 or 15 digits in a row, unless `IMEI:` stands before them,
/// and any number behind `IMSI:`.
pub fn without_imsi(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) =
        text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit())).map(|n| at + n)
    {
        let run = text.get(start..).unwrap_or("");
        let end = start + run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len());
        let behind = |label: &str| {
            let before = start.checked_sub(label.len()).and_then(|from| text.get(from..start));
            before.is_some_and(|before| before.eq_ignore_ascii_case(label))
        };
        let imsi = match end - start {
            14 | 15 => !behind("IMEI:"),
            6.. => behind("IMSI:"),
            _ => false,
        };
        if imsi {
            out.push_str(text.get(copied..start + SHOWN).unwrap_or(""));
            out.push('…');
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_may_be_an_imsi_are_cut_short() {
        for (text, shown) in [
            ("dev-262019876598765@acme", "dev-26201…@acme"),
            ("262019876598765", "26201…"),
            ("IMSI:26201987", "IMSI:26201…"),
            ("imsi:262019876598765 and 26201987659876", "imsi:26201… and 26201…"),
            ("IMEI:490154203237518", "IMEI:490154203237518"),
            ("89490200001234567892", "89490200001234567892"),
            ("https://dm.acme.example:443/dm", "https://dm.acme.example:443/dm"),
            ("ü262019876598765ü", "ü26201…ü"),
            ("", ""),
        ] {
            assert_eq!(without_imsi(text), shown);
        }
    }
}
