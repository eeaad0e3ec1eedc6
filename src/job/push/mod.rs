//! A job by the push route: from a profile and a telephone number to a bootstrap that the network has delivered, with every
//! state recorded before what it allows is done.
//!
//! | step                                                        | state after              | when it fails      |
//! |-------------------------------------------------------------|--------------------------|--------------------|
//! | fill in the profile, build, sign, draw the PIN: [`prepare()`] | no job yet               | no job             |
//! | keep the job with its [`Order`], sealed                     | `queued`                 | no job             |
//! | register the account at the DM server                       | `registered`             | tried again        |
//! | have the payload ready                                      | `prepared`               |                    |
//! | tell the user's PIN, where a system of the operator does    | `prepared`               | tried again, then `failed` |
//! | hand the push to the gateway, under an id made of the job's | `delivering`             | tried again, then `failed` |
//! | tell the user's PIN by a short message of its own           | `delivering`             | tried again, then `failed` |
//! | hear from the gateway what became of it                     | `delivered`, `unknown`   | `failed`, `expired` |
//!
//! [`next`] says which step comes next, from what is recorded alone; [`PushRoute::run`] does it. So a job that a process
//! left behind goes on in another one where it stood: the gateway knows the push by its id and takes it once.

mod call_off;
mod error;
mod gateway;
mod letter;
mod order;
mod prepare;
mod route;
mod step;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    bootstrap::PayloadKind,
    ident::Pin,
    profile::{Profile, Subscriber},
};

use super::JobKey;

pub use call_off::CallOff;
pub use error::PushJobError;
pub use gateway::{GatewayError, PushContent, PushEntity, PushGateway, PushOrder, PushStanding};
pub use letter::{Letter, PinError, PinNote, PinPost};
pub use order::{Order, OrderError, Orders};
pub use prepare::{Prepared, prepare};
pub use route::{PushAccepted, PushRoute};
pub use step::{Facts, LATE_RECEIPTS, Next, next, pin_id, push_id};

/// What is to be pushed.
#[derive(Debug, Clone)]
pub struct PushJob {
    /// The caller's name for the job.
    pub key: Option<JobKey>,
    /// The profile.
    pub profile: Profile,
    /// The subscriber's numbers, as far as they are known; the telephone number must be.
    pub subscriber: Subscriber,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The PIN that the user knows already; with USERPINMAC, the first half of what the user will enter. Without it one is
    /// drawn.
    pub pin: Option<Pin>,
    /// How long the network may try.
    pub validity: Duration,
    /// Who asks.
    pub creator: Option<String>,
    /// A digest of all that was asked for, by which the same request under the same key is known.
    pub asked: [u8; 32],
}
