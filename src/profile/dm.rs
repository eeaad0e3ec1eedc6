//! `[dm]`: in which form a DM bootstrap carries what the profile says.

use super::{
    terms::{DmEncoding, NonceFormat},
    walk::{Notes, Section},
};

/// In which form a DM bootstrap carries what the profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DmOptions {
    /// How the objects are written.
    pub encoding: DmEncoding,
    /// How `AAuthData` is written.
    pub nonce_format: NonceFormat,
}

impl Default for DmOptions {
    /// What most devices take: plain Adds, the nonce as base64 text.
    fn default() -> Self {
        Self { encoding: DmEncoding::Plain, nonce_format: NonceFormat::Chr }
    }
}

/// Keys of `[dm]`.
pub(super) const KEYS: &[&str] = &["encoding", "nonce-format"];

/// Reads `[dm]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<DmOptions> {
    let standard = DmOptions::default();
    let encoding = s.optional("encoding").map_or(Some(standard.encoding), |v| n.term(&v));
    let nonce_format = s.optional("nonce-format").map_or(Some(standard.nonce_format), |v| n.term(&v));
    Some(DmOptions { encoding: encoding?, nonce_format: nonce_format? })
}
