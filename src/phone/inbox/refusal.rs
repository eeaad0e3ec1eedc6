//! Why a message was dropped.

use crate::{phone::NotificationRefusal, wire::DecodeError};

/// Why the phone drops a message before it looks at its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InboxRefusal {
    /// It is data, and for nobody.
    #[error("data without a port; a push has port 2948 in the header of every segment")]
    NoPort,
    /// It is for another application than the push client.
    #[error("data for port {got}; pushes come to port 2948")]
    Port {
        /// The port.
        got: u16,
    },
    /// It is no push.
    #[error("not a WSP push: {0}")]
    Malformed(#[from] DecodeError),
    /// It wants a confirmation, which needs a session.
    #[error("a ConfirmedPush has its place in a WSP session only; expected a Push")]
    Confirmed,
    /// Its content is for another application.
    #[error("the push is for application {got}, which does not take such content")]
    Application {
        /// The application.
        got: String,
    },
    /// Nobody vouches for its initiator.
    #[error(
        "no gateway vouches for the initiator: the Push-Flag {}; this phone takes pushes of authenticated initiators only",
        if *.missing { "is missing" } else { "does not say that it was authenticated" }
    )]
    Unauthenticated {
        /// Whether there is no flag at all.
        missing: bool,
    },
    /// Its initiator is none of those that the phone trusts.
    #[error("the initiator is {}; it is none of those that this phone trusts", .got.as_deref().unwrap_or("not named"))]
    Initiator {
        /// `X-Wap-Initiator-URI`.
        got: Option<String>,
    },
    /// A notification that the phone does not follow.
    #[error(transparent)]
    Notification(#[from] NotificationRefusal),
}

impl serde::Serialize for InboxRefusal {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
