//! The DM bootstrap message (OMA DM Bootstrap 1.2, section 5.3) and the settings.
//!
//! The message is one `Add` with the nodes of the account (DMAcc, DM Standardized Objects 1.2), command 1, because a
//! client is known that looks for the account there; then, where there are any, one `Add` with the connectivity
//! objects. What a management object has no node for is a named loss: [`reduce`] takes it out first, so that what is
//! written reads back exactly.

mod read;
mod reduce;
mod write;

use crate::wire::{Syntax, syncml::Message};

use super::{BootstrapError, Settings, kind::Reading};

/// Where accounts are.
const ACCOUNTS: &str = "./DMAcc";
/// Where access points are: remembered, the connectivity objects have no fixed place.
const NAPS: &str = "./NAP";
/// Where proxies are: remembered, as above.
const PROXIES: &str = "./Proxy";

/// Writes settings as a WBXML message, and names what it cannot carry.
pub(super) fn write(settings: &Settings) -> Result<(Vec<u8>, Vec<String>), BootstrapError> {
    let (reduced, losses) = reduce::reduce(settings);
    Ok((write::message(&reduced)?.encode(Syntax::Wbxml)?, losses))
}

/// Reads a WBXML message.
pub(super) fn read(octets: &[u8]) -> Result<Reading, BootstrapError> {
    Ok(read::settings(&Message::decode(Syntax::Wbxml, octets)?))
}

#[cfg(test)]
mod tests;
