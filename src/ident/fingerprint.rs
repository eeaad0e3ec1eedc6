//! Fingerprints: what stands in a database for a number that must not stand there in clear. HMAC-SHA-256 (RFC 2104) under a key
//! that is kept apart from them, because all IMSIs of a country are tried out in seconds where a plain digest is known.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The first 16 octets of an HMAC-SHA-256. Without the key it tells nothing but whether two are the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; Fingerprint::OCTETS]);

impl Fingerprint {
    /// How many octets of the HMAC.
    pub const OCTETS: usize = 16;
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 32 hexadecimal digits")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let (pairs, odd) = text.as_bytes().as_chunks::<2>();
        let mut octets = [0; Self::OCTETS];
        if pairs.len() != Self::OCTETS || !odd.is_empty() {
            return Err(NoFingerprint);
        }
        for (to, pair) in octets.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
            let [high, low] = pair.map(digit);
            *to = high.ok_or(NoFingerprint)? << 4 | low.ok_or(NoFingerprint)?;
        }
        Ok(Self(octets))
    }
}

/// The key of fingerprints. It is wiped when it is dropped, and does not print.
pub struct FingerprintKey(Zeroizing<[u8; FingerprintKey::OCTETS]>);

impl FingerprintKey {
    /// Octets of a key.
    pub const OCTETS: usize = 32;

    /// The key that is these octets.
    pub fn new(octets: Zeroizing<[u8; Self::OCTETS]>) -> Self {
        Self(octets)
    }

    /// The fingerprint of a text as a thing of a kind: the same text as another kind of thing has another.
    pub fn of(&self, kind: &str, text: &str) -> Fingerprint {
        // HMAC takes keys of any length; the empty one is never taken.
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice());
        let Ok(mut mac) = mac else { return Fingerprint([0; Fingerprint::OCTETS]) };
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        let mut octets = [0; Fingerprint::OCTETS];
        octets.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        Fingerprint(octets)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_an_hmac_of_kind_and_text() {
        let key = FingerprintKey::new(Zeroizing::new([0x0B; 32]));
        // printf 'imsi\000262011234567890' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b…
        let print = key.of("imsi", "262011234567890");
        assert_eq!(print.to_string(), "f703bf2787625b14a5a93e1a1a8e8830");
        assert_eq!(print.to_string().parse(), Ok(print));
        for other in [key.of("imsi", "262011234567891"), key.of("row", "262011234567890")] {
            assert_ne!(other, print);
        }
        let other = FingerprintKey::new(Zeroizing::new([0x0C; 32]));
        assert_ne!(other.of("imsi", "262011234567890"), print);
        assert_eq!(format!("{key:?}"), "FingerprintKey(***)");
        for bad in ["", "00", &"0".repeat(31), &"0".repeat(34), &"g".repeat(32)] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(NoFingerprint), "{bad}");
        }
    }
}
