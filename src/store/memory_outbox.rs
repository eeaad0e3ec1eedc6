//! The outbox without a file: the same answers, gone with the process. For rehearsals and tests.

mod accept;
mod item;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use item::{Item, Message};

use crate::{
    bearer::{
        Abandoned, Accepted, Claim, Claimed, Delivery, Dispatch, DispatchId, Doubt, InitiatorName, Kept,
        Lane, LaneOf, MessageId, Move, NewPush, Notice, NoticeOutcome, Noticed, Notices, Outbox, OutboxError,
        Receipt, ReceiptState, Report, Settled, Stage, State, add_up, silence,
    },
    ident::Timestamp,
    wire::pap::{PushId, StatusCode},
};

/// The outbox in memory.
#[derive(Default)]
pub struct MemoryOutbox {
    kept: Mutex<Everything>,
}

#[derive(Default)]
struct Everything {
    pushes: BTreeMap<(InitiatorName, PushId), Arc<NewPush>>,
    deliveries: BTreeMap<DispatchId, Item>,
    /// Without a delivery where a receipt came before the answer that gave its segment the name.
    messages: BTreeMap<MessageId, Message>,
    last: u64,
}

impl MemoryOutbox {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Everything> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn accept(&self, push: NewPush) -> Result<Accepted, OutboxError> {
        Ok(self.kept().accept(push))
    }

    async fn find(&self, initiator: &InitiatorName, id: &PushId) -> Result<Option<Kept>, OutboxError> {
        let kept = self.kept();
        let Some(push) = kept.pushes.get(&(initiator.clone(), id.clone())) else { return Ok(None) };
        let own = kept.deliveries.values().filter(|item| Arc::ptr_eq(&item.push, push));
        let staged = |item: &Item| Delivery { stage: kept.stage(item), ..item.delivery.clone() };
        let deliveries = own.map(staged).collect();
        Ok(Some(Kept { received: push.received, deliveries }))
    }

    async fn claim(&self, lanes: &[Lane], now: Timestamp) -> Result<Claim, OutboxError> {
        Ok(self.kept().claim(lanes, now))
    }

    async fn sort_into_lanes(&self, lane: LaneOf<'_>, _own: &[Arc<str>]) -> Result<(), OutboxError> {
        for item in self.kept().deliveries.values_mut() {
            if let Some(to) = &item.destination {
                item.lane = lane(to);
            }
        }
        Ok(())
    }

    async fn record(&self, reports: Vec<Report>, now: Timestamp) -> Result<Vec<Settled>, OutboxError> {
        Ok(self.kept().record(&reports, now))
    }

    async fn set_aside(&self, of: &InitiatorName, id: &PushId, until: Timestamp) -> Result<(), OutboxError> {
        self.kept().set_aside(&(of.clone(), id.clone()), until);
        Ok(())
    }

    /// No other process sends anything of it.
    async fn call_back(&self, _: Vec<DispatchId>, _: Option<Timestamp>) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn called_back(&self) -> Result<Vec<(DispatchId, Option<Timestamp>)>, OutboxError> {
        Ok(Vec::new())
    }

    /// Nothing outlives its process here.
    async fn abandoned(&self, _: Timestamp, _: Timestamp) -> Result<Abandoned, OutboxError> {
        Ok(Abandoned::default())
    }

    async fn notices(
        &self,
        each: usize,
        busy: &BTreeSet<InitiatorName>,
        now: Timestamp,
    ) -> Result<Notices, OutboxError> {
        let kept = self.kept();
        let mut notices = Notices::default();
        let untold = kept.deliveries.values().filter(|item| item.untold);
        let mut untold: Vec<&Item> = untold.filter(|item| !busy.contains(&item.push.initiator)).collect();
        untold.sort_by_key(|item| item.due);
        let mut taken: BTreeMap<&InitiatorName, usize> = BTreeMap::new();
        for item in untold {
            if item.due > now {
                notices.next = Some(item.due);
                break;
            }
            let taken = taken.entry(&item.push.initiator).or_default();
            if *taken >= each {
                continue;
            }
            *taken += 1;
            notices.due.push(Notice {
                to: item.push.notify.clone().unwrap_or_default(),
                settled: item.settled(),
                received: item.push.received,
                version: item.push.version,
                tries: item.tries,
            });
        }
        Ok(notices)
    }

    async fn noticed(&self, outcomes: Vec<Noticed>) -> Result<(), OutboxError> {
        let mut kept = self.kept();
        for told in outcomes {
            let Some(item) = kept.deliveries.get_mut(&told.id) else { continue };
            if item.delivery.standing.state == told.state {
                item.tries += 1;
                match told.outcome {
                    NoticeOutcome::Told | NoticeOutcome::GivenUp => item.untold = false,
                    NoticeOutcome::Again(at) => item.due = at,
                }
            }
        }
        Ok(())
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<usize, OutboxError> {
        let mut kept = self.kept();
        let mut busy = BTreeSet::new();
        for item in kept.deliveries.values() {
            let standing = &item.delivery.standing;
            if !standing.state.is_final() || standing.at >= before || item.untold {
                busy.insert(item.push.key());
            }
        }
        let over = kept.pushes.iter().filter(|(key, push)| push.received < before && !busy.contains(*key));
        let over: BTreeSet<_> = over.map(|(key, _)| key.clone()).take(most).collect();
        kept.pushes.retain(|key, _| !over.contains(key));
        kept.deliveries.retain(|_, item| !over.contains(&item.push.key()));
        let left: BTreeSet<DispatchId> = kept.deliveries.keys().copied().collect();
        kept.messages.retain(|_, m| m.of.is_some_and(|id| left.contains(&id)));
        Ok(over.len())
    }
}

impl Everything {
    fn claim(&mut self, lanes: &[Lane], now: Timestamp) -> Claim {
        let is_in = |item: &Item| lanes.iter().position(|lane| lane.name == item.lane);
        let mut claim = Claim::default();
        let accepted: BTreeSet<DispatchId> = self
            .messages
            .values()
            .filter(|message| message.receipt == Some(ReceiptState::Accepted))
            .filter_map(|message| message.of)
            .collect();
        for item in self.deliveries.values_mut() {
            let (state, code) = (item.delivery.standing.state, StatusCode::SERVICE_FAILURE);
            if state == State::Waiting && item.push.expires.is_some_and(|at| at <= now) {
                item.stand(State::Expired, code, "its time ran out before it could be sent".to_owned(), now);
            } else if state == State::Sent && item.due <= now {
                let desc = silence(accepted.contains(&item.delivery.id)).to_owned();
                item.stand(State::Unknown, code, desc, now);
            } else {
                continue;
            }
            claim.settled.push(item.settled());
        }
        let mut due: Vec<&mut Item> = self
            .deliveries
            .values_mut()
            .filter(|item| item.delivery.standing.state == State::Waiting && item.due <= now)
            .collect();
        due.sort_by_key(|item| (item.push.priority, item.due, item.delivery.id));
        let mut room: Vec<usize> = lanes.iter().map(|lane| lane.room).collect();
        for item in due {
            let Some(at) = is_in(item) else { continue };
            let Some(room) = room.get_mut(at).filter(|room| **room > 0) else { continue };
            let asks = lanes.get(at).is_some_and(|lane| lane.asks);
            let Some(destination) = item.destination.clone() else { continue };
            *room -= 1;
            item.delivery.standing.state = State::Sending;
            if !asks {
                item.leaves();
            }
            item.delivery.standing.at = now;
            let dispatch = Dispatch {
                id: item.delivery.id,
                destination,
                carriage: item.push.carriage,
                octets: Arc::clone(&item.push.octets),
                expires: item.push.expires,
                priority: item.push.priority,
                reference: None,
            };
            claim.dispatches.push(Claimed { dispatch, tries: item.tries, received: item.push.received });
            item.tries += 1;
        }
        claim.dispatches.sort_by_key(|claimed| (claimed.dispatch.priority, claimed.dispatch.id));
        let moments = self.deliveries.values().flat_map(|item| match item.delivery.standing.state {
            State::Waiting => [is_in(item).map(|_| item.due), item.push.expires],
            State::Sent => [Some(item.due), None],
            _ => [None, None],
        });
        claim.next = moments.flatten().min();
        claim
    }

    fn record(&mut self, reports: &[Report], now: Timestamp) -> Vec<Settled> {
        let mut settled = Vec::new();
        let mut touched = BTreeSet::new();
        for report in reports {
            match report {
                Report::Leaving(asking) => {
                    if let Some(item) = self.deliveries.get_mut(&asking.id) {
                        item.leaves();
                    }
                }
                // Nothing outlives its process here.
                Report::Stayed(_) => {}
                Report::Submitted { id, segment, message, of, left } => {
                    if let Some(item) = self.deliveries.get_mut(id) {
                        item.segments = *of;
                    }
                    // Who had the name before keeps what was said of it.
                    let before =
                        self.messages.get(message).and_then(|m| m.of).filter(|of| touched.remove(of));
                    settled.extend(before.and_then(|of| self.add_up(of, now)));
                    // One that nobody owned is for this segment only when it came after it had left.
                    let early = self.messages.get(message).filter(|m| m.of.is_none() && m.noted >= *left);
                    let receipt = early.and_then(|m| m.receipt);
                    let sent = Message { of: Some(*id), receipt, segment: *segment, noted: *left };
                    self.messages.insert(message.clone(), sent);
                }
                Report::Move(change) => {
                    settled.extend(self.go(change, now));
                    if change.to == State::Sent {
                        touched.insert(change.id);
                    }
                }
                Report::Receipt(receipt) => touched.extend(self.note(receipt)),
            }
        }
        settled.extend(touched.into_iter().filter_map(|id| self.add_up(id, now)).collect::<Vec<_>>());
        settled
    }

    /// Ends a delivery when all its receipts say so.
    fn add_up(&mut self, id: DispatchId, now: Timestamp) -> Option<Settled> {
        let of_delivery = self.messages.values().filter(|m| m.of == Some(id));
        let receipts: Vec<_> = of_delivery.filter_map(|m| Some((m.segment, m.receipt?))).collect();
        let segments = self.deliveries.get(&id).map_or(0, |item| item.segments);
        let (to, code, desc) = add_up(&receipts, segments)?;
        let from = &[State::Sent, State::Unknown];
        self.go(&Move { id, from, to, code, desc, due: None, segments: None, again: false }, now)
    }

    fn stage(&self, item: &Item) -> Option<Stage> {
        match item.delivery.standing.state {
            State::Waiting => Some(Stage::Waits { due: item.due, tried: item.tries > 0 }),
            State::Sending | State::Sent => {
                let own = || self.messages.values().filter(|m| m.of == Some(item.delivery.id));
                let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
                let there = own().filter(|m| m.receipt == Some(ReceiptState::Delivered));
                let (taken, delivered) = (count(own().count()), count(there.count()));
                Some(Stage::Leaves { taken, delivered, of: item.segments })
            }
            _ => None,
        }
    }

    fn go(&mut self, change: &Move, now: Timestamp) -> Option<Settled> {
        let item = self.deliveries.get_mut(&change.id)?;
        if !change.from.contains(&item.delivery.standing.state) {
            return None;
        }
        if change.to == State::Waiting {
            // What is sent again gets new names, and receipts for the old ones say nothing of it.
            self.messages.retain(|_, m| m.of != Some(change.id));
        }
        item.segments = change.segments.unwrap_or(item.segments);
        if change.again {
            item.doubt = item.doubt.max(Doubt::Once);
        }
        item.stand(change.to, change.code, change.desc.clone(), now);
        item.due = change.due.unwrap_or(now);
        change.to.is_final().then(|| item.settled())
    }

    fn note(&mut self, receipt: &Receipt) -> Option<DispatchId> {
        let nothing = Message { of: None, receipt: None, segment: 0, noted: receipt.at };
        let message = self.messages.entry(receipt.message.clone()).or_insert(nothing);
        // Of a name that nobody has the last end is kept: it may be of another message than the one before.
        let stranger = message.of.is_none() && receipt.state.is_final();
        if stranger || receipt.state.counts_after(message.receipt) {
            message.receipt = Some(receipt.state);
            if message.of.is_none() {
                message.noted = receipt.at;
            }
        }
        message.of
    }
}

impl std::fmt::Debug for MemoryOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryOutbox")
    }
}
