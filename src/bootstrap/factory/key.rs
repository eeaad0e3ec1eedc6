//! Keys of a factory image that seal and open its secrets, as PEM in the forms that `openssl genpkey -algorithm x25519` and
//! `openssl pkey -pubout` write. (Those that sign it are [`crate::ident::SigningKey`] and [`crate::ident::VerifyingKey`].)

use std::fmt;

use hpke::{Deserializable as _, Kem as _, Serializable as _};

use super::{digest_hex, seal::Kem};
use crate::ident::{Curve, IdentError, private_key, public_key};

/// The manufacturer's public key, to which secrets are sealed.
pub struct SealingKey(pub(super) <Kem as hpke::Kem>::PublicKey);

/// The manufacturer's private key.
pub struct OpeningKey(pub(super) <Kem as hpke::Kem>::PrivateKey);

impl SealingKey {
    /// Reads PEM of a public key.
    ///
    /// # Errors
    /// [`IdentError::Pem`] when it is no public X25519 key.
    pub fn from_pem(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "a public X25519 key";
        let key = public_key(text, Curve::X25519, WHAT)?;
        <Kem as hpke::Kem>::PublicKey::from_bytes(&key)
            .map(Self)
            .map_err(|_| IdentError::Pem { expected: WHAT })
    }

    /// SHA-256 of the 32 octets of the key, in hexadecimal digits: which key something is sealed to.
    pub fn fingerprint(&self) -> String {
        digest_hex(&self.0.to_bytes())
    }
}

impl OpeningKey {
    /// Reads PKCS#8 PEM.
    ///
    /// # Errors
    /// [`IdentError::Pem`] when it is no private X25519 key.
    pub fn from_pem(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "a private X25519 key";
        let key = private_key(text, Curve::X25519, WHAT)?;
        <Kem as hpke::Kem>::PrivateKey::from_bytes(key.as_slice())
            .map(Self)
            .map_err(|_| IdentError::Pem { expected: WHAT })
    }

    /// The key that it opens for.
    pub fn public(&self) -> SealingKey {
        SealingKey(Kem::sk_to_pk(&self.0))
    }
}

macro_rules! hidden {
    ($($key:ident),+) => {$(
        impl fmt::Debug for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($key), "(***)"))
            }
        }
    )+};
}
hidden!(SealingKey, OpeningKey);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    pub(in crate::bootstrap::factory) use crate::ident::signature_tests::{SIGN, VERIFY};

    /// Made with `openssl genpkey -algorithm x25519` and `openssl pkey -pubout`; for tests only.
    pub(in crate::bootstrap::factory) const OPEN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIBhHKlQ1rmhKqQ4ek3Awyg/uyN/7IhFJSYNuf1LRR1xd\n-----END PRIVATE KEY-----\n";
    pub(in crate::bootstrap::factory) const SEAL: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAuVEUYDyaGBI7gxE/32iwOs4DFwN5XfZfr/Z7+FJK+lc=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn the_private_key_opens_for_the_public_one() {
        let seal = SealingKey::from_pem(SEAL).unwrap();
        assert_eq!(OpeningKey::from_pem(OPEN).unwrap().public().fingerprint(), seal.fingerprint());
        assert_eq!(seal.fingerprint().len(), 64);
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        assert!(SealingKey::from_pem(VERIFY).is_err() && OpeningKey::from_pem(SIGN).is_err());
        let error = OpeningKey::from_pem(SIGN).unwrap_err().to_string();
        assert_eq!(error, "not a private X25519 key; expected PEM as openssl writes it");
    }
}
