//! Results told to initiators (WAP-247-PAP, section 9.6): a POST to what the push named as `ppg-notify-requested-to`.
//!
//! Each result is told until the initiator has it: it may come more than once, with the same words, and an initiator takes
//! that as one. Only hosts of the configuration are called, redirections are not followed and little is read of answers.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tracing::{debug, warn};

use super::{Ppg, engine::BREATH, protocol::stamp, settings::back_off};
use crate::{
    bearer::{ClientTls, DispatchId, InitiatorName, Notice, NoticeOutcome, Noticed, Notices, Patience, post},
    ident::Timestamp,
    wire::pap::{CONTENT_TYPE, Message, Pap, ResultNotification},
};

/// Results that are told to an initiator at the same time, and that are fetched for each at a time.
const AT_ONCE: usize = 16;
const TOGETHER: usize = 256;
/// The most octets of an initiator's answer.
const ANSWER: usize = 64 * 1024;
/// The longest time without looking.
const LOOK: Duration = Duration::from_secs(30);

/// Results that were fetched, initiator by initiator.
#[derive(Default)]
struct Desk {
    /// Those that wait for a place, and how many places are taken.
    of: BTreeMap<InitiatorName, (VecDeque<Notice>, usize)>,
    /// Told, and not written down yet.
    told: Vec<Noticed>,
    /// Everything that was fetched and is not written down yet: it would be fetched again.
    known: HashSet<DispatchId>,
    /// When the next is due.
    next: Option<Timestamp>,
}

impl Desk {
    /// Initiators of whom enough was fetched.
    fn busy(&self) -> BTreeSet<InitiatorName> {
        let busy = self.of.iter().filter(|(_, (waiting, _))| !waiting.is_empty());
        busy.map(|(initiator, _)| initiator.clone()).collect()
    }

    fn take(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            if self.known.insert(notice.settled.delivery.id) {
                self.of.entry(notice.settled.initiator.clone()).or_default().0.push_back(notice);
            }
        }
    }

    fn give_up(&mut self, unreadable: Vec<(Noticed, String)>) {
        let new = unreadable.into_iter().map(|(given_up, _)| given_up);
        self.told.extend(new.filter(|given_up| self.known.insert(given_up.id)));
    }

    /// Those for which there is a place.
    fn begin(&mut self) -> Vec<Notice> {
        let mut begun = Vec::new();
        for (waiting, telling) in self.of.values_mut() {
            let some = waiting.len().min(AT_ONCE.saturating_sub(*telling));
            *telling += some;
            begun.extend(waiting.drain(..some));
        }
        begun
    }

    fn ended(&mut self, initiator: &InitiatorName, noticed: Noticed) {
        if let Some((waiting, telling)) = self.of.get_mut(initiator) {
            *telling = telling.saturating_sub(1);
            if *telling == 0 && waiting.is_empty() {
                self.of.remove(initiator);
            }
        }
        self.told.push(noticed);
    }
}

impl Ppg {
    /// Tells results while the gateway runs. Each initiator has places of its own, so that one that does not answer holds up
    /// nothing but its own results.
    pub(super) async fn tell(&self) {
        let mut tls = None;
        let mut desk = Desk::default();
        let (mut telling, mut noting) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut look = true;
        loop {
            if std::mem::take(&mut look) {
                let now = self.0.clock.now();
                // What is being told goes on meanwhile.
                let notices =
                    self.0.outbox.notices(TOGETHER, &desk.busy(), now).await.unwrap_or_else(|error| {
                        warn!(
                            error = &error as &dyn std::error::Error,
                            "The gateway cannot look for results to be told"
                        );
                        Notices { next: Some(now.plus(BREATH)), ..Notices::default() }
                    });
                desk.next = notices.next;
                if let Some((_, why)) = notices.unreadable.first() {
                    warn!(
                        "{} results that are kept cannot be read and are not told: {why}",
                        notices.unreadable.len()
                    );
                }
                desk.give_up(notices.unreadable);
                let secret =
                    |notice: &Notice| notice.to.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("https:"));
                if tls.is_none() && notices.due.iter().any(secret) {
                    tls = ClientTls::open(&self.settings().notify.tls)
                        .inspect_err(|error| warn!(%error, "Results cannot be told under https: {error}"))
                        .ok();
                }
                desk.take(notices.due);
            }
            telling.extend(desk.begin().into_iter().map(|notice| self.tell_one(tls.clone(), notice)));
            if noting.is_empty() && !desk.told.is_empty() {
                noting.push(self.note(std::mem::take(&mut desk.told)));
            }
            let wait = desk.next.map_or(LOOK, |at| at.since(self.0.clock.now())).min(LOOK);
            tokio::select! {
                Some((initiator, noticed)) = telling.next() => desk.ended(&initiator, noticed),
                Some(noted) = noting.next() => {
                    desk.known.retain(|id| !noted.contains(id));
                    look = true;
                }
                () = self.0.tell.notified() => look = true,
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => look = true,
            }
        }
    }

    /// Writes down how telling went; what cannot be written is told again.
    async fn note(&self, told: Vec<Noticed>) -> HashSet<DispatchId> {
        let ids = told.iter().map(|noticed| noticed.id).collect();
        if let Err(error) = self.0.outbox.noticed(told).await {
            self.breathe("note which results were told", &error).await;
        }
        ids
    }

    async fn tell_one(&self, tls: Option<ClientTls>, notice: Notice) -> (InitiatorName, Noticed) {
        let limits = &self.settings().notify;
        let (delivery, mut told) = (&notice.settled.delivery, false);
        // The configuration may have changed since the push came.
        let endpoint = limits.check(&notice.to).ok();
        let allowed = endpoint.is_some();
        // Under https what is trusted must be known.
        if let Some(endpoint) = endpoint.filter(|endpoint| tls.is_some() || !endpoint.is_tls()) {
            let endpoint = match tls {
                Some(tls) => endpoint.with_tls(tls),
                None => endpoint,
            };
            let patience = Patience { connect: limits.timeout, answer: limits.timeout, octets: ANSWER };
            let telling = post(&endpoint, CONTENT_TYPE, &[], self.document(&notice).into_bytes(), &patience);
            // What the initiator says in its answer changes nothing: it has the result.
            told = match tokio::time::timeout(limits.timeout, telling).await {
                Ok(Ok(answer)) => (200..300).contains(&answer.status),
                Ok(Err(error)) => {
                    debug!(%error, "A result was not told: {error}");
                    false
                }
                Err(_) => false,
            };
        }
        let outcome = match notice.tries + 1 {
            _ if told => NoticeOutcome::Told,
            tries if !allowed || tries >= limits.tries => NoticeOutcome::GivenUp,
            _ => NoticeOutcome::Again(self.0.clock.now().plus(back_off(limits.retry, notice.tries))),
        };
        debug!(ppg.initiator = %notice.settled.initiator, "A result for {}: {outcome:?}", notice.settled.initiator);
        let noticed = Noticed { id: delivery.id, state: delivery.standing.state, outcome };
        (notice.settled.initiator, noticed)
    }

    /// The document. It has no time of telling, so that it has the same words each time.
    fn document(&self, notice: &Notice) -> String {
        let delivery = &notice.settled.delivery;
        let standing = &delivery.standing;
        let message = Message::ResultNotification(ResultNotification {
            push_id: notice.settled.push_id.clone(),
            state: standing.state.message_state(),
            code: standing.code,
            sender_address: self.settings().address.clone(),
            sender_name: Some(self.settings().name.clone()),
            received_time: stamp(notice.received),
            event_time: stamp(standing.at),
            desc: (!standing.desc.is_empty()).then(|| standing.desc.clone()),
            address: delivery.address.clone(),
            quality_of_service: None,
        });
        Pap { version: Some(notice.version), ..Pap::new(message) }.encode()
    }
}
