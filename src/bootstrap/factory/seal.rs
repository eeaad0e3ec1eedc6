//! Secrets sealed to a manufacturer's public key: HPKE (RFC 9180), mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20Poly1305, single shot, no additional data. Whoever implements RFC 9180 can open them.
//!
//! `secrets.sealed` is JSON:
//!
//! | name         | value                                                                   |
//! |--------------|-------------------------------------------------------------------------|
//! | `format`     | 1                                                                       |
//! | `hpke`       | `mode`, `kem`, `kdf`, `aead`: the names of RFC 9180                     |
//! | `info`       | the info string of the key schedule, [`INFO`]                           |
//! | `recipient`  | SHA-256 of the recipient's public key, hexadecimal                      |
//! | `enc`        | the encapsulated key, base64                                            |
//! | `ciphertext` | with the tag behind it, base64                                          |
//!
//! The plaintext is a JSON object: each reference that stands in the documents, and the secret for it.
//!
//! Sealing stands here and not with secrets at rest, because it is part of an output, needs no key of ours, and takes its
//! random octets from outside.

use std::{collections::BTreeMap, convert::Infallible};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hpke::{
    Deserializable as _, OpModeR, OpModeS, Serializable as _,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ident::Random;

use super::{FactoryError, OpeningKey, SealingKey};

/// The key encapsulation mechanism.
pub(super) type Kem = hpke::kem::X25519HkdfSha256;

/// The info string: what the secrets are for.
pub const INFO: &str = "bootgate factory secrets 1";

const FORMAT: u32 = 1;

/// Secrets by the references that stand for them.
pub(super) type Secrets = BTreeMap<String, Zeroizing<String>>;

#[derive(Serialize, Deserialize)]
struct Sealed {
    format: u32,
    hpke: Suite,
    info: String,
    recipient: String,
    enc: String,
    ciphertext: String,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Suite {
    mode: String,
    kem: String,
    kdf: String,
    aead: String,
}

impl Suite {
    fn ours() -> Self {
        Self {
            mode: "base".into(),
            kem: "DHKEM(X25519, HKDF-SHA256)".into(),
            kdf: "HKDF-SHA256".into(),
            aead: "ChaCha20Poly1305".into(),
        }
    }
}

/// Seals secrets: the content of `secrets.sealed`.
pub(super) fn seal(
    secrets: &Secrets,
    key: &SealingKey,
    random: &dyn Random,
) -> Result<Vec<u8>, FactoryError> {
    let plain: BTreeMap<&str, &str> = secrets.iter().map(|(r, s)| (r.as_str(), s.as_str())).collect();
    let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| FactoryError::Seal)?);
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &key.0,
        INFO.as_bytes(),
        &plain,
        &[],
        &mut Drawn(random),
    )
    .map_err(|_| FactoryError::Seal)?;
    let sealed = Sealed {
        format: FORMAT,
        hpke: Suite::ours(),
        info: INFO.into(),
        recipient: key.fingerprint(),
        enc: BASE64.encode(enc.to_bytes()),
        ciphertext: BASE64.encode(ciphertext),
    };
    let mut text = serde_json::to_vec_pretty(&sealed).map_err(|_| FactoryError::Seal)?;
    text.push(b'\n');
    Ok(text)
}

/// Opens `secrets.sealed`.
pub(super) fn open(sealed: &[u8], key: &OpeningKey) -> Result<Secrets, FactoryError> {
    let bad = |why| FactoryError::Unreadable { file: super::SECRETS, why };
    // A parser's message may repeat what it read.
    let sealed: Sealed =
        serde_json::from_slice(sealed).map_err(|_| bad("it is not the JSON that it should be"))?;
    if sealed.format != FORMAT || sealed.hpke != Suite::ours() || sealed.info != INFO {
        return Err(bad("it has a format or an HPKE suite that is not known"));
    }
    if sealed.recipient != key.public().fingerprint() {
        return Err(FactoryError::OtherRecipient);
    }
    let octets = |text: &str| BASE64.decode(text).map_err(|_| bad("a value is not base64"));
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&octets(&sealed.enc)?);
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &key.0,
        &enc.map_err(|_| FactoryError::Open)?,
        INFO.as_bytes(),
        &octets(&sealed.ciphertext)?,
        &[],
    );
    let plain = Zeroizing::new(plain.map_err(|_| FactoryError::Open)?);
    let secrets: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(|_| bad("what was sealed is not a list of secrets"))?;
    Ok(secrets.into_iter().map(|(r, s)| (r, Zeroizing::new(s))).collect())
}

/// Our source of random octets, as the sealing wants it.
struct Drawn<'a>(&'a dyn Random);

impl TryRng for Drawn<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.0.fill(&mut octets);
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.0.fill(&mut octets);
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

/// It hands on what the caller says is fit for secrets ([`Random`]).
impl TryCryptoRng for Drawn<'_> {}
