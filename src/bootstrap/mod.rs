//! From profile and subscriber to payload and back: the CP document, the DM bootstrap message, SEC and MAC. It does not
//! know how a payload travels.
//!
//! [`resolve`] fills in a profile for one device and draws its secrets; [`build`] writes the [`Settings`] as a payload
//! of a [`PayloadKind`]; [`read`] reads them back; [`mac::sign`] authenticates what goes over the air. A kind of payload
//! is one row of one table (`kind.rs`), a kind of [`document`] too; [`Output`] is whatever a profile can be built as.

mod cp;
pub mod ddf;
mod describe;
mod dm;
pub mod document;
pub mod factory;
pub mod import;
mod kind;
pub mod mac;
mod output;
mod proof;
mod push;
pub mod quirks;
mod settings;
mod usim;

pub use describe::{Description, describe};
pub use kind::{Payload, PayloadKind, Reading, build, read, read_noting, recognise};
pub use output::{Output, UnknownOutput};
pub use push::push;
pub use settings::{Account, Credential, DmCredentials, NONCE_LENGTH, Settings, resolve};
pub use usim::usim_files;

use crate::{
    profile::MissingNumber,
    wire::{DecodeError, EncodeError, convert::ConvertError},
};

/// Why settings did not become a payload, or a payload did not become settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// The profile asks for a number that was not given.
    #[error(transparent)]
    MissingNumber(#[from] MissingNumber),
    /// A DM bootstrap is made of an account, and there is none.
    #[error(
        "there is no DM account, and a DM bootstrap is made of one; add [dm-account] to the profile or use cp"
    )]
    NoAccount,
    /// Settings that an output has no place for at all.
    #[error("{output}: {why}")]
    Unsuited {
        /// The output.
        output: &'static str,
        /// What does not fit, and what to do.
        why: &'static str,
    },
    /// An id that cannot be the name of a node of the management tree.
    #[error("the id \"{id}\" cannot name a node of the management tree; use one without '/'")]
    NodeName {
        /// The id.
        id: String,
    },
    /// The settings hold something that the encoding cannot carry.
    #[error("cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// The octets are broken.
    #[error("not readable: {0}")]
    Decode(#[from] DecodeError),
    /// The octets are neither kind of payload.
    #[error("neither a client provisioning document nor a DM bootstrap message")]
    Unrecognised,
    /// A document of a version that is not known.
    #[error("the provisioning document has version {found}; expected 1.x")]
    Version {
        /// What it says.
        found: String,
    },
}

impl From<ConvertError> for BootstrapError {
    fn from(error: ConvertError) -> Self {
        match error {
            ConvertError::Decode(e) => Self::Decode(e),
            ConvertError::Encode(e) => Self::Encode(e),
        }
    }
}

#[cfg(test)]
mod tests;
