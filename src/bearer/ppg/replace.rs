//! Making way for a push that replaces another (WAP-247-PAP, `replace-push-id`): what of the other one has not left is to wait
//! when the new one is kept, also where a bearer has it, here or in another process on the same outbox. The outbox then ends
//! the one and keeps the other in one step: a process that is killed in between leaves the old push or the new one, and not
//! neither.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Ppg,
    take_back::{GLANCE, PATIENCE, STEP},
};
use crate::{
    bearer::{DispatchId, NewPush, OutboxError, State},
    wire::pap::PushId,
};

/// How long what makes way waits. When the new push is not kept after all, the old one goes on then; longer than another
/// process is given.
const ASIDE: Duration = Duration::from_secs(10);

impl Ppg {
    /// Lets what has not left of `old` wait. What is being sent at the end of it has left, or its process does not answer.
    pub(super) async fn make_way(&self, new: &NewPush, old: &PushId) -> Result<(), OutboxError> {
        let outbox = &self.0.outbox;
        if outbox.find(&new.initiator, &new.push_id).await?.is_some() {
            // It will not be kept.
            return Ok(());
        }
        // Before the first look: what still waits then would be claimed behind its back, and be nobody's to take back.
        outbox.set_aside(&new.initiator, old, self.0.clock.now().plus(ASIDE)).await?;
        let (until, mut glance) = (Instant::now() + PATIENCE, GLANCE.0);
        loop {
            let Some(kept) = outbox.find(&new.initiator, old).await? else { return Ok(()) };
            let sending = kept.deliveries.iter().filter(|d| d.standing.state == State::Sending);
            let sending: Vec<DispatchId> = sending.map(|d| d.id).collect();
            let aside = self.0.clock.now().plus(ASIDE);
            // After the look: what a network refuses meanwhile waits, or is seen to wait the next time.
            outbox.set_aside(&new.initiator, old, aside).await?;
            // Those that were claimed a moment ago will be at our bearer in a moment.
            let coming = self.coming(&sending.iter().copied().collect(), &BTreeSet::new());
            let held = self.hold_back(&sending, aside).await?;
            let open: Vec<DispatchId> = sending.into_iter().filter(|id| !held.contains(id)).collect();
            let coming = open.iter().any(|id| coming.contains(id));
            // What our own bearer does not give back has left.
            let theirs: Vec<DispatchId> = {
                let ours = self.under_way();
                open.into_iter().filter(|id| !ours.contains_key(id)).collect()
            };
            if theirs.is_empty() && !coming || Instant::now() >= until {
                return Ok(());
            }
            if !theirs.is_empty() {
                outbox.call_back(theirs, Some(aside)).await?;
            }
            sleep(if coming { STEP } else { glance }).await;
            glance = (glance * 2).min(GLANCE.1);
        }
    }
}
