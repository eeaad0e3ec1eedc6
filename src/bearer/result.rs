//! What gateways that are not ours tell of pushes that were handed to them.

use async_trait::async_trait;

use super::ReceiptState;
use crate::wire::pap::ResultNotification;

/// What a gateway tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A push came to its end for one address (PAP `resultnotification-message`).
    Result(Box<ResultNotification>),
    /// A segment came to be in a state (the DLR of Kannel).
    Receipt {
        /// Our own number for the segment.
        segment: String,
        /// The state.
        state: ReceiptState,
    },
}

/// What becomes of what is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was taken.
    Taken,
    /// It is of nothing that is waited for.
    Strange,
    /// It cannot be kept now; it is to be told again.
    NotNow,
}

/// Who wants to know. Gateways tell a thing again until it was taken, so each may come several times.
#[async_trait]
pub trait Results: Send + Sync {
    /// Takes what was told. It says so once that is kept.
    async fn told(&self, told: Told) -> Heard;
}
