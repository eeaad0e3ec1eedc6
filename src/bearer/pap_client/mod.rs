//! The push initiator: hands pushes to a Push Proxy Gateway that is not ours, asks where they are, and cancels them
//! (PAP over HTTP, WAP-247-PAP, section 8).
//!
//! Requests have the header fields that they must have and no others. Answers are read leniently. A gateway that would
//! carry a push otherwise than it is meant is not asked at all; see [`Capabilities`].

mod capabilities;
mod content;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::post::{Answer, Endpoint, Patience, PostError, post};
use crate::wire::pap::{
    self, CancelMessage, CancelResponse, Message, Pap, PushId, PushMessage, PushResponse, StatusCode,
    StatusQuery, StatusResponse, Strictness,
    multipart::{self, Entity},
};

pub use capabilities::{Capabilities, GatewayKind, Unfit, UnknownGatewayKind};
pub use content::Content;
pub use error::PapError;

/// How we prove to a gateway who we are. `Debug` does not show it.
#[derive(Clone)]
pub enum Credentials {
    /// `Authorization: Basic` (RFC 7617).
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// `Authorization: Bearer` (RFC 6750).
    Bearer(Zeroizing<String>),
}

/// A Push Proxy Gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// What people call it: its name in the configuration, or where it is.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Who we are to it.
    pub credentials: Option<Credentials>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How long it may take.
    pub patience: Patience,
}

/// A push initiator at one gateway.
#[derive(Debug, Clone)]
pub struct PapClient {
    gateway: Gateway,
}

impl PapClient {
    /// An initiator at that gateway.
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Whether the gateway carries a push as it is meant, without asking it.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn admit(&self, push: &PushMessage, content: &Content) -> Result<(), Unfit> {
        self.gateway.capabilities.admit(&self.gateway.name, push, content)
    }

    /// Hands a push in. When it returns, the gateway has accepted it; nothing is delivered yet.
    ///
    /// # Errors
    /// [`PapError`]; [`PapError::is_in_doubt`] says whether the gateway may have it all the same.
    pub async fn push(&self, push: &PushMessage, content: &Content) -> Result<PushResponse, PapError> {
        self.admit(push, content)?;
        let (content_type, body) = self.body(push, content);
        match self.ask(&content_type, body).await? {
            Message::PushResponse(answer) => {
                self.same(&push.push_id, &answer.push_id)?;
                self.success(answer.code, answer.desc.as_deref())?;
                Ok(answer)
            }
            other => Err(self.other(&other)),
        }
    }

    /// Asks where a push is.
    ///
    /// # Errors
    /// [`PapError`].
    pub async fn query(&self, query: StatusQuery) -> Result<StatusResponse, PapError> {
        self.gateway.capabilities.admit_query(&self.gateway.name)?;
        let push_id = query.push_id.clone();
        match self.tell(Message::StatusQuery(query)).await? {
            Message::StatusResponse(answer) => {
                self.same(&push_id, &answer.push_id)?;
                Ok(answer)
            }
            other => Err(self.other(&other)),
        }
    }

    /// Asks for a push not to be delivered. Each result of the answer says for itself whether it was done.
    ///
    /// # Errors
    /// [`PapError`].
    pub async fn cancel(&self, cancel: CancelMessage) -> Result<CancelResponse, PapError> {
        self.gateway.capabilities.admit_cancel(&self.gateway.name)?;
        let push_id = cancel.push_id.clone();
        match self.tell(Message::Cancel(cancel)).await? {
            Message::CancelResponse(answer) => {
                self.same(&push_id, &answer.push_id)?;
                Ok(answer)
            }
            other => Err(self.other(&other)),
        }
    }

    /// The body of a push, and the content type that goes with it.
    pub fn body(&self, push: &PushMessage, content: &Content) -> (String, Vec<u8>) {
        let control = Pap::new(Message::Push(push.clone())).encode();
        let entities = [Entity::new(pap::CONTENT_TYPE, control.as_bytes()), content.entity()];
        // What stands in a digest of the entities does not stand in the entities.
        let digest = Sha256::new().chain_update(&control).chain_update(&content.octets).finalize();
        let digits: String = digest.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
        let boundary = format!("bootgate-{digits}");
        let content_type = format!("multipart/related; boundary={boundary}; type=\"{}\"", pap::CONTENT_TYPE);
        (content_type, multipart::write(&boundary, &entities))
    }

    async fn tell(&self, message: Message) -> Result<Message, PapError> {
        self.ask(pap::CONTENT_TYPE, Pap::new(message).encode().into_bytes()).await
    }

    async fn ask(&self, content_type: &str, body: Vec<u8>) -> Result<Message, PapError> {
        let Gateway { name, endpoint, credentials, patience, .. } = &self.gateway;
        let fields: Vec<_> = credentials.iter().map(Credentials::field).collect::<Result<_, _>>()?;
        let Answer { status, body } = post(endpoint, content_type, &fields, body, patience).await?;
        let gateway = || name.clone();
        match status {
            401 | 403 => return Err(PapError::Denied { gateway: gateway(), status }),
            // Whatever PAP itself has to say comes with 202; some say 200.
            200..=299 => {}
            _ => return Err(PapError::Http { gateway: gateway(), status }),
        }
        let answer = Pap::decode(&body, Strictness::Lenient)
            .map_err(|source| PapError::Unreadable { gateway: gateway(), source })?;
        match answer.message {
            Message::BadMessage(bad) => {
                Err(PapError::Refused { gateway: gateway(), code: bad.code, desc: bad.desc })
            }
            message => Ok(message),
        }
    }

    fn success(&self, code: StatusCode, desc: Option<&str>) -> Result<(), PapError> {
        if code.is_success() {
            return Ok(());
        }
        let gateway = self.gateway.name.clone();
        Err(PapError::Refused { gateway, code, desc: desc.map(str::to_owned) })
    }

    fn same(&self, asked: &PushId, answered: &PushId) -> Result<(), PapError> {
        if asked == answered {
            return Ok(());
        }
        Err(PapError::Other { gateway: self.gateway.name.clone(), what: "for another push" })
    }

    fn other(&self, message: &Message) -> PapError {
        let what = match message {
            Message::PushResponse(_) => "as to a push",
            Message::CancelResponse(_) => "as to a cancellation",
            Message::StatusResponse(_) => "as to a status query",
            Message::CapabilitiesResponse(_) => "as to a query of capabilities",
            Message::ResultNotificationResponse(_) => "as to a result notification",
            _ => "with a request",
        };
        PapError::Other { gateway: self.gateway.name.clone(), what }
    }
}

impl Credentials {
    fn field(&self) -> Result<(HeaderName, HeaderValue), PostError> {
        let text = match self {
            Self::Basic { user, password } => {
                let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            Self::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.as_str())),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| PostError::Field { name: AUTHORIZATION })?;
        value.set_sensitive(true);
        Ok((AUTHORIZATION, value))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { user, .. } => write!(f, "Basic({user}, ***)"),
            Self::Bearer(_) => f.write_str("Bearer(***)"),
        }
    }
}
