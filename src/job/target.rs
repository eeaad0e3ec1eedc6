//! The account that a job hands a device to: whose server it is for, and what that server is told of it.

use crate::{
    bootstrap::{Account, Credential, Settings},
    dm::{AuthScheme, NewAccount},
    handoff::{self, Credentials, HandoffError, Nonce},
    ident::ServerId,
    profile::{self, Profile},
};

/// Why a profile hands devices to no server that is here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The profile hands devices to nobody.
    #[error("the profile has no [dm-account], so no DM server would ever see the device; add one")]
    NoAccount,
    /// The profile hands devices to another server than ours.
    #[error(
        "the profile's [dm-account] is for server `{asked}`, and the DM server here is `{ours}`; \
         make server-id in the profile and [dm] server-id in the configuration the same"
    )]
    OtherServer {
        /// The server of the profile.
        asked: ServerId,
        /// Ours.
        ours: ServerId,
    },
}

/// The server that a profile hands devices to, when it is ours.
pub(super) fn server(profile: &Profile, ours: &ServerId) -> Result<ServerId, TargetError> {
    let asked = profile.dm_account.as_ref().ok_or(TargetError::NoAccount)?.server_id.clone();
    if asked != *ours {
        return Err(TargetError::OtherServer { asked, ours: ours.clone() });
    }
    Ok(asked)
}

/// What the server is told of an account of these settings.
pub(super) fn new_account(settings: &Settings, account: &Account) -> Result<NewAccount, HandoffError> {
    let device = settings.device.as_ref().map(|imei| imei.device_uri());
    let (client, server) =
        (credentials(&account.credentials.client), credentials(&account.credentials.server));
    handoff::account(&account.server_id, device, &client, &server)
}

fn credentials(of: &Credential) -> Credentials {
    Credentials {
        scheme: match of.scheme {
            profile::AuthScheme::Basic => AuthScheme::Basic,
            profile::AuthScheme::Digest => AuthScheme::Md5,
        },
        name: of.name.clone(),
        secret: of.secret.clone(),
        nonce: Nonce(of.nonce.clone()),
    }
}
