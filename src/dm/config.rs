//! What the server is told when it starts, and what it gives back for a request.

use std::time::Duration;

use crate::ident::ServerId;

/// How the server presents itself and where its limits are.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's own URI as devices know it: `AppAddr/Addr` of their account, `LocURI` of Source.
    pub uri: String,
    /// The server's identifier, `LocName` of Source.
    pub server_id: ServerId,
    /// The largest message that is taken, in octets; devices are told (`MaxMsgSize`).
    pub max_message_size: usize,
    /// The largest object that is put together from chunks, in octets; devices are told (`MaxObjSize`).
    pub max_object_size: usize,
    /// How many sessions are kept at most. When there is one more, the one that was idle longest makes room, those
    /// of strangers before those of devices that proved themselves.
    pub session_cap: usize,
    /// How long a session is kept that does not go on.
    pub idle_time: Duration,
}

/// The answer to one request, for whatever carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// How the carrier should say it.
    pub outcome: Outcome,
    /// The content type of the body, that of the request; `None` when there is no body.
    pub content_type: Option<&'static str>,
    /// The octets of the answering message.
    pub body: Vec<u8>,
}

/// How a request was taken, whatever the carrier calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The body is a SyncML message (HTTP: 200), also when that message says no.
    Ok,
    /// The body is not a SyncML message of that content type (HTTP: 400).
    BadRequest,
    /// The content type is none of SyncML's (HTTP: 415).
    UnsupportedType,
    /// The body is larger than [`Config::max_message_size`] (HTTP: 413).
    TooLarge,
    /// The accounts cannot be reached, or all sessions are busy; the same request may succeed later (HTTP: 503).
    Unavailable,
}
