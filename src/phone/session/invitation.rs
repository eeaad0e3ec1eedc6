//! How a session comes about: by the phone's own wish, or because a notification asked for it (OMA DM Protocol 1.2, section
//! 8.2; OMA DM Notification 1.2).

use crate::{
    ident::ServerId,
    wire::{
        package0::{Package0, ZeroNonce},
        syncml::AlertCode,
    },
};

/// How a session comes about.
pub(in crate::phone) struct Invitation<'i> {
    pub(in crate::phone) server_id: &'i ServerId,
    pub(in crate::phone) number: u16,
    /// Both sides begin with this nonce instead of those of the account.
    pub(in crate::phone) zero_nonce: Option<ZeroNonce>,
    pub(in crate::phone) alert: AlertCode,
    /// The digest of the notification that asked for it.
    pub(in crate::phone) notification: Option<[u8; Package0::DIGEST]>,
}

impl<'i> Invitation<'i> {
    /// The phone wants the session itself.
    pub(in crate::phone) fn of_client(server_id: &'i ServerId, number: u16) -> Self {
        Self { server_id, number, zero_nonce: None, alert: AlertCode::CLIENT_INITIATED, notification: None }
    }
}
