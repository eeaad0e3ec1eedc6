//! Why a session cannot be opened, or cannot go on.

use crate::{
    ident::ServerId,
    phone::account::AccountError,
    wire::{DecodeError, EncodeError},
};

/// Why no session can be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no account of that server.
    #[error("the phone has no account of server {server_id}; bootstrap it first")]
    NoAccount {
        /// The server.
        server_id: ServerId,
    },
    /// The account is not complete.
    #[error("the account cannot be used: {0}")]
    Account(#[from] AccountError),
    /// The account asks for credentials that the phone cannot make or check.
    #[error(
        "the account's {level} has no complete BASIC or DIGEST entry (AAuthType, AAuthName, AAuthSecret)"
    )]
    NoCredentials {
        /// `CLCRED` or `SRVCRED`.
        level: &'static str,
    },
    /// 0 stands in bootstraps; sessions begin at 1.
    #[error("a session number is 1 to 65535")]
    SessionNumber,
}

/// Why a session cannot go on. It is then over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// It was not this session's turn to send or to be answered.
    #[error("the session is {is}; {asked} is not possible")]
    OutOfTurn {
        /// What it is.
        is: &'static str,
        /// What was asked of it.
        asked: &'static str,
    },
    /// The answer is of another type than the request.
    #[error("the answer is {got:?}; a request of type {sent} is answered in kind")]
    ContentType {
        /// What the answer says.
        got: String,
        /// What was sent.
        sent: &'static str,
    },
    /// The answer is larger than the phone said it takes.
    #[error("the answer has {got} octets; the phone takes {limit}, as MaxMsgSize says")]
    TooLarge {
        /// How large it is.
        got: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The answer is not a SyncML message.
    #[error("the answer is not a SyncML message: {0}")]
    Malformed(#[from] DecodeError),
    /// The answer does not belong to this session.
    #[error("{field} of the answer is {got:?}, expected {expected:?}")]
    Mismatch {
        /// The field.
        field: &'static str,
        /// What it says.
        got: String,
        /// What it should say.
        expected: String,
    },
    /// The answer has no status for the header of the phone's message.
    #[error("the answer has no Status for the SyncHdr of message {msg_id}")]
    NoHeaderStatus {
        /// `MsgID` of the message.
        msg_id: u32,
    },
    /// `RespURI` cannot be followed.
    #[error("RespURI is not the URL of an HTTP server, or leads from https to http")]
    BadRespUri,
    /// What the phone has to say cannot be written down.
    #[error("the message cannot be written: {0}")]
    Unwritable(#[from] EncodeError),
}
