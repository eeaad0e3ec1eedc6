//! Why a push job was not accepted, or cannot go on.

use crate::{
    bootstrap::{BootstrapError, mac::MacError},
    handoff::HandoffError,
    job::{JobsError, TargetError},
};

use super::GatewayError;

/// Why a push job was not accepted, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushJobError {
    /// The profile hands devices to no server that is here.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Nobody knows where to push to.
    #[error("a push needs the telephone number of the device (msisdn); give it")]
    NoMsisdn,
    /// The profile does not say how a push is authenticated.
    #[error(
        "the profile has no [security], so it is for cards only: a push must be authenticated; \
         add [security] with a method, for example method = \"usernetwpin\""
    )]
    NoSecurity,
    /// The profile does not become a payload.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The payload was not signed.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// A PIN was given that nothing is signed with.
    #[error("a PIN was given, and the method {method} of the profile has none; leave it out")]
    NoPinWanted {
        /// The method.
        method: &'static str,
    },
    /// A PIN cannot have so many digits.
    #[error("no PIN can be drawn: {0}")]
    Pin(#[from] crate::ident::IdentError),
    /// The profile's channel for PINs is not there.
    #[error("the profile's pin-channel is `{channel}`, and {why}")]
    NoChannel {
        /// The channel.
        channel: &'static str,
        /// What is missing, and what to do.
        why: &'static str,
    },
    /// No gateway is configured.
    #[error("there is no push gateway here; configure one ([ppg] and a route to an SMSC)")]
    NoGateway,
    /// The account cannot be registered.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// The gateway does not take the push.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The job could not be kept, found or changed.
    #[error(transparent)]
    Jobs(#[from] JobsError),
}
