//! Delivery: two loops that run while the gateway does. One claims what is due and hands it to the bearer; the other takes
//! down what the bearer says. Neither is cut off in the middle: what an end leaves in doubt, nobody can put right.
//!
//! Both work on many deliveries at a time, because what costs is the transaction.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::{InDoubt, Ppg, settings::back_off};
use crate::{
    bearer::{
        Asking, Bearer, Claim, Claimed, Destination, DispatchId, Event, Failure, Move, OutboxError, Report,
        SENT, State,
    },
    ident::Timestamp,
    wire::pap::StatusCode,
};

/// Events that are taken down together at most.
const TOGETHER: usize = 1024;
/// How long to wait when the outbox does not answer.
pub(super) const BREATH: Duration = Duration::from_secs(1);
/// How often what waits is sorted by its routes again.
const SORT: Duration = Duration::from_secs(60);
/// How often it is looked, at the end, whether all answers are there.
const TICK: Duration = Duration::from_millis(10);
/// How often it is looked for pushes to be forgotten, and how many are forgotten in one go.
const PRUNE: (Duration, usize) = (Duration::from_secs(60), 2000);

/// What is remembered of a delivery that a bearer has.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    tries: u32,
    received: Timestamp,
    expires: Option<Timestamp>,
    /// Whether it was handed to the bearer.
    pub(super) at_bearer: bool,
}

impl Ppg {
    /// Delivers over `bearer`, which was made with the other end of `events`, until `stop`. Then nothing new is sent; what
    /// the bearer has not sent yet is taken back, and of the rest the answers are waited for up to `grace`.
    ///
    /// A gateway delivers over one bearer, for its whole life.
    pub async fn deliver(
        &self,
        bearer: Arc<dyn Bearer>,
        mut events: mpsc::Receiver<Event>,
        stop: impl Future<Output = ()>,
        grace: Duration,
    ) {
        let bearer = Arc::clone(self.0.bearer.get_or_init(|| bearer));
        let (fed, winding_down) = watch::channel(false);
        let feeding = async {
            self.settle_abandoned().await;
            self.sort(&*bearer).await;
            self.feed(&*bearer, stop).await;
            self.take_back_unsent(&*bearer).await;
            // Nobody listens when the bearer has ended by itself.
            let _ = fed.send(true);
        };
        let recording = self.record(&*bearer, &mut events, winding_down, grace);
        let work = async { tokio::join!(feeding, recording) };
        let beside = async {
            tokio::join!(
                self.tell(),
                self.forget_old(),
                self.settle_others(),
                self.sort_again(&*bearer),
                self.heed_calls()
            )
        };
        tokio::select! {
            _ = work => {}
            _ = beside => {}
        }
    }

    /// Says what is known of deliveries that were being sent when an earlier process ended.
    async fn settle_abandoned(&self) {
        let now = self.0.clock.now();
        let until = now.plus(self.settings().receipts);
        let found = self.persist("find what was being sent", || self.0.outbox.abandoned(until, now)).await;
        self.announce(found.settled);
        let unclear = found.unclear;
        if !unclear.is_empty() {
            let (count, policy) = (unclear.len(), self.settings().in_doubt);
            warn!(
                "An earlier process ended while it sent {count} deliveries; nobody knows which of them left ({policy:?})"
            );
        }
        let moves: Vec<Report> =
            unclear.into_iter().map(|id| Report::Move(self.in_doubt(id, None))).collect();
        self.take_down(moves).await;
    }

    /// Looks from time to time whether another process on the same store has ended in the middle of sending. One that lives
    /// holds a lock, so that what it sends is never taken from it.
    async fn settle_others(&self) {
        loop {
            tokio::time::sleep(self.settings().settle).await;
            self.settle_abandoned().await;
        }
    }

    /// Sorts from time to time what waits: another process on the same store may have routes of other names, and may have
    /// ended.
    async fn sort_again(&self, bearer: &dyn Bearer) {
        loop {
            tokio::time::sleep(SORT).await;
            self.sort(bearer).await;
        }
    }

    async fn sort(&self, bearer: &dyn Bearer) {
        let lane = |to: &Destination| bearer.lane(to);
        let own: Vec<Arc<str>> = bearer.lanes().into_iter().map(|lane| lane.name).collect();
        self.persist("sort what waits by its route", || self.0.outbox.sort_into_lanes(&lane, &own)).await;
        self.0.wake.notify_one();
    }

    /// Deliveries that have not left wait again.
    pub(super) async fn put_back(&self, ids: Vec<DispatchId>, until: Timestamp) {
        for id in &ids {
            self.forget(*id);
        }
        self.take_down(ids.into_iter().map(|id| Report::Move(back(id, until))).collect()).await;
    }

    /// Takes back what the bearer has not sent.
    async fn take_back_unsent(&self, bearer: &dyn Bearer) {
        let held: Vec<DispatchId> = self.under_way().keys().copied().collect();
        let unsent: Vec<DispatchId> = held.into_iter().filter(|id| bearer.withdraw(*id)).collect();
        let (count, left) = (unsent.len(), self.under_way().len() - unsent.len());
        self.put_back(unsent, self.0.clock.now()).await;
        info!(
            "The gateway stops: {count} deliveries of its bearer wait for the next start, {left} have left"
        );
    }

    /// Takes down what the bearer says; at the end as long as answers are missing, up to `grace`.
    async fn record(
        &self,
        bearer: &dyn Bearer,
        events: &mut mpsc::Receiver<Event>,
        mut winding_down: watch::Receiver<bool>,
        grace: Duration,
    ) {
        let mut answered = pin!(async {
            // The sender lives as long as this does.
            let _ = winding_down.wait_for(|fed| *fed).await;
            let _ = tokio::time::timeout(grace, async {
                while !self.under_way().is_empty() {
                    tokio::time::sleep(TICK).await;
                }
            })
            .await;
        });
        let mut together = Vec::new();
        loop {
            let count = tokio::select! {
                biased;
                count = events.recv_many(&mut together, TOGETHER) => count,
                () = &mut answered => return,
            };
            if count == 0 {
                // The bearer has ended; there is nothing more to come.
                return answered.await;
            }
            let leaving: Vec<Asking> = together.iter().filter_map(leaving).collect();
            let closed = together.iter().any(Event::closes);
            let reports = together.drain(..).map(|event| self.report(event)).collect();
            self.take_down(reports).await;
            if !leaving.is_empty() {
                bearer.leave(&leaving);
            }
            if closed && self.0.starved.load(Ordering::SeqCst) {
                // There may be room again.
                self.0.wake.notify_one();
            }
        }
    }

    /// Writes reports, however often it takes: what the bearer said is not said again.
    pub(super) async fn take_down(&self, reports: Vec<Report>) {
        if reports.is_empty() {
            return;
        }
        let again = reports.iter().any(|r| matches!(r, Report::Move(m) if m.to == State::Waiting));
        let now = self.0.clock.now();
        let settled = self
            .persist("take down what became of pushes", || self.0.outbox.record(reports.clone(), now))
            .await;
        self.announce(settled);
        if again {
            self.0.wake.notify_one();
        }
    }

    /// What an event means for the outbox.
    pub(super) fn report(&self, event: Event) -> Report {
        let now = self.0.clock.now();
        let change = |id, to, code, desc: String| Move {
            id,
            from: &[State::Sending],
            to,
            code,
            desc,
            due: None,
            segments: None,
            again: false,
        };
        Report::Move(match event {
            Event::Leaving(asking) => return Report::Leaving(asking),
            Event::Stayed(asking) => return Report::Stayed(asking),
            Event::Submitted { id, segment, message, of, left } => {
                return Report::Submitted { id, segment, message, of, left };
            }
            Event::Receipt(receipt) => return Report::Receipt(receipt),
            Event::Sent { id, segments, receipts: true } => {
                let expires = self.forget(id).and_then(|held| held.expires);
                let due = expires.unwrap_or(now).max(now).plus(self.settings().receipts);
                let sent = change(id, State::Sent, StatusCode::ACCEPTED, SENT.to_owned());
                Move { due: Some(due), segments: Some(segments), ..sent }
            }
            Event::Sent { id, segments, receipts: false } => {
                self.forget(id);
                let desc = "the network has it and tells no more".to_owned();
                Move { segments: Some(segments), ..change(id, State::Unknown, StatusCode::OK, desc) }
            }
            Event::Failed { id, failure } => {
                let held = self.forget(id);
                match self.next_try(held, &failure, now) {
                    Some(at) => Move { desc: failure.to_string(), ..back(id, at) },
                    None => {
                        change(id, State::Undeliverable, StatusCode::SERVICE_FAILURE, failure.to_string())
                    }
                }
            }
            Event::Unclear { id, in_doubt, segments } => {
                let held = self.forget(id);
                let unclear = self.in_doubt(id, held);
                Move { desc: format!("{} ({in_doubt} of {segments} segments)", unclear.desc), ..unclear }
            }
            Event::Expired { id } => {
                self.forget(id);
                let desc = "its time ran out before all of it was sent".to_owned();
                change(id, State::Expired, StatusCode::SERVICE_FAILURE, desc)
            }
        })
    }

    /// When a delivery that failed is tried again; none when it is not.
    fn next_try(&self, held: Option<UnderWay>, failure: &Failure, now: Timestamp) -> Option<Timestamp> {
        let held = held.filter(|_| failure.is_transient())?;
        let until = held.expires.unwrap_or_else(|| held.received.plus(self.settings().give_up));
        let at = now.plus(back_off(self.settings().retry, held.tries));
        (at < until).then_some(at)
    }

    /// What happens to a delivery of which it is not known whether the network has it. One that is sent again waits as after a refusal for
    /// now, and is given up as that is; after the end of a process (`held` is none) it goes at once.
    fn in_doubt(&self, id: DispatchId, held: Option<UnderWay>) -> Move {
        let now = self.0.clock.now();
        let again = match (self.settings().in_doubt, held) {
            (InDoubt::Hold, _) => None,
            (InDoubt::Resend, None) => Some(now),
            (InDoubt::Resend, Some(held)) => {
                let until = held.expires.unwrap_or_else(|| held.received.plus(self.settings().give_up));
                let at = now.plus(back_off(self.settings().retry, held.tries));
                (at < until).then_some(at)
            }
        };
        match again {
            None => Move {
                id,
                from: &[State::Sending],
                to: State::Unknown,
                code: StatusCode::SERVICE_FAILURE,
                desc: "it was being sent and the answer was lost: the device may have it or not".to_owned(),
                due: None,
                segments: None,
                again: false,
            },
            Some(at) => Move { desc: "the answer was lost".to_owned(), again: true, ..back(id, at) },
        }
    }

    /// Remembers deliveries that go to the bearer.
    pub(super) fn hold(&self, claim: &Claim) {
        let mut under_way = self.under_way();
        for Claimed { dispatch, tries, received } in &claim.dispatches {
            let (tries, received, expires) = (*tries, *received, dispatch.expires);
            let held = UnderWay { tries, received, expires, at_bearer: false };
            under_way.insert(dispatch.id, held);
        }
    }

    /// The bearer has it.
    pub(super) fn handed_over(&self, id: DispatchId) {
        if let Some(held) = self.under_way().get_mut(&id) {
            held.at_bearer = true;
        }
    }

    /// The bearer has it no more.
    pub(super) fn forget(&self, id: DispatchId) -> Option<UnderWay> {
        self.under_way().remove(&id)
    }

    /// Forgets pushes that are over for long enough.
    async fn forget_old(&self) {
        let (every, most) = PRUNE;
        loop {
            tokio::time::sleep(every).await;
            let before =
                Timestamp::from_millis(self.0.clock.now().as_millis().saturating_sub(
                    i64::try_from(self.settings().retention.as_millis()).unwrap_or(i64::MAX),
                ));
            while self.persist("forget old pushes", || self.0.outbox.prune(before, most)).await >= most {
                // Others write between two helpings.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Asks the outbox until it answers.
    async fn persist<T, F: Future<Output = Result<T, OutboxError>>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> T {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => self.breathe(what, &error).await,
            }
        }
    }

    pub(super) async fn breathe(&self, what: &str, error: &OutboxError) {
        warn!(error = error as &dyn std::error::Error, "The gateway could not {what}; trying again");
        tokio::time::sleep(BREATH).await;
    }
}

/// What an event says that is about to leave.
fn leaving(event: &Event) -> Option<Asking> {
    match event {
        Event::Leaving(asking) => Some(*asking),
        _ => None,
    }
}

/// Back into the queue.
pub(super) fn back(id: DispatchId, at: Timestamp) -> Move {
    Move {
        id,
        from: &[State::Sending],
        to: State::Waiting,
        code: StatusCode::ACCEPTED,
        desc: String::new(),
        due: Some(at),
        segments: None,
        again: false,
    }
}
