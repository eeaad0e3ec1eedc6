//! The client provisioning document (OMA ProvCont 1.1) and the settings.

mod read;
mod write;

use crate::wire::{Syntax, prov::ProvDoc};

use super::{BootstrapError, Settings, kind::Reading};

/// Writes settings as a WBXML document. Nothing is lost.
pub(super) fn write(settings: &Settings) -> Result<(Vec<u8>, Vec<String>), BootstrapError> {
    Ok((write::document(settings).encode(Syntax::Wbxml)?, Vec::new()))
}

/// Reads a WBXML document.
pub(super) fn read(octets: &[u8]) -> Result<Reading, BootstrapError> {
    read::settings(&ProvDoc::decode(Syntax::Wbxml, octets)?)
}

#[cfg(test)]
mod tests;
