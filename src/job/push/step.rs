//! Which step of a push job comes next. Pure: from what is recorded, and what the gateway says.

use std::time::Duration;

use crate::{
    ident::{JobId, Timestamp},
    job::{Event, Reason, State},
    wire::pap::{MessageState, PushId, PushIdError},
};

use super::{Order, PushStanding};

/// How long after its time an end of a push may still be told: the network takes until then to deliver it, and its receipts
/// come later (`[ppg] receipt-timeout` is as long by default).
pub const LATE_RECEIPTS: Duration = Duration::from_secs(24 * 3600);

/// What is known of a push job.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Where it stands.
    pub state: State,
    /// What is kept of it sealed.
    pub order: &'a Order,
    /// What the gateway says of its push: asked from `delivering` on.
    pub standing: Option<&'a PushStanding>,
    /// The time.
    pub now: Timestamp,
}

/// How the reason of a job begins that was called off, whoever has said so first.
pub(super) const CALLED_OFF: &str = "called off";

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Register the account at the DM server, and record that.
    Register,
    /// Tell the user's PIN over its own channel, and forget it.
    SendPin,
    /// Hand the push to the gateway.
    Submit,
    /// Record this.
    Tell(Event),
    /// Wait until the gateway says something else.
    Wait,
    /// Nothing: the job has ended, or only the device can bring it further.
    End,
}

/// Which step comes next.
///
/// | the job is   | and                                   | next                               |
/// |--------------|---------------------------------------|------------------------------------|
/// | `queued`     | its time has run out                  | record `time-up`                   |
/// | `queued`     |                                       | register the account               |
/// | `registered` | its time has run out                  | record `time-up`                   |
/// | `registered` |                                       | record `built`                     |
/// | `prepared`   | its time has run out                  | record `time-up`                   |
/// | `prepared`   | a PIN is to be told by webhook        | send the PIN                       |
/// | `prepared`   |                                       | record `started`                   |
/// | `delivering` | the gateway never had it, in time     | submit                             |
/// | `delivering` | the gateway never had it, too late    | record `ran-out`                   |
/// | `delivering` | the gateway had it and has lost it    | record `unclear`                   |
/// | `delivering` | it is pending or delivered, or the gateway cannot tell, and a PIN is to go by short message in time | send the PIN |
/// | `delivering` | it is pending                         | wait                               |
/// | `delivering` | it is delivered                       | record `confirmed`                 |
/// | `delivering` | the gateway cannot tell               | record `unclear`                   |
/// | `delivering` | it has expired                        | record `ran-out`                   |
/// | `delivering` | it was taken back                     | record `called-off`                |
/// | `delivering` | it has ended in another way           | record `failed`                    |
/// | `unknown`    | as `delivering`; but the gateway cannot tell, or knows nothing | wait, and end when nothing can be told any more |
/// | any other    |                                       | nothing                            |
pub fn next(facts: Facts<'_>) -> Next {
    let Facts { state, order, standing, now } = facts;
    let late = now >= order.expires;
    let over = now >= order.expires.plus(LATE_RECEIPTS);
    let reason = |why: &str| Reason::new(why);
    match state {
        State::Queued | State::Registered | State::Prepared if late => {
            Next::Tell(Event::TimeUp { reason: reason("its time ran out before anything was sent") })
        }
        State::Queued => Next::Register,
        State::Registered => Next::Tell(Event::PayloadBuilt),
        State::Prepared if order.letter.as_ref().is_some_and(super::Letter::goes_first) => Next::SendPin,
        State::Prepared => Next::Tell(Event::DeliveryStarted),
        State::Delivering | State::Unknown => match standing {
            None if order.push.is_some() && !late => Next::Submit,
            None if order.push.is_some() => {
                let why = "its time ran out before the push gateway took it";
                Next::Tell(Event::DeliveryExpired { reason: reason(why) })
            }
            None => unclear(state, over, "the push gateway does not know the push any more"),
            Some(PushStanding { state: stands, why }) => match stands {
                // A network that tells nothing more may have it all the same.
                MessageState::Pending | MessageState::Delivered | MessageState::Unknown
                    if pin_is_due(order) && !late =>
                {
                    Next::SendPin
                }
                MessageState::Pending => Next::Wait,
                MessageState::Delivered => Next::Tell(Event::DeliveryConfirmed),
                MessageState::Unknown => unclear(state, over, why),
                // It is ours alone: whoever calls the job off takes its push back, and is named by that. They may not have
                // said so of the job yet.
                MessageState::Cancelled if why.starts_with(CALLED_OFF) => {
                    Next::Tell(Event::CalledOff { reason: reason(why) })
                }
                MessageState::Cancelled => {
                    Next::Tell(Event::CalledOff { reason: reason(&format!("{CALLED_OFF}: {why}")) })
                }
                MessageState::Expired => Next::Tell(Event::DeliveryExpired { reason: reason(why) }),
                MessageState::Rejected
                | MessageState::Undeliverable
                | MessageState::Aborted
                | MessageState::Timeout => {
                    let why = format!("the push is {stands}: {why}");
                    Next::Tell(Event::Failed { reason: reason(&why) })
                }
            },
        },
        State::Delivered
        | State::ReHomed
        | State::HandedOff
        | State::Failed
        | State::Expired
        | State::Cancelled => Next::End,
    }
}

/// Whether the PIN has still to go by a short message of its own: not before the push is the gateway's, so that nobody gets
/// a PIN for what was refused.
fn pin_is_due(order: &Order) -> bool {
    order.letter.as_ref().is_some_and(super::Letter::is_sent)
}

fn unclear(state: State, over: bool, why: &str) -> Next {
    match (state, over) {
        (State::Unknown, true) => Next::End,
        (State::Unknown, false) => Next::Wait,
        _ => Next::Tell(Event::DeliveryUnclear { reason: Reason::new(why) }),
    }
}

/// The id of a job's push: made of the job's, so that whoever goes on with a job finds the push that was handed in.
///
/// # Errors
/// Never: the name of a job has 26 letters and digits.
pub fn push_id(job: JobId) -> Result<PushId, PushIdError> {
    format!("{job}@bootgate").parse()
}

/// The id of the short message with the PIN.
///
/// # Errors
/// Never, as for [`push_id`].
pub fn pin_id(job: JobId) -> Result<PushId, PushIdError> {
    format!("{job}.pin@bootgate").parse()
}
