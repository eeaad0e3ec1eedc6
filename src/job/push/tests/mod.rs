//! Push jobs against a gateway that does what it is told.

#![cfg(test)]

mod delivery;
mod orders;
mod pins;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use super::{route::Progress, *};
use crate::{
    ident::{Clock, JobId, Random, Timestamp},
    job::{Event, Jobs as _, JobsError, Reason, Record, State},
    profile::PinChannel,
    store::Memory,
    wire::pap::{MessageState, PushId, StatusCode},
};

const IMSI: &str = "262019876598765";
const PROFILE: &str = include_str!("../../../../config/profiles/consumer-phone.toml");

/// A clock that the test moves, and octets that count up.
#[derive(Default)]
struct Fixed(AtomicI64);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_656_633_000 + self.0.load(Ordering::SeqCst))
    }
}

struct Counting(Mutex<u8>);

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        for octet in out {
            *next = next.wrapping_add(37);
            *octet = *next;
        }
    }
}

/// What it was given, and what it says of that.
#[derive(Debug, Default)]
struct Fake {
    /// In the order in which it came.
    had: Mutex<Vec<PushOrder>>,
    submits: Mutex<usize>,
    says: Mutex<Option<PushStanding>>,
    answer: Mutex<Vec<GatewayError>>,
    /// What it says to text.
    text: Mutex<Option<GatewayError>>,
    cancelled: Mutex<Vec<PushId>>,
    changed: tokio::sync::Notify,
}

impl Fake {
    fn say(&self, state: MessageState, why: &str) {
        *self.says.lock().unwrap() = Some(PushStanding { state, why: why.into() });
        self.changed.notify_waiters();
    }

    fn pushes(&self) -> Vec<PushOrder> {
        self.had.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl PushGateway for Fake {
    fn carries_text(&self) -> bool {
        true
    }

    async fn admit(&self, order: &PushOrder) -> Result<(), GatewayError> {
        match (&order.content, &*self.text.lock().unwrap()) {
            (PushContent::Text(_), Some(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    async fn submit(&self, order: &PushOrder) -> Result<(), GatewayError> {
        *self.submits.lock().unwrap() += 1;
        if let (PushContent::Text(_), Some(error)) = (&order.content, &*self.text.lock().unwrap()) {
            return Err(error.clone());
        }
        if let Some(error) = self.answer.lock().unwrap().pop() {
            return Err(error);
        }
        let mut had = self.had.lock().unwrap();
        if had.iter().all(|before| before.push_id != order.push_id) {
            had.push(order.clone());
        }
        Ok(())
    }

    async fn standing(&self, id: &PushId) -> Result<Option<PushStanding>, GatewayError> {
        if self.had.lock().unwrap().iter().all(|had| had.push_id != *id) {
            return Ok(None);
        }
        let pending = || PushStanding { state: MessageState::Pending, why: String::new() };
        Ok(Some(self.says.lock().unwrap().clone().unwrap_or_else(pending)))
    }

    /// Takes back what it had, and says so of the push.
    async fn cancel(&self, id: &PushId, why: &str) -> Result<bool, GatewayError> {
        self.cancelled.lock().unwrap().push(id.clone());
        let had = self.had.lock().unwrap().iter().any(|had| had.push_id == *id);
        if had && !id.as_str().contains(".pin") {
            self.say(MessageState::Cancelled, why);
        }
        Ok(had)
    }

    async fn changed(&self, _: &PushId, seen: &PushStanding) {
        let changed = self.changed.notified();
        if self.says.lock().unwrap().as_ref().is_none_or(|says| says == seen) {
            changed.await;
        }
    }
}

/// A system that is told PINs.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<PinNote>>, Mutex<Vec<PinError>>);

#[async_trait::async_trait]
impl PinPost for Told {
    async fn post(&self, note: &PinNote) -> Result<(), PinError> {
        self.0.lock().unwrap().push(note.clone());
        self.1.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

struct Bench {
    clock: Arc<Fixed>,
    store: Arc<Memory>,
    gateway: Arc<Fake>,
    told: Arc<Told>,
    route: PushRoute,
}

fn bench() -> Bench {
    let (clock, store, gateway, told) = (
        Arc::new(Fixed::default()),
        Arc::new(Memory::new()),
        Arc::new(Fake::default()),
        Arc::new(Told::default()),
    );
    let route = PushRoute {
        jobs: store.clone(),
        orders: store.clone(),
        registrar: store.clone(),
        server_id: "acme.dm".parse().unwrap(),
        gateway: gateway.clone(),
        pins: Some(told.clone()),
        clock: clock.clone(),
        random: Arc::new(Counting(Mutex::new(0))),
    };
    Bench { clock, store, gateway, told, route }
}

fn job(security: &str) -> PushJob {
    let text = PROFILE.replace("method = \"usernetwpin\"", security);
    PushJob {
        key: Some("order-1".parse().unwrap()),
        profile: Profile::parse(&text).unwrap(),
        subscriber: Subscriber {
            imsi: Some(IMSI.parse().unwrap()),
            imei: Some("490154203237518".parse().unwrap()),
            iccid: None,
            msisdn: Some("491711234567".parse().unwrap()),
        },
        payload: PayloadKind::Cp,
        pin: None,
        validity: Duration::from_secs(3600),
        creator: Some("pipeline".into()),
        asked: [7; 32],
    }
}

fn states(record: &Record) -> Vec<&'static str> {
    record.history.iter().map(|e| e.to.name()).collect()
}

impl Bench {
    async fn record(&self, id: JobId) -> Record {
        self.store.get(id).await.unwrap().unwrap()
    }

    /// Accepts a job and runs it while the gateway says these things.
    async fn run(&self, job: &PushJob, says: &[(MessageState, &str)]) -> Record {
        let id = self.route.accept(job).await.unwrap().record.job.id;
        let route = self.route.clone();
        let mut running = tokio::spawn(async move { route.run(id).await.unwrap() });
        for (state, why) in says {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            self.gateway.say(*state, why);
        }
        (&mut running).await.unwrap();
        self.record(id).await
    }
}
