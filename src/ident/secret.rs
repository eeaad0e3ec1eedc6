//! Secrets: types that never print, are wiped when dropped and cannot be serialised by accident.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{IdentError, Random};

/// A personal identification number of 4 to 8 digits (ETSI TS 102 221, section 9.5.1), or the PIN that
/// authenticates a pushed bootstrap (up to 32 digits).
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// The fewest and the most digits.
    pub const DIGITS: std::ops::RangeInclusive<usize> = 4..=32;

    /// Draws a PIN of `digits` digits; all PINs of that length are equally likely.
    ///
    /// # Errors
    /// [`IdentError::Length`] when a PIN cannot have so many digits.
    pub fn generate(random: &dyn Random, digits: usize) -> Result<Self, IdentError> {
        if !Self::DIGITS.contains(&digits) {
            return Err(Self::length(digits));
        }
        // The whole size at once: a text that grows leaves copies behind that are not wiped.
        let mut text = Zeroizing::new(String::with_capacity(digits));
        while text.len() < digits {
            let mut drawn = Zeroizing::new([0; 16]);
            random.fill(&mut *drawn);
            // 250 to 255 are drawn again: they would make 0 to 5 likelier than 6 to 9.
            let fair = drawn.iter().filter(|octet| **octet < 250).take(digits - text.len());
            fair.for_each(|octet| text.push(char::from(b'0' + octet % 10)));
        }
        Ok(Self(text))
    }

    fn length(got: usize) -> IdentError {
        IdentError::Length { what: "PIN", got, unit: "digits", expected: "4 to 32" }
    }

    /// The digits, for the one place that needs them.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pin {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let got = text.chars().count();
        if !Self::DIGITS.contains(&got) {
            return Err(Self::length(got));
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_digit()) {
            return Err(IdentError::Character { what: "PIN", at: at + 1, expected: "a digit" });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// The eight octets of an administrative key, as VERIFY carries them.
///
/// Two spellings are read, and which one is meant is never guessed from the digits alone: 4 to 8 characters are
/// text (ASCII, filled up with FF), exactly 16 hexadecimal digits are the octets.
#[derive(Clone, PartialEq, Eq)]
pub struct AdmKey(Zeroizing<[u8; 8]>);

impl AdmKey {
    /// The octets, for the one place that sends them.
    pub fn expose(&self) -> &[u8; 8] {
        &self.0
    }

    /// From the octets themselves.
    pub fn from_octets(octets: [u8; 8]) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl FromStr for AdmKey {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "ADM key";
        const EXPECTED: &str = "4 to 8 characters of text, or exactly 16 hexadecimal digits";
        let mut octets = Zeroizing::new([0xFF; 8]);
        match text.len() {
            4..=8 => {
                if let Some(at) = text.bytes().position(|b| !b.is_ascii_graphic()) {
                    return Err(IdentError::Character {
                        what: WHAT,
                        at: at + 1,
                        expected: "printable ASCII",
                    });
                }
                for (to, from) in octets.iter_mut().zip(text.bytes()) {
                    *to = from;
                }
            }
            16 => {
                for (at, pair) in text.as_bytes().chunks(2).enumerate() {
                    let octet =
                        std::str::from_utf8(pair).ok().filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
                    let octet = octet.and_then(|p| u8::from_str_radix(p, 16).ok());
                    match (octets.get_mut(at), octet) {
                        (Some(to), Some(octet)) => *to = octet,
                        _ => {
                            return Err(IdentError::Character {
                                what: WHAT,
                                at: at * 2 + 1,
                                expected: "hexadecimal digits (16 of them are octets)",
                            });
                        }
                    }
                }
            }
            got => {
                return Err(IdentError::Length { what: WHAT, got, unit: "characters", expected: EXPECTED });
            }
        }
        Ok(Self(octets))
    }
}

impl fmt::Debug for AdmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdmKey(***)")
    }
}

/// A secret shared by a device and a DM server (`AAUTHSECRET`, `AAuthSecret`): text of 1 to 255 characters
/// without control characters.
#[derive(Clone)]
pub struct SharedSecret(Zeroizing<String>);

impl SharedSecret {
    /// A fresh secret of 128 random bits, as 32 hexadecimal digits: below the 50 characters that some clients
    /// allow for a w7 secret.
    pub fn generate(random: &dyn Random) -> Self {
        let mut octets = Zeroizing::new([0u8; 16]);
        random.fill(octets.as_mut());
        let mut text = Zeroizing::new(String::with_capacity(32));
        for octet in octets.iter() {
            // Digit by digit: no piece of a secret is left in memory.
            text.extend(
                [octet >> 4, octet & 0x0F]
                    .map(|digit| char::from(if digit < 10 { b'0' } else { b'a' - 10 } + digit)),
            );
        }
        Self(text)
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for SharedSecret {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let got = text.chars().count();
        if !(1..=255).contains(&got) {
            return Err(IdentError::Length { what: "secret", got, unit: "characters", expected: "1 to 255" });
        }
        if let Some(at) = text.chars().position(char::is_control) {
            let expected = "anything but control characters";
            return Err(IdentError::Character { what: "secret", at: at + 1, expected });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl PartialEq for SharedSecret {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SharedSecret {}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adm_key_has_two_spellings() {
        assert_eq!(
            *"1234".parse::<AdmKey>().unwrap().expose(),
            [0x31, 0x32, 0x33, 0x34, 0xFF, 0xFF, 0xFF, 0xFF]
        );
        assert_eq!(
            *"00112233445566Ff".parse::<AdmKey>().unwrap().expose(),
            [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xFF]
        );
        for bad in ["", "123", "123456789", "+0112233445566FF", "0011223344556677 ", "12 4"] {
            assert!(bad.parse::<AdmKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let shown = format!(
            "{:?} {:?} {:?}",
            "48151623".parse::<Pin>().unwrap(),
            "48151623".parse::<AdmKey>().unwrap(),
            "48151623".parse::<SharedSecret>().unwrap()
        );
        assert!(!shown.contains("4815"), "{shown}");
    }

    #[test]
    fn the_digits_of_a_drawn_pin_are_equally_likely() {
        /// Each octet once, from FF down.
        struct Down(std::sync::Mutex<u8>);
        impl Random for Down {
            fn fill(&self, out: &mut [u8]) {
                let mut next = self.0.lock().unwrap();
                for octet in out {
                    *octet = *next;
                    *next = next.wrapping_sub(1);
                }
            }
        }
        let random = Down(std::sync::Mutex::new(0xFF));
        // FF to FA give no digit; F9 gives the first.
        let first = Pin::generate(&random, 10).unwrap();
        assert_eq!(first.expose(), "9876543210");
        let mut seen = [1u32; 10];
        for _ in 0..15 {
            for digit in Pin::generate(&random, 16).unwrap().expose().bytes() {
                seen[usize::from(digit - b'0')] += 1;
            }
        }
        assert_eq!(seen, [25; 10]);
        for digits in 4..=32 {
            assert_eq!(Pin::generate(&random, digits).unwrap().expose().len(), digits);
        }
        for digits in [0, 3, 33] {
            assert!(Pin::generate(&random, digits).is_err());
        }
    }

    #[test]
    fn a_generated_secret_has_128_bits() {
        struct Count;
        impl Random for Count {
            fn fill(&self, out: &mut [u8]) {
                assert_eq!(out.len(), 16);
                out.fill(0xAB);
            }
        }
        assert_eq!(SharedSecret::generate(&Count).expose(), "ab".repeat(16));
    }
}
