//! The user's PIN and the channel that it travels by: never the message that it is the key of.

use async_trait::async_trait;

use crate::{
    ident::{JobId, Msisdn, Pin, Timestamp},
    job::JobKey,
    profile::PinChannel,
};

/// A PIN on its way to the user.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What the user will enter.
    pub pin: Pin,
    /// How it gets there.
    pub channel: PinChannel,
}

/// What a system of the operator is told, so that it tells the user.
#[derive(Debug, Clone)]
pub struct PinNote {
    /// The job.
    pub job: JobId,
    /// The caller's name for it.
    pub key: Option<JobKey>,
    /// The device's number.
    pub msisdn: Msisdn,
    /// What the user will enter.
    pub pin: Pin,
    /// Until when it is of use.
    pub expires: Timestamp,
}

/// Tells a system of the operator.
#[async_trait]
pub trait PinPost: std::fmt::Debug + Send + Sync {
    /// Tells it once, or again: the same job and PIN may come more than once.
    ///
    /// # Errors
    /// [`PinError`].
    async fn post(&self, note: &PinNote) -> Result<(), PinError>;
}

/// Why a PIN was not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// It will never be taken.
    #[error("the system that is told PINs refuses it: {why}")]
    Refused {
        /// Why, without the PIN.
        why: String,
    },
    /// Another try may succeed.
    #[error("the system that is told PINs does not answer: {why}")]
    Unavailable {
        /// Why, without the PIN.
        why: String,
    },
}

impl Letter {
    /// Whether it still has to be sent: what is printed is given to whoever asked for the job, and not sent.
    pub fn is_sent(&self) -> bool {
        self.channel != PinChannel::Printed
    }

    /// Whether it is sent before the push is: by the operator's own system. Short messages of ours go behind it.
    pub fn goes_first(&self) -> bool {
        self.channel == PinChannel::Webhook
    }
}
