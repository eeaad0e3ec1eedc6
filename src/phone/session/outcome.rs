//! How a management session ended.

use std::fmt;

use serde::Serialize;

use crate::{
    ident::{ServerId, counted},
    wire::syncml::StatusCode,
};

/// How a session ended, who proved itself to whom, and what was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The server.
    pub server_id: ServerId,
    /// Why it ended.
    pub end: End,
    /// Whether the server took the phone's credentials.
    pub client: ClientAuth,
    /// Whether the server proved itself.
    pub server: ServerAuth,
    /// How many messages the phone sent.
    pub messages: u32,
    /// What the server had executed, in order.
    pub commands: Vec<Executed>,
}

impl Outcome {
    /// True when each side proved itself to the other.
    pub fn authenticated_both_ways(&self) -> bool {
        matches!(self.client, ClientAuth::Accepted { .. })
            && matches!(self.server, ServerAuth::Authenticated { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server_id, end, client, server, messages, commands } = self;
        write!(f, "session with {server_id}: {end}; {client}; {server}; ")?;
        write!(f, "{} sent, {}", counted(*messages, "message"), counted(commands.len(), "command"))
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum End {
    /// The server had nothing more to say.
    Complete,
    /// The server gave it up (Alert 1223).
    Aborted,
    /// The server does not take the phone's credentials.
    ClientRefused {
        /// 401 or 407.
        code: u16,
    },
    /// The server does not prove itself, and the account asks for that.
    ServerNotAuthenticated,
    /// The server refuses the message for another reason.
    Refused {
        /// Its status for the header.
        code: u16,
    },
    /// It went on for longer than a phone would bear.
    TooManyMessages,
    /// An answer was not one, or none came.
    Interrupted,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Aborted => f.write_str("given up by the server"),
            Self::ClientRefused { code } => write!(f, "the server refuses the phone's credentials ({code})"),
            Self::ServerNotAuthenticated => f.write_str("the server did not prove itself"),
            Self::Refused { code } => write!(f, "the server refuses the message ({code})"),
            Self::TooManyMessages => f.write_str("too many messages"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// A way of proving oneself inside SyncML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `syncml:auth-basic`.
    Basic,
    /// `syncml:auth-md5`.
    Md5,
}

impl Scheme {
    /// The scheme behind a value of `AAuthType`.
    pub(super) fn of_auth_type(kind: &str) -> Option<Self> {
        match kind {
            "BASIC" => Some(Self::Basic),
            "DIGEST" => Some(Self::Md5),
            _ => None,
        }
    }

    /// The scheme behind `Meta/Type` of `Cred` and `Chal`.
    pub(super) fn of_meta(kind: &str) -> Option<Self> {
        [Self::Basic, Self::Md5].into_iter().find(|s| s.as_str() == kind.trim())
    }

    /// `Meta/Type` of `Cred` and `Chal`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "syncml:auth-basic",
            Self::Md5 => "syncml:auth-md5",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of the phone's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum ClientAuth {
    /// None were sent, and the server asked for none.
    NotAsked,
    /// They were sent, and no answer came.
    Unanswered,
    /// The server took them.
    Accepted {
        /// Of what kind they were.
        scheme: Scheme,
    },
    /// The server did not take them, or asked for others than the account has.
    Refused {
        /// 401 or 407.
        code: u16,
    },
}

impl fmt::Display for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("the server asked for no credentials"),
            Self::Unanswered => f.write_str("the phone's credentials were not answered"),
            Self::Accepted { scheme } => write!(f, "the phone proved itself ({scheme})"),
            Self::Refused { code } => write!(f, "the phone did not prove itself ({code})"),
        }
    }
}

/// What became of the server's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum ServerAuth {
    /// The account asks for none.
    NotAsked,
    /// No message of the server came yet.
    Unanswered,
    /// They are right.
    Authenticated {
        /// Of what kind they were.
        scheme: Scheme,
    },
    /// There were none.
    Missing,
    /// They are wrong.
    Wrong,
}

impl fmt::Display for ServerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("the account asks for no credentials of the server"),
            Self::Unanswered => f.write_str("no message of the server came"),
            Self::Authenticated { scheme } => write!(f, "the server proved itself ({scheme})"),
            Self::Missing => f.write_str("the server sent no credentials"),
            Self::Wrong => f.write_str("the server's credentials are wrong"),
        }
    }
}

/// A command that the server sent, and the status that it was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Executed {
    /// `Get`, `Atomic`, …
    pub command: String,
    /// The target, when it has one.
    pub target: Option<String>,
    /// The status.
    #[serde(serialize_with = "number")]
    pub code: StatusCode,
}

fn number<S: serde::Serializer>(code: &StatusCode, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_u16(code.0)
}
