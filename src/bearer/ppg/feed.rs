//! Feeding: what is due is claimed, lane by lane, and handed to the bearer.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

use super::{
    Ppg,
    engine::{BREATH, back},
    settings::back_off,
};
use crate::{
    bearer::{Bearer, Claimed, DispatchId, Event, Failure, Move, Report, State, Unreadable},
    wire::pap::StatusCode,
};

/// The longest time without looking whether something is due: the clock may be set.
const LOOK: Duration = Duration::from_secs(30);

impl Ppg {
    /// Claims what is due and hands it to the bearer, until `stop`. Each lane is claimed for as long as it has room: one that
    /// is stuck holds up no other. What was claimed and not handed over goes back: it has not left.
    pub(super) async fn feed(&self, bearer: &dyn Bearer, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut stopped = false;
        let mut looked = Instant::now();
        while !stopped {
            let now = self.0.clock.now();
            let most = self.settings().batch;
            // Set first, so that room that is made meanwhile is not missed.
            self.0.starved.store(true, Ordering::SeqCst);
            let mut lanes = bearer.lanes();
            let starved = lanes.iter().any(|lane| lane.room == 0);
            self.0.starved.store(starved, Ordering::SeqCst);
            lanes.retain(|lane| lane.room > 0);
            lanes.iter_mut().for_each(|lane| lane.room = lane.room.min(most));
            // Nothing can be sent; what runs out of time is looked for all the same, but not at each bit of room.
            if lanes.is_empty() && looked.elapsed() < BREATH {
                tokio::select! {
                    _ = tokio::time::timeout(BREATH, self.0.wake.notified()) => {}
                    () = &mut stop => stopped = true,
                }
                continue;
            }
            looked = Instant::now();
            let mut claim = match self.0.outbox.claim(&lanes, now).await {
                Ok(claim) => claim,
                Err(error) => {
                    self.breathe("claim what is due", &error).await;
                    continue;
                }
            };
            self.hold(&claim);
            self.announce(std::mem::take(&mut claim.settled));
            self.take_down(self.unreadable(&claim.unreadable)).await;
            let mut refused = Vec::new();
            let mut left = Vec::new();
            let mut full: Vec<Arc<str>> = Vec::new();
            for Claimed { dispatch, .. } in claim.dispatches {
                let (id, lane) = (dispatch.id, bearer.lane(&dispatch.destination));
                if stopped || full.contains(&lane) {
                    left.push(id);
                    continue;
                }
                // The routes may be others than when it was accepted, and others again before it is given up.
                if let Err(refusal) = bearer.admit(&dispatch) {
                    refused.push(failed(id, refusal.to_string()));
                    continue;
                }
                // Several lanes may lead over one link: the others do not wait for it.
                if !bearer.takes(&dispatch) {
                    full.push(lane);
                    left.push(id);
                    continue;
                }
                tokio::select! {
                    biased;
                    sent = bearer.send(dispatch) => match sent {
                        Ok(()) => self.handed_over(id),
                        Err(_) => left.push(id),
                    },
                    () = &mut stop => {
                        stopped = true;
                        left.push(id);
                    }
                }
            }
            self.take_down(refused.into_iter().map(|event| self.report(event)).collect()).await;
            self.put_back(left, if stopped { now } else { now.plus(BREATH) }).await;
            let more = claim.next.is_some_and(|at| at <= self.0.clock.now());
            if !more && !stopped {
                // Not every way in which a place gets free is told.
                let look = if starved { BREATH } else { LOOK };
                let wait = claim.next.map_or(look, |at| at.since(self.0.clock.now())).min(look);
                // Not shorter than a clock tick, so that a moment that has come is past. A lane that gets room wakes this.
                let wait = wait.max(Duration::from_millis(1));
                tokio::select! {
                    _ = tokio::time::timeout(wait, self.0.wake.notified()) => {}
                    () = &mut stop => stopped = true,
                }
            }
        }
    }
}

impl Ppg {
    /// What the outbox cannot read is tried again later: the key may come back. It is waited for as long as the push would be
    /// known, and not only as for a network, since what is given up is forgotten with its content.
    fn unreadable(&self, all: &[Unreadable]) -> Vec<Report> {
        let Some(first) = all.first() else { return Vec::new() };
        warn!("The gateway cannot read {} pushes that it has kept: {}", all.len(), first.why);
        let (now, settings) = (self.0.clock.now(), self.settings());
        let report = |one: &Unreadable| {
            let long = || one.received.plus(settings.give_up.max(settings.retention));
            let at = now.plus(back_off(settings.retry, one.tries));
            let desc = "the gateway cannot read what it has kept of it; its log says why".to_owned();
            let wait = Move { desc, ..back(one.id, at) };
            Report::Move(if at < one.expires.unwrap_or_else(long) {
                wait
            } else {
                Move { to: State::Undeliverable, code: StatusCode::INTERNAL_SERVER_ERROR, due: None, ..wait }
            })
        };
        all.iter().map(report).collect()
    }
}

fn failed(id: DispatchId, why: String) -> Event {
    Event::Failed { id, failure: Failure::Network(why) }
}
