//! Results told to initiators (WAP-247-PAP, section 9.6): a POST to what the push named as `ppg-notify-requested-to`.
//!
//! Each result is told until the initiator has it: it may come more than once, with the same words, and an initiator takes
//! that as one. Only hosts of the configuration are called, redirections are not followed and little is read of answers.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tracing::{debug, warn};

use super::{Ppg, protocol::stamp, settings::back_off};
use crate::{
    bearer::{ClientTls, Notice, NoticeOutcome, Noticed, Patience, post},
    wire::pap::{CONTENT_TYPE, Message, Pap, ResultNotification},
};

/// Results that are told at the same time, and that are fetched at a time.
const AT_ONCE: usize = 16;
const TOGETHER: usize = 256;
/// The most octets of an initiator's answer.
const ANSWER: usize = 64 * 1024;
/// The longest time without looking.
const LOOK: Duration = Duration::from_secs(30);

impl Ppg {
    /// Tells results while the gateway runs.
    pub(super) async fn tell(&self) {
        let mut tls = None;
        loop {
            let now = self.0.clock.now();
            let notices = match self.0.outbox.notices(TOGETHER, now).await {
                Ok(notices) => notices,
                Err(error) => {
                    self.breathe("look for results to be told", &error).await;
                    continue;
                }
            };
            if notices.due.is_empty() {
                let wait = notices.next.map_or(LOOK, |at| at.since(self.0.clock.now())).min(LOOK);
                let _ =
                    tokio::time::timeout(wait.max(Duration::from_millis(1)), self.0.tell.notified()).await;
                continue;
            }
            let secret =
                |notice: &Notice| notice.to.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("https:"));
            if tls.is_none() && notices.due.iter().any(secret) {
                tls = ClientTls::open(&self.settings().notify.tls)
                    .inspect_err(|error| warn!(%error, "Results cannot be told under https: {error}"))
                    .ok();
            }
            let telling = stream::iter(notices.due).map(|notice| self.tell_one(tls.clone(), notice));
            let outcomes: Vec<Noticed> = telling.buffer_unordered(AT_ONCE).collect().await;
            if let Err(error) = self.0.outbox.noticed(outcomes).await {
                self.breathe("note which results were told", &error).await;
            }
        }
    }

    async fn tell_one(&self, tls: Option<ClientTls>, notice: Notice) -> Noticed {
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
        Noticed { id: delivery.id, state: delivery.standing.state, outcome }
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
