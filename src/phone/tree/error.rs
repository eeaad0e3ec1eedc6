//! Why the tree refuses a command, and the status that says so (OMA DM RepPro 1.2, section 10).

use crate::wire::syncml::StatusCode;

use super::{Right, Uri};

/// Why the tree does not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The address is not one.
    #[error("this is not an address in the tree: {why}")]
    BadUri {
        /// What is wrong and what is right.
        why: &'static str,
    },
    /// The address is longer than the phone's `./DevDetail/URI` says.
    #[error("the address is too long: at most {limit} {what}")]
    UriTooLong {
        /// What was counted.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// The text is not an access control list.
    #[error("this is not an access control list: {why}")]
    BadAcl {
        /// What is wrong and what is right.
        why: &'static str,
    },
    /// There is no such node.
    #[error("there is no such node")]
    NotFound,
    /// There is such a node already.
    #[error("the node is there already")]
    Exists,
    /// There is an object already where one of several would go.
    #[error("{at} is there already")]
    Occupied {
        /// Its node.
        at: Uri,
    },
    /// The node does not take this command from anybody.
    #[error("the node does not take this command: {why}")]
    NotAllowed {
        /// Why.
        why: &'static str,
    },
    /// The phone will not do it, whoever asks.
    #[error("the phone refuses this command: {why}")]
    Forbidden {
        /// Why.
        why: &'static str,
    },
    /// The access control list does not grant it.
    #[error("the access control list does not grant {right:?} to this server")]
    Denied {
        /// The right that is missing.
        right: Right,
    },
    /// The value is too long.
    #[error("the value has {got} octets; at most {limit} are kept")]
    TooLarge {
        /// How long it is.
        got: usize,
        /// How long it may be.
        limit: usize,
    },
    /// There are too many nodes.
    #[error("the tree is full: at most {limit} nodes")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// The format does not exist or does not fit the node.
    #[error("the format is unknown, or does not fit the node")]
    UnsupportedFormat,
    /// The value is not what its format says.
    #[error("the value is not what its format says: {why}")]
    BadValue {
        /// What is wrong.
        why: &'static str,
    },
    /// The phone does not have this optional property or feature.
    #[error("this phone does not have {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// The command lacks something.
    #[error("the command lacks its {what}")]
    Incomplete {
        /// What is missing.
        what: &'static str,
    },
}

impl TreeError {
    /// The status that a server is answered with (OMA DM RepPro 1.2, section 10).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadUri { .. } | Self::BadAcl { .. } | Self::BadValue { .. } => StatusCode::BAD_REQUEST,
            Self::UriTooLong { .. } => StatusCode(414),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Exists | Self::Occupied { .. } => StatusCode::EXISTS,
            Self::NotAllowed { .. } => StatusCode::NOT_ALLOWED,
            Self::Forbidden { .. } => StatusCode(403),
            Self::Denied { .. } => StatusCode::PERMISSION_DENIED,
            Self::TooLarge { .. } => StatusCode(413),
            Self::Full { .. } => StatusCode(420),
            Self::UnsupportedFormat => StatusCode::UNSUPPORTED_FORMAT,
            Self::Unsupported { .. } => StatusCode::NOT_SUPPORTED,
            Self::Incomplete { .. } => StatusCode(412),
        }
    }
}
