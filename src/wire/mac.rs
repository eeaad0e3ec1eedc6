//! `MAC`: the check value that stands beside a bootstrap (OMA ProvBoot 1.1, section 6; OMA DM Security 1.2, section 5.7.2):
//! HMAC-SHA-1 over the octets of the document, as 40 hexadecimal digits.
//!
//! The only file that knows SHA-1. It is broken as a hash, though not in this use of it, and it is what the standard
//! demands. Which octets are a key is not known here.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Octets of a SHA-1.
const LENGTH: usize = 20;
/// Octets that SHA-1 takes at a time.
const BLOCK: usize = 64;

/// A check value. It prints as 40 upper-case digits, which is the form that devices compare it in.
#[derive(Clone, Copy)]
pub struct Mac([u8; LENGTH]);

/// The key of a check value. It has no `Debug`: it is, or holds, an IMSI or a PIN.
pub struct Key(Zeroizing<[u8; BLOCK]>);

impl Key {
    /// The key that is these parts one behind the other.
    pub fn new(parts: &[&[u8]]) -> Self {
        // A key that is longer than a block is hashed first, a shorter one filled up with zeros (RFC 2104, section 2).
        let mut block = Zeroizing::new([0; BLOCK]);
        let octets = || parts.iter().copied().flatten();
        if octets().count() > BLOCK {
            let joined: Zeroizing<Vec<u8>> = Zeroizing::new(octets().copied().collect());
            for (to, from) in block.iter_mut().zip(Sha1::digest(joined.as_slice())) {
                *to = from;
            }
        } else {
            for (to, from) in block.iter_mut().zip(octets()) {
                *to = *from;
            }
        }
        Self(block)
    }

    /// The check value of `octets` under this key.
    pub fn sign(&self, octets: &[u8]) -> Mac {
        let mut hmac = Hmac::<Sha1>::new((&*self.0).into());
        hmac.update(octets);
        Mac(hmac.finalize().into_bytes().into())
    }
}

impl Mac {
    /// The check value itself.
    pub fn octets(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Whether `presented` is this value. Some implementations write its digits in lower case. Takes the same time
    /// wherever the two differ.
    pub fn matches(&self, presented: &str) -> bool {
        self.to_string().as_bytes().ct_eq(presented.to_ascii_uppercase().as_bytes()).into()
    }
}

impl PartialEq for Mac {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Mac {}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl serde::Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, section 3, cases 1 to 3 and 6.
    #[test]
    fn published_values() {
        for (key, octets, mac) in [
            (&[&[0x0B; 20][..]][..], &b"Hi There"[..], "B617318655057264E28BC0B6FB378C8EF146BE00"),
            (&[b"Je", b"fe"], b"what do ya want for nothing?", "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79"),
            (&[&[0xAA; 20]], &[0xDD; 50], "125D7342B9AC11CD91A39AF48AA17B4F63F175D3"),
            (
                &[&[0xAA; 80]],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "AA4AE5E15272D00E95705637CE8A3B55ED402112",
            ),
        ] {
            assert_eq!(Key::new(key).sign(octets).to_string(), mac);
        }
    }

    #[test]
    fn either_case_is_accepted_and_nothing_else() {
        let mac = Key::new(&[b"1234"]).sign(b"document");
        assert!(mac.matches(&mac.to_string()) && mac.matches(&mac.to_string().to_lowercase()));
        assert!(!mac.matches("") && !mac.matches(&mac.to_string()[1..]));
        assert!(!mac.matches(&Key::new(&[b"1235"]).sign(b"document").to_string()));
    }
}
