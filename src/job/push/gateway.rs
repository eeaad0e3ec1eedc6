//! What a push job needs of a Push Proxy Gateway.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    ident::{Msisdn, Timestamp},
    wire::pap::{MessageState, PushId, StatusCode},
};

/// A gateway that takes pushes for good: what it has accepted it delivers, also after it was killed.
#[async_trait]
pub trait PushGateway: fmt::Debug + Send + Sync {
    /// Whether it has a way to devices at all.
    fn is_there(&self) -> bool {
        true
    }

    /// Whether it carries text for the user, too.
    fn carries_text(&self) -> bool;

    /// Whether it would take a push or a text, without taking it.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn admit(&self, _order: &PushOrder) -> Result<(), GatewayError> {
        Ok(())
    }

    /// Takes a push back of which nothing has left; false when it is too late or it never had it. From then on it says `why`
    /// of the push, as far as this process had it.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`].
    async fn cancel(&self, _id: &PushId, _why: &str) -> Result<bool, GatewayError> {
        Ok(false)
    }

    /// Hands a push in. One that it has under that id already is not sent again; that is no error.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn submit(&self, order: &PushOrder) -> Result<(), GatewayError>;

    /// Where a push is; none when the gateway never had it.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`].
    async fn standing(&self, id: &PushId) -> Result<Option<PushStanding>, GatewayError>;

    /// Waits until a push stands elsewhere than `seen`. It may return early.
    async fn changed(&self, id: &PushId, seen: &PushStanding);
}

/// What is handed to a gateway. `Debug` shows neither number nor content.
#[derive(Clone)]
pub struct PushOrder {
    /// The name under which it is accepted once.
    pub push_id: PushId,
    /// The device.
    pub to: Msisdn,
    /// What it gets.
    pub content: PushContent,
    /// From then on it is worth nothing.
    pub expires: Timestamp,
}

/// What a device gets.
#[derive(Clone)]
pub enum PushContent {
    /// A document, to the port for pushes.
    Push(PushEntity),
    /// Text for the user.
    Text(Arc<str>),
}

/// A document as a gateway takes it (WAP-247-PAP, section 8: the content entity).
#[derive(Clone, PartialEq, Eq)]
pub struct PushEntity {
    /// `Content-Type` with `SEC` and `MAC`, and what else goes with it to the device.
    pub fields: Vec<(String, String)>,
    /// The document.
    pub body: Arc<[u8]>,
    /// True where the profile asks by name for a bootstrap that nothing authenticates.
    pub unsigned: bool,
}

/// Where a push is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushStanding {
    /// The state.
    pub state: MessageState,
    /// Why, in words without number or content.
    pub why: String,
}

/// Why a gateway did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// It will never take it.
    #[error("the push gateway refuses it with {} ({}): {why}", .code.0, .code.text().unwrap_or("a code of its own"))]
    Refused {
        /// The code.
        code: StatusCode,
        /// In words.
        why: String,
    },
    /// It cannot do it now.
    #[error("the push gateway does not answer: {why}")]
    Unavailable {
        /// In words.
        why: String,
    },
}

impl fmt::Debug for PushOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushOrder({}, {:?}, until {})", self.push_id, self.content, self.expires)
    }
}

impl fmt::Debug for PushEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "push of {} octets", self.body.len())
    }
}

impl fmt::Debug for PushContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(entity) => entity.fmt(f),
            Self::Text(text) => write!(f, "text of {} characters", text.chars().count()),
        }
    }
}
