//! Leave to go: before the first octet of a dispatch goes out it is written down that it may have gone. Only as many as fit
//! the windows ask at a time, so that no more are in doubt when the process is killed, however many wait.
//!
//! | a flight that                      | waits in  | counts as leaving |
//! |------------------------------------|-----------|-------------------|
//! | has not asked                      | `unasked` | no                |
//! | has asked                          | nowhere   | yes               |
//! | may leave, with segments to send   | `queue`   | yes               |
//! | was sent whole, without all answers| nowhere   | yes               |
//! | was refused for now                | `later`   | no                |
//!
//! What was refused for now and has not begun says that it stayed, and asks again.

use std::time::Duration;

use super::Link;
use crate::bearer::{
    Asking, DispatchId, Event,
    smpp::{Action, flight::Leave},
};

impl Link {
    /// Puts a flight where it is seen next.
    pub(super) fn enqueue(&mut self, id: DispatchId) {
        let write_ahead = self.settings.write_ahead;
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let rank = flight.rank();
        match flight.leave {
            Leave::Unasked if write_ahead => drop(self.unasked.insert(rank, id)),
            Leave::Asked(_) => {}
            Leave::Unasked | Leave::Given(_) => {
                self.leaving += usize::from(!std::mem::replace(&mut flight.counts, true));
                self.queue.insert(rank, id);
            }
        }
    }

    /// Asks for as many as may be in doubt, once there is a bind that they could go over.
    pub(super) fn ask(&mut self) {
        let most = usize::from(self.settings.pace.window.max(1)) * usize::from(self.settings.binds.max(1));
        while !self.stopping && self.leaving < most && !self.unasked.is_empty() && self.bound() > 0 {
            let Some((_, id)) = self.unasked.pop_first() else { return };
            let Some(flight) = self.flights.get_mut(&id) else { continue };
            let asking = Asking::new(id);
            (flight.leave, flight.counts) = (Leave::Asked(asking), true);
            self.leaving += 1;
            self.actions.push(Action::Tell(Event::Leaving(asking)));
        }
    }

    /// It is written down that it may have left. Word for an earlier question, or for that of another link, lets nothing go.
    pub(super) fn may_leave(&mut self, asked: Asking) {
        let flight = self.flights.get_mut(&asked.id);
        if let Some(flight) = flight.filter(|flight| flight.leave == Leave::Asked(asked)) {
            flight.leave = Leave::Given(asked);
            self.queue.insert(flight.rank(), asked.id);
        }
    }

    /// Lets a flight wait until then; of one that is whole nothing has left after all.
    pub(super) fn put_off(&mut self, id: DispatchId, until: Duration) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        self.queue.remove(&flight.rank());
        self.leaving -= usize::from(std::mem::take(&mut flight.counts));
        if let Leave::Given(asked) = flight.leave
            && flight.is_whole()
        {
            flight.leave = Leave::Unasked;
            self.actions.push(Action::Tell(Event::Stayed(asked)));
        }
        self.later.insert((until, id));
    }
}
