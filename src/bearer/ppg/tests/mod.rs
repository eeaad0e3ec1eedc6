//! The gateway in one process, on each outbox, with a bearer that does as the test says.

#![cfg(test)]

mod delivery;
mod requests;
mod trouble;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{broadcast, mpsc, oneshot};

use super::*;
use crate::{
    bearer::{
        Closed, Destination, Dispatch, Event, Failure, MessageId, Receipt, ReceiptState, Refusal, State,
        Taken,
    },
    ident::Timestamp,
    store::MemoryOutbox,
    wire::pap::{
        Address, CancelMessage, Message, MessageState, Pap, PushMessage, QualityOfService, StatusCode,
        StatusQuery,
        multipart::{self, Entity},
    },
};

/// A clock that goes when it is told.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A bearer that keeps what it is given.
#[derive(Debug)]
struct Fake {
    given: mpsc::UnboundedSender<Dispatch>,
    /// What it would give back.
    held: Mutex<Vec<DispatchId>>,
    /// How many it still takes before it holds back whoever feeds it.
    places: tokio::sync::Semaphore,
    /// Whether no route reaches anybody.
    refuses: AtomicBool,
    /// Whether another lane has taken all its places.
    full: AtomicBool,
}

#[async_trait::async_trait]
impl Bearer for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn takes(&self, _: &Dispatch) -> bool {
        !self.full.load(Ordering::SeqCst)
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let segments = dispatch.octets.len().div_ceil(128);
        if segments > 4 {
            let (route, octets, most) = ("fake".to_owned(), dispatch.octets.len(), 4);
            return Err(Refusal::TooLong { route, octets, segments, most });
        }
        match dispatch.destination {
            Destination::Msisdn(_) if !self.refuses.load(Ordering::SeqCst) => {
                Ok(u8::try_from(segments).unwrap())
            }
            Destination::Msisdn(_) | Destination::Ip(_) => {
                let kind = dispatch.destination.kind();
                Err(Refusal::Destination { route: "fake".to_owned(), kind })
            }
        }
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        self.places.acquire().await.unwrap().forget();
        self.given.send(dispatch).map_err(|_| Closed)
    }

    fn withdraw(&self, id: DispatchId) -> bool {
        let mut held = self.held.lock().unwrap();
        let before = held.len();
        held.retain(|other| *other != id);
        held.len() < before
    }
}

/// A gateway that runs.
struct Bench {
    ppg: Ppg,
    clock: Arc<Hand>,
    bearer: Arc<Fake>,
    given: mpsc::UnboundedReceiver<Dispatch>,
    events: mpsc::Sender<Event>,
    ends: broadcast::Receiver<Settled>,
    initiator: Initiator,
    stop: oneshot::Sender<()>,
    delivering: tokio::task::JoinHandle<()>,
}

const NOW: i64 = 1_795_656_633_000;

impl Bench {
    fn new(settings: Settings) -> Self {
        Self::on(settings, Arc::new(MemoryOutbox::new()))
    }

    fn on(settings: Settings, outbox: Arc<dyn Outbox>) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(NOW)));
        let ppg = Ppg::new(settings, Initiators::default(), outbox, clock.clone());
        let (given, dispatches) = mpsc::unbounded_channel();
        let bearer = Arc::new(Fake {
            given,
            held: Mutex::default(),
            places: tokio::sync::Semaphore::new(1000),
            refuses: AtomicBool::new(false),
            full: AtomicBool::new(false),
        });
        let (events, told) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel::<()>();
        let ends = ppg.subscribe();
        let delivering = tokio::spawn({
            let (ppg, bearer) = (ppg.clone(), bearer.clone());
            async move {
                let stop = async { drop(stopped.await) };
                ppg.deliver(bearer, told, stop, Duration::from_secs(1)).await;
            }
        });
        let initiator = Initiator { name: "tester".parse().unwrap(), rights: Rights::all() };
        Self { ppg, clock, bearer, given: dispatches, events, ends, initiator, stop, delivering }
    }

    /// Lets `by` pass, for the clock and for everybody who sleeps.
    async fn pass(&self, by: Duration) {
        self.clock.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
        tokio::time::advance(by).await;
        self.settle().await;
    }

    /// Lets everybody do what can be done without time.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Pushes a service indication.
    async fn push(&self, message: PushMessage) -> (StatusCode, String) {
        self.settle().await;
        let content = Entity::new("text/vnd.wap.si", b"<si/>");
        let response = self.ppg.submit(&self.initiator, message, &content).await;
        self.settle().await;
        (response.code, response.desc.unwrap_or_default())
    }

    async fn status(&self, id: &str) -> Vec<(MessageState, StatusCode, String)> {
        let query = StatusQuery { push_id: id.parse().unwrap(), addresses: Vec::new() };
        let response = self.ppg.status(&self.initiator, query).await;
        response.results.into_iter().map(|r| (r.state, r.code, r.desc.unwrap_or_default())).collect()
    }

    async fn cancel(&self, id: &str) -> Vec<StatusCode> {
        let cancel = CancelMessage { push_id: id.parse().unwrap(), addresses: Vec::new() };
        self.ppg.cancel(&self.initiator, cancel).await.results.iter().map(|r| r.code).collect()
    }

    async fn tell(&self, event: Event) {
        self.events.send(event).await.unwrap();
        self.settle().await;
    }

    async fn receipt(&self, id: &str, state: ReceiptState) {
        let receipt = Receipt {
            message: message_id(id),
            state,
            network_error: None,
            at: self.clock.now(),
            taken: Taken::default(),
        };
        self.tell(Event::Receipt(receipt)).await;
    }

    fn next(&mut self) -> Dispatch {
        self.given.try_recv().expect("the bearer was given nothing")
    }
}

fn message_id(id: &str) -> MessageId {
    MessageId { smsc: "lab".into(), id: id.to_owned() }
}

fn message(id: &str, numbers: &[&str]) -> PushMessage {
    let address = |n: &&str| match n.contains('=') {
        true => Address::as_it_came(n).unwrap(),
        false => format!("WAPPUSH=+{n}/TYPE=PLMN@ppg").parse().unwrap(),
    };
    PushMessage {
        push_id: id.parse().unwrap(),
        replace: None,
        deliver_before: None,
        deliver_after: None,
        source_reference: None,
        progress_notes_requested: false,
        ppg_notify_requested_to: None,
        addresses: numbers.iter().map(address).collect(),
        quality_of_service: None,
    }
}

fn at(seconds: i64) -> Option<jiff::Timestamp> {
    Some(jiff::Timestamp::from_millisecond(NOW + seconds * 1000).unwrap())
}

fn states(of: &[(MessageState, StatusCode, String)]) -> Vec<MessageState> {
    of.iter().map(|(state, ..)| *state).collect()
}
