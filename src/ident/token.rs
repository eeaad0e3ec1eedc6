//! Bearer tokens (RFC 6750): what a program shows to say who it is, and the digest by which it is known.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{IdentError, Random};

/// A token of 256 random bits: `bgt_` and 43 characters of base64url. It never prints.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// SHA-256 of a token, written `sha256:` and 64 hexadecimal digits. A token has more bits than anybody can try, so the
/// digest is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

/// So that a token is known for one where it should not be.
const PREFIX: &str = "bgt_";

impl Token {
    /// Draws a token.
    pub fn generate(random: &dyn Random) -> Self {
        let mut octets = Zeroizing::new([0; 32]);
        random.fill(&mut *octets);
        Self(Zeroizing::new(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(*octets))))
    }

    /// The text, for the one place that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its digest.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

impl TokenDigest {
    /// Of a token as it was presented, whatever it looks like.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Whether the two are the same. Takes the same time wherever they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for TokenDigest {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "token digest";
        const EXPECTED: &str = "sha256: and 64 hexadecimal digits";
        let hex = text.strip_prefix("sha256:").unwrap_or("");
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(IdentError::Length {
                what: WHAT,
                got: text.chars().count(),
                unit: "characters",
                expected: EXPECTED,
            });
        }
        let mut digest = [0; 32];
        for (octet, at) in digest.iter_mut().zip((0..).step_by(2)) {
            let pair = hex.get(at..at + 2).filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
            let read = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            *octet = read.ok_or(IdentError::Character { what: WHAT, at: at + 8, expected: EXPECTED })?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({self})")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn a_digest_is_known_again_and_no_other_is() {
        let token = Token::generate(&Fixed(0xA5));
        assert_eq!(token.expose().len(), 47);
        assert_eq!(format!("{token:?}"), "Token(***)");
        let digest: TokenDigest = token.digest().to_string().parse().unwrap();
        assert!(digest.matches(&TokenDigest::of(token.expose())));
        assert!(!digest.matches(&Token::generate(&Fixed(0xA4)).digest()));
        assert!(!digest.matches(&TokenDigest::of("")));
        // As `printf %s TOKEN | sha256sum` says it.
        let known = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        assert_eq!(TokenDigest::of("foo").to_string(), known);
        assert_eq!(known.replace("2c26", "2C26").parse(), Ok(TokenDigest::of("foo")));
        for bad in [
            "",
            "sha256:",
            &known[7..],
            &format!("{known}0"),
            &known.replace("2c", "2x"),
            &known.replace("2c", "+c"),
        ] {
            assert!(bad.parse::<TokenDigest>().is_err(), "{bad}");
        }
    }
}
