//! Octets on the command line.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::cli::{Exit, Failure, input};

/// The most octets of a nonce; clients and servers draw 16.
const MAX_NONCE: usize = 128;

/// A nonce: base64, or `hex:` and hexadecimal digits. `Debug` does not show it.
#[derive(Clone)]
pub(in crate::cli) struct Nonce(pub(super) Vec<u8>);

impl FromStr for Nonce {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octets = match text.strip_prefix("hex:") {
            Some(digits) => {
                unhex(digits).ok_or("expected an even number of hexadecimal digits behind hex:")?
            }
            None => STANDARD.decode(text).map_err(|_| "expected base64, or hex: and hexadecimal digits")?,
        };
        if octets.len() > MAX_NONCE {
            return Err("a nonce has 128 octets at most");
        }
        Ok(Self(octets))
    }
}

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(***)")
    }
}

/// Octets as hexadecimal digits, or @ and the file that holds them.
pub(super) fn octets(what: &str, text: &str) -> anyhow::Result<Vec<u8>> {
    if let Some(file) = text.strip_prefix('@') {
        return input::read(file.as_ref());
    }
    unhex(text).ok_or_else(|| {
        let expected = "expected an even number of hexadecimal digits, or @ and a file";
        Failure::because(Exit::Usage, format!("{what}: {expected}"))
    })
}

/// Pairs of hexadecimal digits; blanks between pairs do not count.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let octet = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(16 * high + low).ok(),
        _ => None,
    };
    digits.chunks(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_two_spellings() {
        let read = |text: &str| text.parse::<Nonce>().map(|n| n.0);
        assert_eq!(read("bm9uY2VTMQ=="), Ok(b"nonceS1".to_vec()));
        assert_eq!(read("hex:6e6f6e63655331"), Ok(b"nonceS1".to_vec()));
        assert_eq!(read(""), Ok(Vec::new()));
        for bad in ["hex:6", "hex:zz", "bm9uY2VTMQ", "6e6f6e63655331", &format!("hex:{}", "00".repeat(129))] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", Nonce(vec![1])), "Nonce(***)");
    }

    #[test]
    fn octets_are_digits_or_a_file() {
        assert_eq!(octets("--vendor", "01 ff").unwrap(), [1, 0xFF]);
        let error = octets("--vendor", "1").unwrap_err().to_string();
        assert_eq!(error, "--vendor: expected an even number of hexadecimal digits, or @ and a file");
        assert!(octets("--vendor", "@/nowhere/at/all").is_err());
    }
}
