//! The client provisioning document (OMA ProvCont 1.1) and the settings.

mod read;
mod write;

pub(super) use write::document;

use crate::wire::{Syntax, prov::ProvDoc};

use super::{BootstrapError, Settings, kind::Reading};

/// Writes settings as a WBXML document. Only access control lists are lost: a document has no place for them, and gives
/// the account's server Get, Replace and Delete on all that came with it (OMA DM Bootstrap 1.2, CP profile).
pub(super) fn write(settings: &Settings) -> Result<(Vec<u8>, Vec<String>), BootstrapError> {
    let losses = settings.acls().into_iter().map(|object| {
        format!(
            "{object}: its acl; the account's server gets Get, Replace and Delete, as with every document"
        )
    });
    Ok((document(settings).encode(Syntax::Wbxml)?, losses.collect()))
}

/// Reads a WBXML document.
pub(super) fn read(octets: &[u8]) -> Result<Reading, BootstrapError> {
    read::settings(&ProvDoc::decode(Syntax::Wbxml, octets)?)
}

#[cfg(test)]
mod tests;
