//! Package 0: a server asks the phone for a session (OMA DM Notification 1.2; the sheet, section 5).
//!
//! | the phone finds                                       | and does                                              |
//! |-------------------------------------------------------|-------------------------------------------------------|
//! | a version other than 1.1 and 1.2                      | refuses                                               |
//! | no account of the server identifier                   | refuses                                               |
//! | no secret of that server (`SRVCRED`)                  | refuses                                               |
//! | a digest by the nonce that it holds for the server    | opens a session with Alert 1200 and that identifier   |
//! | a digest by the nonce zero, in a form that it knows   | the same, and both sides start from that nonce        |
//! | any other digest                                      | refuses                                               |
//! | a notification that a session was held for already    | refuses                                               |
//!
//! The same session may be asked for more than once, over a bearer that repeats itself; one is enough. The digest alone
//! does not see to that: a session in which the server has nothing to do leaves the nonce that there was.

use crate::{
    ident::{Random, ServerId},
    wire::{
        DecodeError, Syntax,
        package0::{Fit, Initiator, Package0, SessionNumber, UiMode, Version, ZeroNonce},
        syncml::{AlertCode, auth::UserDigest},
    },
};

use super::{
    ClientSession, Phone, StartError,
    account::{self, Level},
    session::Invitation,
};

/// How many notifications the phone knows again.
const REMEMBERED: usize = 16;

/// A notification that was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// Which server wants a session.
    pub server_id: ServerId,
    /// The identifier of the session.
    pub session: SessionNumber,
    /// Whether the user is to be told or asked.
    pub ui_mode: UiMode,
    /// Who wanted it.
    pub initiator: Initiator,
    /// The nonce zero, when the digest was made with that one.
    pub zero_nonce: Option<ZeroNonce>,
    /// By which the phone knows it again.
    digest: [u8; Package0::DIGEST],
}

/// Why a notification is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationRefusal {
    /// It cannot be read.
    #[error("not a notification: {0}")]
    Malformed(#[from] DecodeError),
    /// It is of another version.
    #[error("version {got}; this phone follows 1.1 and 1.2")]
    Version {
        /// Its version.
        got: Version,
    },
    /// The phone has no account of that server.
    #[error("the phone has no account of server {server_id}")]
    UnknownServer {
        /// The server.
        server_id: ServerId,
    },
    /// The account has nothing that a digest can be checked with.
    #[error("the account of server {server_id} has no SRVCRED secret to check the digest with")]
    NoSecret {
        /// The server.
        server_id: ServerId,
    },
    /// It was followed already.
    #[error("session {session} of server {server_id} was held; one is enough")]
    Followed {
        /// The server.
        server_id: ServerId,
        /// The session that it asks for.
        session: SessionNumber,
    },
    /// The digest is wrong.
    #[error(
        "the digest is not one that server {server_id} makes with the nonce that the phone holds; another server sent it, or the two have lost each other's nonce"
    )]
    WrongDigest {
        /// The server that it says it is from.
        server_id: ServerId,
    },
}

impl Phone {
    /// Checks a notification. `zero` are the forms of the nonce zero that the phone takes when the one that it holds does
    /// not fit: the sheet's is [`ZeroNonce::Octets`]; an empty list is a phone that takes none.
    ///
    /// # Errors
    /// [`NotificationRefusal`].
    pub fn receive_notification(
        &self,
        octets: &[u8],
        zero: &[ZeroNonce],
    ) -> Result<Notified, NotificationRefusal> {
        let package = Package0::decode(octets)?;
        let trigger = &package.trigger;
        let got = trigger.version();
        if ![Version::V1_1, Version::V1_2].contains(&got) {
            return Err(NotificationRefusal::Version { got });
        }
        let server_id = trigger.server_id().clone();
        let Some(account) = account::of_server(&self.tree, &server_id) else {
            return Err(NotificationRefusal::UnknownServer { server_id });
        };
        let mut secrets = account
            .auth
            .iter()
            .filter(|auth| auth.level == Level::Server)
            .filter_map(|auth| Some((auth, auth.secret.as_ref()?)))
            .peekable();
        if secrets.peek().is_none() {
            return Err(NotificationRefusal::NoSecret { server_id });
        }
        let fit = secrets
            .map(|(auth, secret)| {
                // The server's identifier stands in the digest, whatever name is in the account.
                package.check(&UserDigest::new(server_id.as_str(), secret), &auth.nonce, zero)
            })
            .find(|fit| *fit != Fit::No);
        let zero_nonce = match fit {
            Some(Fit::Nonce) => None,
            Some(Fit::ZeroNonce(form)) => Some(form),
            Some(Fit::No) | None => return Err(NotificationRefusal::WrongDigest { server_id }),
        };
        let (ui_mode, initiator, session) = (trigger.ui_mode, trigger.initiator, trigger.session);
        if self.followed.contains(&package.digest) {
            return Err(NotificationRefusal::Followed { server_id, session });
        }
        Ok(Notified { server_id, session, ui_mode, initiator, zero_nonce, digest: package.digest })
    }

    /// Begins the session that a notification asked for: its identifier, and Alert 1200. After a notification with the
    /// nonce zero the credentials of both sides begin with that nonce, and what the session leaves are new ones.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_notified_session(
        &self,
        notified: &Notified,
        syntax: Syntax,
        random: &dyn Random,
    ) -> Result<ClientSession, StartError> {
        let invitation = Invitation {
            server_id: &notified.server_id,
            number: notified.session.0.get(),
            zero_nonce: notified.zero_nonce,
            alert: AlertCode::SERVER_INITIATED,
            notification: Some(notified.digest),
        };
        ClientSession::start(&self.tree, self.generation, &invitation, syntax, random)
    }

    /// Remembers that a notification was followed.
    pub(super) fn follow(&mut self, notification: [u8; Package0::DIGEST]) {
        self.followed.push_back(notification);
        if self.followed.len() > REMEMBERED {
            self.followed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
