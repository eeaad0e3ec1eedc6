//! Where the key of fingerprints comes from: jobs keep no IMSI, and are found by it all the same.

use crate::ident::{Fingerprint, FingerprintKey, Imsi};

/// Keeps the key of fingerprints. It is the same for as long as what was kept under it is there.
pub trait Fingerprints: Send + Sync {
    /// The key; made when it is first asked for. Blocks.
    ///
    /// # Errors
    /// [`FingerprintError`].
    fn key(&self) -> Result<&FingerprintKey, FingerprintError>;

    /// The fingerprint of an IMSI.
    ///
    /// # Errors
    /// [`FingerprintError`].
    fn of_imsi(&self, imsi: &Imsi) -> Result<Fingerprint, FingerprintError> {
        Ok(self.key()?.of("imsi", imsi.digits()))
    }
}

impl Fingerprints for FingerprintKey {
    fn key(&self) -> Result<&FingerprintKey, FingerprintError> {
        Ok(self)
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
