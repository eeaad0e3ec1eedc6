//! Taking pushes back: from the outbox, from our bearer, and from other processes on the same outbox, which may hold what they
//! have not sent yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Initiator, Ppg, engine::back, protocol::to_its_end};
use crate::{
    bearer::{Delivery, DispatchId, InitiatorName, Move, OutboxError, Report, Settled, State},
    ident::Timestamp,
    wire::pap::{PushId, StatusCode},
};

/// How often it is looked whether another process has called something back.
const LOOK: Duration = Duration::from_millis(250);
/// How long another process is given to do so.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How long is waited before it is looked whether it has: at first, and at the most.
pub(super) const GLANCE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(640));
/// What is said of a delivery that was taken back for another process: that knows who wanted it.
const TAKEN_BACK: &str = "it was taken back";
/// How long what was claimed a moment ago is on its way to our bearer.
pub(super) const STEP: Duration = Duration::from_millis(2);

impl Ppg {
    /// Those that could be taken back, of which `why` is said from then on. Whoever asked may be gone before it is written down;
    /// what the bearer gave back is not lost by that.
    pub(super) async fn take_back(
        &self,
        initiator: &Initiator,
        push: &PushId,
        deliveries: &[&Delivery],
        why: &str,
    ) -> Result<BTreeSet<DispatchId>, OutboxError> {
        let open = deliveries.iter().filter(|d| !d.standing.state.is_final());
        let (ids, ppg): (BTreeSet<DispatchId>, _) = (open.map(|d| d.id).collect(), self.clone());
        let (initiator, push, why) = (initiator.name.clone(), push.clone(), why.to_owned());
        let taking = async move {
            let mut taken = ppg.withdraw(ids.iter().copied().collect(), &why).await?;
            // What was claimed and is not at the bearer yet will be in a moment.
            let until = Instant::now() + PATIENCE;
            loop {
                let coming = ppg.coming(&ids, &taken);
                if coming.is_empty() || Instant::now() >= until {
                    break;
                }
                sleep(STEP).await;
                taken.extend(ppg.withdraw(coming, &why).await?);
            }
            // What our own bearer does not give back has left.
            let theirs = {
                let ours = ppg.under_way();
                ids.into_iter().filter(|id| !taken.contains(id) && !ours.contains_key(id)).collect()
            };
            taken.extend(ppg.call_back(&initiator, &push, theirs, &why).await?);
            Ok(taken)
        };
        to_its_end(taking).await?
    }

    /// Takes back what other processes on the same outbox ask for, while the gateway runs.
    pub(super) async fn heed_calls(&self) {
        loop {
            sleep(LOOK).await;
            // Of what nothing is under way nothing can be taken back.
            if self.under_way().is_empty() {
                continue;
            }
            let calls = match self.0.outbox.called_back().await {
                Ok(calls) if calls.is_empty() => continue,
                Ok(calls) => calls,
                Err(error) => {
                    self.breathe("look for what was called back", &error).await;
                    continue;
                }
            };
            let mut by_end: BTreeMap<Option<Timestamp>, Vec<DispatchId>> = BTreeMap::new();
            for (id, until) in calls {
                by_end.entry(until).or_default().push(id);
            }
            for (until, ids) in by_end {
                let done = match until {
                    Some(until) => self.hold_back(&ids, until).await.map(drop),
                    None => self.withdraw(ids, TAKEN_BACK).await.map(drop),
                };
                if let Err(error) = done {
                    self.breathe("take down what was called back", &error).await;
                }
            }
        }
    }

    /// Those of ours that were claimed and are not at the bearer yet.
    pub(super) fn coming(&self, ids: &BTreeSet<DispatchId>, taken: &BTreeSet<DispatchId>) -> Vec<DispatchId> {
        let ours = self.under_way();
        let coming =
            |id: &&DispatchId| !taken.contains(id) && ours.get(id).is_some_and(|held| !held.at_bearer);
        ids.iter().filter(coming).copied().collect()
    }

    /// Asks the processes that send these to take them back, and waits for a while until they have.
    async fn call_back(
        &self,
        initiator: &InitiatorName,
        push: &PushId,
        ids: BTreeSet<DispatchId>,
        why: &str,
    ) -> Result<BTreeSet<DispatchId>, OutboxError> {
        let mut taken = BTreeSet::new();
        if ids.is_empty() {
            return Ok(taken);
        }
        let (until, mut asked, mut glance) = (Instant::now() + PATIENCE, false, GLANCE.0);
        loop {
            let Some(kept) = self.0.outbox.find(initiator, push).await? else { return Ok(taken) };
            let in_state = |state: State| {
                let mine = kept.deliveries.iter().filter(|d| ids.contains(&d.id));
                mine.filter(|d| d.standing.state == state).map(|d| d.id).collect::<Vec<_>>()
            };
            // A process that ended, or a network that refused it for now, has put it back.
            let waiting = in_state(State::Waiting);
            if !waiting.is_empty() {
                taken.extend(self.withdraw(waiting, why).await?);
            }
            let sending = in_state(State::Sending);
            if sending.is_empty() || Instant::now() >= until {
                taken.extend(in_state(State::Cancelled));
                return Ok(taken);
            }
            if !std::mem::replace(&mut asked, true) {
                self.0.outbox.call_back(sending, None).await?;
            }
            sleep(glance).await;
            glance = (glance * 2).min(GLANCE.1);
        }
    }

    /// Takes back what our bearer has and has not sent: it waits until then.
    pub(super) async fn hold_back(
        &self,
        ids: &[DispatchId],
        until: Timestamp,
    ) -> Result<BTreeSet<DispatchId>, OutboxError> {
        let Some(bearer) = self.0.bearer.get() else { return Ok(BTreeSet::new()) };
        let held: BTreeSet<DispatchId> = ids.iter().copied().filter(|id| bearer.withdraw(*id)).collect();
        if held.is_empty() {
            return Ok(held);
        }
        for id in &held {
            self.forget(*id);
        }
        let now = self.0.clock.now();
        let moves = held.iter().map(|id| Report::Move(back(*id, until))).collect();
        if let Err(error) = self.0.outbox.record(moves, now).await {
            // They are sent after all, as soon as the outbox answers again.
            let ppg = self.clone();
            tokio::spawn(async move { ppg.put_back(held.into_iter().collect(), now).await });
            return Err(error);
        }
        // There is room again.
        self.0.wake.notify_one();
        Ok(held)
    }

    /// Takes back what waits, and what our bearer has and has not sent.
    async fn withdraw(&self, ids: Vec<DispatchId>, why: &str) -> Result<BTreeSet<DispatchId>, OutboxError> {
        let (mut moves, mut given_back) = (Vec::new(), Vec::new());
        for id in ids {
            // What a bearer has and gives back has not left.
            let held = self.0.bearer.get().is_some_and(|bearer| bearer.withdraw(id));
            let from: &[State] = if held { &[State::Waiting, State::Sending] } else { &[State::Waiting] };
            if held {
                self.forget(id);
                given_back.push(id);
            }
            moves.push(Report::Move(Move {
                id,
                from,
                to: State::Cancelled,
                code: StatusCode::OK,
                desc: why.to_owned(),
                due: None,
                segments: None,
                again: false,
            }));
        }
        let settled = match self.0.outbox.record(moves, self.0.clock.now()).await {
            Ok(settled) => settled,
            Err(error) => {
                // They are sent after all, as soon as the outbox answers again.
                let (ppg, now) = (self.clone(), self.0.clock.now());
                tokio::spawn(async move { ppg.put_back(given_back, now).await });
                return Err(error);
            }
        };
        // There is room again.
        self.0.wake.notify_one();
        // What may have arrived before ends as unknown: that is not taken back.
        let back = |end: &&Settled| end.delivery.standing.state == State::Cancelled;
        let taken = settled.iter().filter(back).map(|end| end.delivery.id).collect();
        self.announce(settled);
        Ok(taken)
    }
}
