//! Keys of a factory image as PEM, in the forms that `openssl genpkey` and `openssl pkey -pubout` write (RFC 7468; RFC 8410:
//! PKCS#8 `OneAsymmetricKey` and `SubjectPublicKeyInfo`, which for both algorithms are fixed octets before the key).
//!
//! | key                            | PEM label     | algorithm                 |
//! |--------------------------------|---------------|---------------------------|
//! | [`SigningKey`], [`VerifyingKey`] | PRIVATE KEY, PUBLIC KEY | Ed25519, OID 1.3.101.112 |
//! | [`OpeningKey`], [`SealingKey`]   | PRIVATE KEY, PUBLIC KEY | X25519, OID 1.3.101.110  |

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signer as _, Verifier as _};
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use zeroize::Zeroizing;

use super::{FactoryError, digest_hex, seal::Kem};

/// Octets of a key of either algorithm.
const LENGTH: usize = 32;
/// Octets of an Ed25519 signature.
const SIGNATURE: usize = 64;
/// The longest text that is read as a key.
const MAX_TEXT: usize = 16 * 1024;

/// Last octet of the object identifier 1.3.101.x.
const ED25519: u8 = 0x70;
const X25519: u8 = 0x6E;

/// Signs manifests.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Checks signatures of manifests.
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

/// The manufacturer's public key, to which secrets are sealed.
pub struct SealingKey(pub(super) <Kem as hpke::Kem>::PublicKey);

/// The manufacturer's private key.
pub struct OpeningKey(pub(super) <Kem as hpke::Kem>::PrivateKey);

impl SigningKey {
    /// Reads PKCS#8 PEM.
    ///
    /// # Errors
    /// [`FactoryError::Key`] when it is no private Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, FactoryError> {
        let key = private(text, ED25519, "a private Ed25519 key")?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&key)))
    }

    /// The Ed25519 signature of a manifest (RFC 8032, without context or prehash).
    pub fn sign(&self, manifest: &[u8]) -> [u8; SIGNATURE] {
        self.0.sign(manifest).to_bytes()
    }
}

impl VerifyingKey {
    /// Reads PEM of a public key.
    ///
    /// # Errors
    /// [`FactoryError::Key`] when it is no public Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, FactoryError> {
        const WHAT: &str = "a public Ed25519 key";
        let key = public(text, ED25519, WHAT)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key);
        // A key of small order would let one signature fit many manifests.
        key.ok().filter(|k| !k.is_weak()).map(Self).ok_or(FactoryError::Key { expected: WHAT })
    }

    /// Checks the signature of a manifest.
    ///
    /// # Errors
    /// [`FactoryError::Signature`] when it is none of this key for these octets.
    pub fn verify(&self, manifest: &[u8], signature: &[u8]) -> Result<(), FactoryError> {
        let signature = <[u8; SIGNATURE]>::try_from(signature).map_err(|_| FactoryError::Signature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        self.0.verify(manifest, &signature).map_err(|_| FactoryError::Signature)
    }
}

impl SealingKey {
    /// Reads PEM of a public key.
    ///
    /// # Errors
    /// [`FactoryError::Key`] when it is no public X25519 key.
    pub fn from_pem(text: &str) -> Result<Self, FactoryError> {
        const WHAT: &str = "a public X25519 key";
        let key = public(text, X25519, WHAT)?;
        <Kem as hpke::Kem>::PublicKey::from_bytes(&key)
            .map(Self)
            .map_err(|_| FactoryError::Key { expected: WHAT })
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
    /// [`FactoryError::Key`] when it is no private X25519 key.
    pub fn from_pem(text: &str) -> Result<Self, FactoryError> {
        const WHAT: &str = "a private X25519 key";
        let key = private(text, X25519, WHAT)?;
        <Kem as hpke::Kem>::PrivateKey::from_bytes(key.as_slice())
            .map(Self)
            .map_err(|_| FactoryError::Key { expected: WHAT })
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
hidden!(SigningKey, VerifyingKey, SealingKey, OpeningKey);

/// `OneAsymmetricKey` of version 1, or of version 2 with the public key behind it: SEQUENCE, version, algorithm, the key in
/// an OCTET STRING in an OCTET STRING.
fn private(text: &str, oid: u8, expected: &'static str) -> Result<Zeroizing<[u8; LENGTH]>, FactoryError> {
    let bad = || FactoryError::Key { expected };
    let der = Zeroizing::new(pem(text, "PRIVATE KEY").ok_or_else(bad)?);
    let (head, rest) = der.split_at_checked(16).ok_or_else(bad)?;
    let (&[0x30, length, 0x02, 0x01, version, ref algorithm @ ..], Some(key)) =
        (head, rest.first_chunk::<LENGTH>())
    else {
        return Err(bad());
    };
    let whole = usize::from(length) + 2 == der.len();
    let shape = match version {
        0 => rest.len() == LENGTH,
        1 => rest.len() > LENGTH,
        _ => false,
    };
    let known = *algorithm == [0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, oid, 0x04, 0x22, 0x04, 0x20];
    if whole && shape && known { Ok(Zeroizing::new(*key)) } else { Err(bad()) }
}

/// `SubjectPublicKeyInfo`: SEQUENCE, algorithm, the key in a BIT STRING.
fn public(text: &str, oid: u8, expected: &'static str) -> Result<[u8; LENGTH], FactoryError> {
    let bad = || FactoryError::Key { expected };
    let der = pem(text, "PUBLIC KEY").ok_or_else(bad)?;
    let key = der.strip_prefix(&[0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, oid, 0x03, 0x21, 0x00]);
    key.and_then(|k| k.try_into().ok()).ok_or_else(bad)
}

/// The octets between the lines of a label.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let text = text.get(..MAX_TEXT.min(text.len()))?;
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let bare: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    BASE64.decode(bare.as_bytes()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Made with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`; for tests only.
    pub(in crate::bootstrap::factory) const SIGN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINk/4scSHRLxoTvkhWz0PQQ+TIlZSuilcUS4q3sRM6gA\n-----END PRIVATE KEY-----\n";
    pub(in crate::bootstrap::factory) const VERIFY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA21QbqmFvoYdfd8w8LJRz9So3ZjEMxOJhfSeZPVUn7Rc=\n-----END PUBLIC KEY-----\n";
    /// The same with `-algorithm x25519`.
    pub(in crate::bootstrap::factory) const OPEN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIBhHKlQ1rmhKqQ4ek3Awyg/uyN/7IhFJSYNuf1LRR1xd\n-----END PRIVATE KEY-----\n";
    pub(in crate::bootstrap::factory) const SEAL: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAuVEUYDyaGBI7gxE/32iwOs4DFwN5XfZfr/Z7+FJK+lc=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_signature_fits_its_key_and_octets_only() {
        let signature = SigningKey::from_pem(SIGN).unwrap().sign(b"manifest");
        let key = VerifyingKey::from_pem(VERIFY).unwrap();
        assert_eq!(key.verify(b"manifest", &signature), Ok(()));
        for (manifest, signature) in
            [(&b"manifesT"[..], &signature[..]), (b"manifest", &signature[..63]), (b"manifest", &[0; 64])]
        {
            assert_eq!(key.verify(manifest, signature), Err(FactoryError::Signature));
        }
    }

    #[test]
    fn the_private_key_opens_for_the_public_one() {
        let seal = SealingKey::from_pem(SEAL).unwrap();
        assert_eq!(OpeningKey::from_pem(OPEN).unwrap().public().fingerprint(), seal.fingerprint());
        assert_eq!(seal.fingerprint().len(), 64);
    }

    #[test]
    fn keys_of_another_kind_and_broken_ones_are_refused() {
        for bad in [SIGN, SEAL, "", "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----", "ü"] {
            assert!(VerifyingKey::from_pem(bad).is_err());
        }
        for bad in [VERIFY, OPEN, SEAL] {
            assert!(SigningKey::from_pem(bad).is_err());
        }
        assert!(SealingKey::from_pem(VERIFY).is_err() && OpeningKey::from_pem(SIGN).is_err());
        for end in 0..SIGN.len() - "-----END PRIVATE KEY-----\n".len() {
            assert!(SigningKey::from_pem(&SIGN[..end]).is_err(), "{end}");
        }
        let error = OpeningKey::from_pem(SIGN).unwrap_err().to_string();
        assert_eq!(error, "not a private X25519 key; expected PEM as openssl writes it");
    }

    #[test]
    fn a_private_key_with_its_public_one_behind_it_is_read() {
        let der = pem(SIGN, "PRIVATE KEY").unwrap();
        let mut second = der.clone();
        second[1] = 0x51;
        second[4] = 1;
        second.extend([0x81, 0x21, 0x00]);
        second.extend([7; LENGTH]);
        let text =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", BASE64.encode(&second));
        let signature = SigningKey::from_pem(&text).unwrap().sign(b"x");
        assert_eq!(signature, SigningKey::from_pem(SIGN).unwrap().sign(b"x"));
    }
}
