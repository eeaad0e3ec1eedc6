//! Why a gateway did not do what it was asked for.

use crate::{
    bearer::PostError,
    wire::{DecodeError, pap::StatusCode},
};

use super::Unfit;

/// Why a gateway did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PapError {
    /// It would not do it as it is meant, so it was not asked.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There is no answer.
    #[error(transparent)]
    Post(#[from] PostError),
    /// It does not know us, or does not let us in.
    #[error("the gateway {gateway} does not let us in (HTTP status {status}); see user and password")]
    Denied {
        /// The gateway.
        gateway: String,
        /// 401 or 403.
        status: u16,
    },
    /// HTTP alone answered.
    #[error(
        "the gateway {gateway} answers with HTTP status {status} in place of a PAP answer; is the path of its URL right?"
    )]
    Http {
        /// The gateway.
        gateway: String,
        /// The status.
        status: u16,
    },
    /// What it answers cannot be read, so what it did is not known.
    #[error("the answer of the gateway {gateway} cannot be read, so what it did is not known")]
    Unreadable {
        /// The gateway.
        gateway: String,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// It answers something that was not asked.
    #[error("the gateway {gateway} answers {what}, so what it did is not known")]
    Other {
        /// The gateway.
        gateway: String,
        /// What it is.
        what: &'static str,
    },
    /// It refuses.
    #[error("the gateway {gateway} refuses: {code}{}", desc.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The gateway.
        gateway: String,
        /// Why.
        code: StatusCode,
        /// Why, in its own words.
        desc: Option<String>,
    },
}

impl PapError {
    /// Whether the gateway may have done what it was asked for all the same.
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Post(error) => error.is_in_doubt(),
            Self::Unreadable { .. } | Self::Other { .. } => true,
            // A server that broke off, or a proxy that did not hear from it in time, says nothing of what was done.
            Self::Http { status, .. } => *status >= 500,
            Self::Unfit(_) | Self::Denied { .. } | Self::Refused { .. } => false,
        }
    }

    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Post(PostError::Unreachable { .. }) => true,
            Self::Refused { code, .. } => code.is_transient(),
            Self::Http { status, .. } => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }
}
