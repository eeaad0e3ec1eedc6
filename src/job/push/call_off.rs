//! Calls a push job off: as long as nothing of it has left.

use crate::{
    ident::JobId,
    job::{Event, JobsError, Reason, Record, Route, State},
};

use super::{PushJobError, PushRoute, push_id, step::CALLED_OFF};

/// What came of it.
#[derive(Debug)]
pub enum CallOff {
    /// It is cancelled, now or before.
    Done(Record),
    /// It cannot be called off any more, and why.
    TooLate {
        /// The job as it is.
        record: Record,
        /// Why.
        why: &'static str,
    },
}

impl PushRoute {
    /// Calls a job off: at once while nothing was handed to the gateway, else when the gateway takes its push back.
    ///
    /// # Errors
    /// [`PushJobError`]; among them [`JobsError::NotFound`].
    pub async fn call_off(&self, id: JobId, by: &str) -> Result<CallOff, PushJobError> {
        // The push says so, too: whoever looks at it before the job is told takes its word for it.
        let why = format!("{CALLED_OFF} by {by}");
        let event = Event::CalledOff { reason: Reason::new(&why) };
        // A second time where the job went on meanwhile.
        for _ in 0..2 {
            let record = self.record(id).await?;
            let too_late = |record, why| Ok(CallOff::TooLate { record, why });
            if record.job.route != Route::Push {
                return too_late(record, "it goes another way than over the air");
            }
            let back = match record.job.state {
                State::Cancelled => return Ok(CallOff::Done(record)),
                State::Queued | State::Registered | State::Prepared => true,
                State::Delivering | State::Unknown => {
                    let push = push_id(id).map_err(|_| JobsError::NotFound { id })?;
                    self.gateway.cancel(&push, &why).await?
                }
                State::Delivered | State::ReHomed | State::HandedOff => {
                    return too_late(record, "its push was delivered");
                }
                State::Failed | State::Expired => return too_late(record, "it has ended"),
            };
            if !back {
                return too_late(record, "its push has left, or is about to");
            }
            self.take_pin_back(id).await;
            if self.tell(id, &event).await? {
                return Ok(CallOff::Done(self.record(id).await?));
            }
        }
        let record = self.record(id).await?;
        match record.job.state {
            State::Cancelled => Ok(CallOff::Done(record)),
            _ => Ok(CallOff::TooLate { record, why: "it goes on at this moment; try again" }),
        }
    }
}
