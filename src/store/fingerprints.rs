//! The key of fingerprints: drawn once for a database, and sealed in it by the vault. So it is the same for all who share the
//! database, and who has the file alone cannot try IMSIs out.

use std::sync::{Arc, OnceLock};

use sqlx::Row;
use zeroize::Zeroizing;

use super::{Store, blocking::Blocking};
use crate::{
    ident::{FingerprintKey, Random},
    job::{FingerprintError, Fingerprints},
    vault::{Purpose, Vault},
};

/// What the key is sealed for.
const PURPOSE: Purpose<'static> = Purpose { kind: "fingerprint-key", of: "store" };

/// The key of a database, fetched when it is first needed.
pub struct SealedFingerprints {
    blocking: Blocking,
    vault: Arc<Vault>,
    random: Arc<dyn Random>,
    key: OnceLock<FingerprintKey>,
}

impl SealedFingerprints {
    /// The key in the file of `store`, sealed by `vault`; it is drawn from `random` where there is none yet.
    pub fn new(store: &Store, vault: Arc<Vault>, random: Arc<dyn Random>) -> Self {
        Self { blocking: Blocking::new(store, "fingerprint key"), vault, random, key: OnceLock::new() }
    }

    /// The key as it is kept, sealed; none where none was drawn.
    fn sealed(&self) -> Result<Option<Vec<u8>>, FingerprintError> {
        self.blocking
            .transaction(async |tx| {
                let row = sqlx::query("SELECT sealed FROM fingerprint_key").fetch_optional(tx).await?;
                row.map(|row| Ok(row.try_get("sealed")?)).transpose()
            })
            .map_err(FingerprintError::new)
    }

    fn opened(&self, sealed: &[u8]) -> Result<FingerprintKey, FingerprintError> {
        let opened = self.vault.open(PURPOSE, sealed).map_err(FingerprintError::new)?;
        let octets = <[u8; FingerprintKey::OCTETS]>::try_from(opened.as_slice());
        Ok(FingerprintKey::new(Zeroizing::new(octets.map_err(FingerprintError::new)?)))
    }

    /// Draws a key and keeps it, sealed; or finds the one of a process that was faster.
    fn draw(&self) -> Result<Vec<u8>, FingerprintError> {
        let mut drawn = Zeroizing::new([0; FingerprintKey::OCTETS]);
        self.random.fill(drawn.as_mut());
        let sealed = self.vault.seal(PURPOSE, drawn.as_slice()).map_err(FingerprintError::new)?;
        let kept = self.blocking.transaction(async |tx| {
            let insert = "INSERT INTO fingerprint_key (one, sealed) VALUES (1, ?) ON CONFLICT DO NOTHING";
            sqlx::query(insert).bind(sealed).execute(&mut *tx).await?;
            let row = sqlx::query("SELECT sealed FROM fingerprint_key").fetch_one(tx).await?;
            Ok(row.try_get("sealed")?)
        });
        kept.map_err(FingerprintError::new)
    }
}

impl Fingerprints for SealedFingerprints {
    fn key(&self) -> Result<&FingerprintKey, FingerprintError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let sealed = match self.sealed()? {
            Some(sealed) => sealed,
            None => self.draw()?,
        };
        let opened = self.opened(&sealed)?;
        // Of two threads that come at once both have opened the same.
        Ok(self.key.get_or_init(|| opened))
    }

    fn known_key(&self) -> Result<Option<&FingerprintKey>, FingerprintError> {
        if let Some(key) = self.key.get() {
            return Ok(Some(key));
        }
        let Some(sealed) = self.sealed()? else { return Ok(None) };
        let opened = self.opened(&sealed)?;
        Ok(Some(self.key.get_or_init(|| opened)))
    }
}

impl std::fmt::Debug for SealedFingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedFingerprints").finish_non_exhaustive()
    }
}
