//! Where the key of fingerprints comes from: jobs keep no IMSI, and are found by it all the same.

use crate::ident::{Fingerprint, FingerprintKey, Imsi};

/// Keeps the key of fingerprints. It is the same for as long as what was kept under it is there.
pub trait Fingerprints: Send + Sync {
    /// The key; made when it is first asked for. Blocks.
    ///
    /// # Errors
    /// [`FingerprintError`].
    fn key(&self) -> Result<&FingerprintKey, FingerprintError>;

    /// The key, where it was made; none before: then nothing was kept under it. Makes none, for who only looks. Blocks.
    ///
    /// # Errors
    /// [`FingerprintError`].
    fn known_key(&self) -> Result<Option<&FingerprintKey>, FingerprintError>;

    /// The fingerprint of an IMSI.
    ///
    /// # Errors
    /// [`FingerprintError`].
    fn of_imsi(&self, imsi: &Imsi) -> Result<Fingerprint, FingerprintError> {
        Ok(of_imsi(self.key()?, imsi))
    }
}

/// The fingerprint of an IMSI under a key.
pub(super) fn of_imsi(key: &FingerprintKey, imsi: &Imsi) -> Fingerprint {
    key.of("imsi", imsi.digits())
}

impl Fingerprints for FingerprintKey {
    fn key(&self) -> Result<&FingerprintKey, FingerprintError> {
        Ok(self)
    }

    fn known_key(&self) -> Result<Option<&FingerprintKey>, FingerprintError> {
        Ok(Some(self))
    }
}

/// The key of fingerprints cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the key under which IMSIs and rows are recognised cannot be had: {source}")]
pub struct FingerprintError {
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl FingerprintError {
    /// From the error of whatever keeps it.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source) }
    }
}
