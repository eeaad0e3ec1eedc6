//! What the server tells about sessions, each thing once and after it became true.

use std::fmt;

use async_trait::async_trait;

use super::AccountId;
use crate::ident::Timestamp;
use crate::wire::syncml::AlertCode;

/// Something that happened in a session.
///
/// `device` is what the peer calls itself (`LocURI` of Source). In [`Event::Refused`] nobody has proved it: many
/// such events may come from one stranger.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Credentials were wrong.
    Refused {
        /// What the peer calls itself.
        device: String,
        /// `SessionID`.
        session_id: String,
        /// When.
        at: Timestamp,
        /// What followed.
        refusal: Refusal,
    },
    /// The device proved itself. Once in each session.
    Authenticated {
        /// By which account.
        account: AccountId,
        /// What the device calls itself.
        device: String,
        /// `SessionID`.
        session_id: String,
        /// When.
        at: Timestamp,
    },
    /// What the device says it is: `./DevInfo` and `./DevDetail`, once for an account.
    Inventory {
        /// Of which account.
        account: AccountId,
        /// What the device calls itself.
        device: String,
        /// When it was complete.
        at: Timestamp,
        /// URI and value of each leaf, in the order of the URIs.
        nodes: Vec<(String, String)>,
    },
    /// The device sent an alert that asks for no answer of the protocol (1224, 1226).
    Alerted {
        /// By which account.
        account: AccountId,
        /// What the device calls itself.
        device: String,
        /// When.
        at: Timestamp,
        /// The alert.
        code: AlertCode,
        /// `Meta/Type` of its first item.
        kind: Option<String>,
    },
    /// A session in which the device had proved itself is over.
    Closed {
        /// Of which account.
        account: AccountId,
        /// What the device calls itself.
        device: String,
        /// `SessionID`.
        session_id: String,
        /// When.
        at: Timestamp,
        /// Why.
        closing: Closing,
    },
}

/// What followed wrong credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The peer was given a fresh nonce and may try again: its nonce may only have been out of date.
    Challenged,
    /// The session is over.
    Ended,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closing {
    /// Nothing was left to do.
    Complete,
    /// The device gave up (Alert 1223), or answered the header with an error.
    Aborted,
    /// The device does not accept the server's credentials.
    ServerRefused,
    /// The device's credentials became wrong in the middle of the session.
    ClientRefused,
    /// The device needed more messages, or more room, than a session may have.
    Exhausted,
    /// The device did not go on in time, or the session was put out to make room, or the device began anew.
    Abandoned,
}

impl fmt::Debug for Event {
    /// An inventory shows as a number of nodes: what is in them is a payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { device, session_id, at, refusal } => {
                write!(f, "Refused({device}, session {session_id}, {at}, {refusal:?})")
            }
            Self::Authenticated { account, device, session_id, at } => {
                write!(f, "Authenticated({device}, account {account}, session {session_id}, {at})")
            }
            Self::Inventory { account, device, at, nodes } => {
                write!(f, "Inventory({device}, account {account}, {at}, {} nodes)", nodes.len())
            }
            Self::Alerted { account, device, at, code, .. } => {
                write!(f, "Alerted({device}, account {account}, {at}, {})", code.0)
            }
            Self::Closed { account, device, session_id, at, closing } => {
                write!(f, "Closed({device}, account {account}, session {session_id}, {at}, {closing:?})")
            }
        }
    }
}

/// Takes events. The answer to the device waits until an event was taken.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes one event.
    async fn on(&self, event: Event);
}
