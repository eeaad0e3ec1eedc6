//! Sealing of secrets at rest: XChaCha20-Poly1305 under one key of 32 octets, which comes from a file or the environment.
//!
//! | octets | of a sealed blob                                            |
//! |--------|-------------------------------------------------------------|
//! | 1      | version, 01                                                 |
//! | 4      | [`KeyId`] of the key that it was sealed under               |
//! | 24     | nonce, drawn for this blob                                  |
//! | n + 16 | the octets encrypted, and the tag                           |
//!
//! What is authenticated without being encrypted names version, key and [`Purpose`]: a blob that was moved to another
//! row, or stands for another card, does not open.
//!
//! The key is fetched when it is first needed, and then kept for the life of the process. Nothing here prints a key or
//! what was sealed.

mod error;
mod key;
pub mod ring;
mod text_file;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::ident::Random;

pub use error::VaultError;
pub use key::{KeyId, KeySource};
pub use text_file::short_text;

use key::VaultKey;

/// The first octet of what this version seals.
const VERSION: u8 = 1;
/// Octets of an XChaCha20 nonce: long enough to be drawn at random for ever.
const NONCE: usize = 24;
/// Octets before the encrypted ones.
const HEADER: usize = 1 + KeyId::OCTETS + NONCE;
/// Octets of the tag of Poly1305.
const TAG: usize = 16;

/// What a secret is sealed for. It opens for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// The kind of secret, for example `card-write`; without a colon.
    pub kind: &'static str,
    /// Which one of that kind, for example the digits of an ICCID.
    pub of: &'a str,
}

/// Seals and opens. Share it behind an [`Arc`].
pub struct Vault {
    source: KeySource,
    random: Arc<dyn Random>,
    key: Mutex<Option<Arc<VaultKey>>>,
}

impl Vault {
    /// Octets of a sealed blob beside those of the secret.
    pub const OVERHEAD: usize = HEADER + TAG;

    /// A vault whose key comes from `source`; it is fetched when it is first needed. Nonces, and a key that has to be
    /// made, are drawn from `random`.
    pub fn new(source: KeySource, random: Arc<dyn Random>) -> Self {
        Self { source, random, key: Mutex::new(None) }
    }

    /// Seals `secret` for one purpose. A key that [`KeySource::Made`] does not find is made.
    ///
    /// # Errors
    /// [`VaultError`], when there is no usable key.
    pub fn seal(&self, purpose: Purpose<'_>, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.key(true)?;
        let id = key.id();
        let mut nonce = [0; NONCE];
        self.random.fill(&mut nonce);
        let aad = associated(id, purpose);
        let payload = Payload { msg: secret, aad: &aad };
        let sealed = cipher(&key).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::TooLong { octets: secret.len() })?;
        let mut blob = Vec::with_capacity(HEADER + sealed.len());
        blob.push(VERSION);
        blob.extend(id.octets());
        blob.extend(nonce);
        blob.extend(sealed);
        Ok(blob)
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`VaultError`]; [`VaultError::OtherKey`] names both keys.
    pub fn open(&self, purpose: Purpose<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let header = blob.split_first_chunk::<HEADER>();
        let Some((header, sealed)) = header.filter(|(_, sealed)| sealed.len() >= TAG) else {
            return Err(VaultError::Short { got: blob.len(), least: HEADER + TAG });
        };
        let (version, rest) = (header[0], &header[1..]);
        if version != VERSION {
            return Err(VaultError::Version { got: version, known: VERSION });
        }
        let (Some((id, rest)), true) = (rest.split_first_chunk(), rest.len() == KeyId::OCTETS + NONCE) else {
            return Err(VaultError::Short { got: blob.len(), least: HEADER + TAG });
        };
        let sealed_under = KeyId::from(*id);
        let key = self.key(false).map_err(|error| match error {
            VaultError::NoKey { path, .. } => VaultError::NoKey { path, sealed_under: Some(sealed_under) },
            other => other,
        })?;
        let ours = key.id();
        if ours != sealed_under {
            return Err(VaultError::OtherKey { sealed_under, ours, place: self.source.to_string() });
        }
        let nonce =
            XNonce::try_from(rest).map_err(|_| VaultError::Short { got: blob.len(), least: HEADER + TAG })?;
        let aad = associated(ours, purpose);
        let opened = cipher(&key).decrypt(&nonce, Payload { msg: sealed, aad: &aad });
        opened.map(Zeroizing::new).map_err(|_| VaultError::Damaged { kind: purpose.kind, key: ours })
    }

    /// Which key this vault seals under; one that does not exist yet is made where [`Self::seal`] would make it.
    ///
    /// # Errors
    /// [`VaultError`], when there is no usable key.
    pub fn key_id(&self) -> Result<KeyId, VaultError> {
        self.key(true).map(|key| key.id())
    }

    fn key(&self, make: bool) -> Result<Arc<VaultKey>, VaultError> {
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.as_ref() {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.source.fetch(make, &*self.random)?);
        *kept = Some(Arc::clone(&key));
        Ok(key)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.source)
    }
}

fn cipher(key: &VaultKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.octets().into())
}

/// What is authenticated beside the secret itself.
fn associated(key: KeyId, purpose: Purpose<'_>) -> Vec<u8> {
    format!("bootgate vault {VERSION}:{key}:{}:{}", purpose.kind, purpose.of).into_bytes()
}

#[cfg(test)]
mod tests;
