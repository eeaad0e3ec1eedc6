//! Keys that sign files and check them, and the PEM that keys come in (RFC 7468; RFC 8410: PKCS#8 `OneAsymmetricKey` and
//! `SubjectPublicKeyInfo`, which for Ed25519 and X25519 are fixed octets before the key), as `openssl genpkey` and
//! `openssl pkey -pubout` write it.
//!
//! | key              | PEM label   | algorithm                  |
//! |------------------|-------------|----------------------------|
//! | [`SigningKey`]   | PRIVATE KEY | Ed25519, OID 1.3.101.112   |
//! | [`VerifyingKey`] | PUBLIC KEY  | Ed25519, OID 1.3.101.112   |

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signer as _, Verifier as _};
use zeroize::Zeroizing;

use super::IdentError;

/// Octets of a key of either algorithm.
const LENGTH: usize = 32;
/// Octets of an Ed25519 signature.
pub const SIGNATURE_OCTETS: usize = 64;
/// The longest text that is read as a key.
const MAX_TEXT: usize = 16 * 1024;

/// What a key is for: the last octet of its object identifier 1.3.101.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Curve {
    /// Signatures.
    Ed25519 = 0x70,
    /// Agreement on keys.
    X25519 = 0x6E,
}

/// Signs files.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Checks signatures of files.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    /// Reads PKCS#8 PEM.
    ///
    /// # Errors
    /// [`IdentError::Pem`] when it is no private Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, IdentError> {
        let key = private_key(text, Curve::Ed25519, "a private Ed25519 key")?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&key)))
    }

    /// The Ed25519 signature of some octets (RFC 8032, without context or prehash).
    pub fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        self.0.sign(octets).to_bytes()
    }

    /// The key that checks what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }
}

impl VerifyingKey {
    /// Reads PEM of a public key.
    ///
    /// # Errors
    /// [`IdentError::Pem`] when it is no public Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "a public Ed25519 key";
        let key = public_key(text, Curve::Ed25519, WHAT)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key);
        // A key of small order would let one signature fit many files.
        key.ok().filter(|k| !k.is_weak()).map(Self).ok_or(IdentError::Pem { expected: WHAT })
    }

    /// Whether a signature is this key's for these octets.
    pub fn verifies(&self, octets: &[u8], signature: &[u8]) -> bool {
        <[u8; SIGNATURE_OCTETS]>::try_from(signature)
            .is_ok_and(|s| self.0.verify(octets, &ed25519_dalek::Signature::from_bytes(&s)).is_ok())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(***)")
    }
}

/// `OneAsymmetricKey` of version 1, or of version 2 with the public key behind it: SEQUENCE, version, algorithm, the key in
/// an OCTET STRING in an OCTET STRING.
///
/// # Errors
/// [`IdentError::Pem`] with `expected`, when the text is no such key.
pub fn private_key(
    text: &str,
    curve: Curve,
    expected: &'static str,
) -> Result<Zeroizing<[u8; LENGTH]>, IdentError> {
    let bad = || IdentError::Pem { expected };
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
    let known = *algorithm == [0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, curve as u8, 0x04, 0x22, 0x04, 0x20];
    if whole && shape && known { Ok(Zeroizing::new(*key)) } else { Err(bad()) }
}

/// `SubjectPublicKeyInfo`: SEQUENCE, algorithm, the key in a BIT STRING.
///
/// # Errors
/// [`IdentError::Pem`] with `expected`, when the text is no such key.
pub fn public_key(text: &str, curve: Curve, expected: &'static str) -> Result<[u8; LENGTH], IdentError> {
    let bad = || IdentError::Pem { expected };
    let der = pem(text, "PUBLIC KEY").ok_or_else(bad)?;
    let key =
        der.strip_prefix(&[0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, curve as u8, 0x03, 0x21, 0x00]);
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
pub(crate) mod tests {
    use super::*;

    /// Made with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`; for tests only.
    pub(crate) const SIGN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINk/4scSHRLxoTvkhWz0PQQ+TIlZSuilcUS4q3sRM6gA\n-----END PRIVATE KEY-----\n";
    pub(crate) const VERIFY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA21QbqmFvoYdfd8w8LJRz9So3ZjEMxOJhfSeZPVUn7Rc=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_signature_fits_its_key_and_octets_only() {
        let signing = SigningKey::from_pem(SIGN).unwrap();
        let signature = signing.sign(b"manifest");
        let key = VerifyingKey::from_pem(VERIFY).unwrap();
        assert!(key.verifies(b"manifest", &signature) && signing.verifying_key() == key);
        for (octets, signature) in
            [(&b"manifesT"[..], &signature[..]), (b"manifest", &signature[..63]), (b"manifest", &[0; 64])]
        {
            assert!(!key.verifies(octets, signature));
        }
    }

    #[test]
    fn keys_of_another_kind_and_broken_ones_are_refused() {
        for bad in [SIGN, "", "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----", "ü"] {
            assert!(VerifyingKey::from_pem(bad).is_err());
        }
        assert!(SigningKey::from_pem(VERIFY).is_err());
        assert!(
            public_key(VERIFY, Curve::X25519, "x").is_err() && private_key(SIGN, Curve::X25519, "x").is_err()
        );
        for end in 0..SIGN.len() - "-----END PRIVATE KEY-----\n".len() {
            assert!(SigningKey::from_pem(&SIGN[..end]).is_err(), "{end}");
        }
        let error = SigningKey::from_pem(VERIFY).unwrap_err().to_string();
        assert_eq!(error, "not a private Ed25519 key; expected PEM as openssl writes it");
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
