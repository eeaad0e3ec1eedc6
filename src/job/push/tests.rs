//! Push jobs against a gateway that does what it is told.

#![cfg(test)]

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
const PROFILE: &str = include_str!("../../../config/profiles/consumer-phone.toml");

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
    async fn cancel(&self, id: &PushId) -> Result<bool, GatewayError> {
        self.cancelled.lock().unwrap().push(id.clone());
        let had = self.had.lock().unwrap().iter().any(|had| had.push_id == *id);
        if had && !id.as_str().contains(".pin") {
            self.say(MessageState::Cancelled, "");
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

#[tokio::test(start_paused = true)]
async fn a_push_is_delivered_when_all_receipts_say_so() {
    let b = bench();
    let record = b.run(&job("method = \"netwpin\""), &[(MessageState::Delivered, "")]).await;
    assert_eq!(states(&record), ["queued", "registered", "prepared", "delivering", "delivered"]);
    assert_eq!(record.attempts.len(), 1);
    let pushes = b.gateway.pushes();
    let [push] = &pushes[..] else { panic!("{pushes:?}") };
    assert_eq!(push.push_id, push_id(record.job.id).unwrap());
    assert_eq!(push.expires, b.clock.now().plus(Duration::from_secs(3600)));
    let PushContent::Push(entity) = &push.content else { panic!("{push:?}") };
    assert!(entity.fields[0].1.starts_with("application/vnd.wap.connectivity-wbxml; SEC=0; MAC="));
    // Nothing is left of what was sealed, and nothing shows it.
    let order = b.store.order(record.job.id).await.unwrap().unwrap();
    assert!(order.push.is_none() && order.account.is_none() && order.letter.is_none());
    assert!(!format!("{push:?} {order:?} {record:?}").contains("1711234567"));
    // The device comes in.
    let event = Event::FirstSession { device: "IMEI:490154203237518".into() };
    b.store.tell(record.job.id, &event, b.clock.now()).await.unwrap();
    assert_eq!(b.record(record.job.id).await.job.state, State::HandedOff);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_says_in_the_end_is_where_the_job_stands() {
    for (says, end, reason) in [
        (
            &[(MessageState::Undeliverable, "no such subscriber")][..],
            "failed",
            "undeliverable: no such subscriber",
        ),
        (&[(MessageState::Rejected, "address")], "failed", "rejected: address"),
        (&[(MessageState::Cancelled, "by hand")], "cancelled", "by hand"),
        (&[(MessageState::Expired, "validity")], "expired", "validity"),
        (&[(MessageState::Unknown, "answer lost"), (MessageState::Delivered, "")], "delivered", ""),
        (&[(MessageState::Unknown, "answer lost"), (MessageState::Expired, "late")], "expired", "late"),
    ] {
        let b = bench();
        let record = b.run(&job("method = \"netwpin\""), says).await;
        let last = record.history.last().unwrap();
        assert_eq!(last.to.name(), end);
        assert!(last.reason.as_ref().map_or("", Reason::as_str).ends_with(reason), "{last:?}");
        assert_eq!(states(&record).contains(&"unknown"), says.len() == 2);
        // Credentials that nobody has open no session.
        let kept = !crate::dm::Accounts::candidates(&*b.store, None, "IMEI:490154203237518")
            .await
            .unwrap()
            .is_empty();
        assert_eq!(kept, end == "delivered", "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_left_behind_goes_on_and_pushes_once() {
    // After each step the process is gone, and another one goes on from what is recorded.
    for cut in 0..7 {
        let b = bench();
        let id =
            b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
        let mut ended = false;
        for step in 0..cut {
            if step == 5 {
                b.gateway.say(MessageState::Delivered, "");
            }
            ended = b.route.step(id).await.unwrap() != Progress::On;
        }
        assert!(!ended, "{cut}");
        b.gateway.say(MessageState::Delivered, "");
        let another = PushRoute { random: Arc::new(Counting(Mutex::new(99))), ..b.route.clone() };
        assert_eq!(another.run(id).await.unwrap(), State::Delivered);
        let record = b.record(id).await;
        assert_eq!(states(&record), ["queued", "registered", "prepared", "delivering", "delivered"], "{cut}");
        // The push, and the message with the PIN.
        assert_eq!((b.gateway.pushes().len(), *b.gateway.submits.lock().unwrap()), (2, 2), "{cut}");
    }
    // Between gateway and record: it had it, and is not given another.
    let b = bench();
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    for _ in 0..3 {
        b.route.step(id).await.unwrap();
    }
    let content = b.store.order(id).await.unwrap().unwrap().push.unwrap();
    let (to, expires) = ("491711234567".parse().unwrap(), b.clock.now());
    let had = PushOrder { push_id: push_id(id).unwrap(), to, content: PushContent::Push(content), expires };
    b.gateway.submit(&had).await.unwrap();
    b.gateway.say(MessageState::Delivered, "");
    assert_eq!(b.route.run(id).await.unwrap(), State::Delivered);
    assert_eq!(*b.gateway.submits.lock().unwrap(), 1);
    // Between the record and the gateway: it never had it, and gets it.
    let b = bench();
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    for event in [
        Event::AccountRegistered { account: crate::dm::AccountId::new(9) },
        Event::PayloadBuilt,
        Event::DeliveryStarted,
    ] {
        b.store.tell(id, &event, b.clock.now()).await.unwrap();
    }
    b.gateway.say(MessageState::Delivered, "");
    assert_eq!(b.route.run(id).await.unwrap(), State::Delivered);
    assert_eq!((b.gateway.pushes().len(), *b.gateway.submits.lock().unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_does_not_answer_is_tried_again_and_one_that_refuses_is_not() {
    let busy = || GatewayError::Unavailable { why: "busy".into() };
    let b = bench();
    *b.gateway.answer.lock().unwrap() = vec![busy(), busy(), busy()];
    b.gateway.say(MessageState::Delivered, "");
    let record = b.run(&job("method = \"netwpin\""), &[]).await;
    assert_eq!(record.job.state, State::Delivered);
    assert_eq!(*b.gateway.submits.lock().unwrap(), 4);

    let b = bench();
    let why = "5 short messages, and the route takes 4 at most".to_owned();
    *b.gateway.answer.lock().unwrap() = vec![GatewayError::Refused { code: StatusCode(3006), why }];
    let record = b.run(&job("method = \"netwpin\""), &[]).await;
    assert_eq!(record.job.state, State::Failed);
    let reason = record.job.reason.unwrap();
    assert!(reason.as_str().contains("3006") && reason.as_str().contains("takes 4 at most"), "{reason}");
    assert!(b.gateway.pushes().is_empty());

    // One that never answers: the job's time runs out.
    let b = bench();
    *b.gateway.answer.lock().unwrap() = vec![busy()];
    let id = b.route.accept(&job("method = \"netwpin\"")).await.unwrap().record.job.id;
    let clock = b.clock.clone();
    let late = async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        clock.0.store(3_600_000, Ordering::SeqCst);
    };
    let (state, ()) = tokio::join!(b.route.run(id), late);
    assert_eq!(state.unwrap(), State::Expired);
    assert!(b.gateway.pushes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_pin_goes_its_own_way_and_never_with_the_push() {
    for (channel, kind, method) in [
        (PinChannel::Printed, PayloadKind::Cp, "usernetwpin"),
        (PinChannel::Printed, PayloadKind::Cp, "userpinmac"),
        (PinChannel::Webhook, PayloadKind::Dm, "userpin"),
        (PinChannel::Webhook, PayloadKind::Cp, "userpinmac"),
        (PinChannel::Sms, PayloadKind::Cp, "userpin"),
        (PinChannel::Sms, PayloadKind::Dm, "usernetwpin"),
    ] {
        let b = bench();
        b.gateway.say(MessageState::Delivered, "");
        let security = format!("method = \"{method}\"\npin-length = 9\npin-channel = \"{channel}\"");
        let mut asked = job(&security);
        asked.payload = kind;
        let accepted = b.route.accept(&asked).await.unwrap();
        let again = b.route.accept(&asked).await.unwrap();
        let mut stranger = asked.clone();
        stranger.creator = Some("another".into());
        assert!(b.route.accept(&stranger).await.unwrap().pin.is_none(), "told to whoever asked first alone");
        let id = accepted.record.job.id;
        assert!(!again.fresh && again.record.job.id == id);
        b.route.run(id).await.unwrap();
        assert!(
            b.route.accept(&asked).await.unwrap().pin.is_none(),
            "nothing is kept of a job that has ended"
        );

        let pushes = b.gateway.pushes();
        let texts = pushes.iter().filter_map(|p| match &p.content {
            PushContent::Text(text) => text.rsplit_once(": ").map(|(_, pin)| pin.to_owned()),
            PushContent::Push(_) => None,
        });
        let texts: Vec<String> = texts.collect();
        let printed = accepted.pin.as_ref().map(|p| p.expose().to_owned());
        assert_eq!(printed, again.pin.map(|p| p.expose().to_owned()));
        let posted: Vec<String> =
            b.told.0.lock().unwrap().iter().map(|n| n.pin.expose().to_owned()).collect();
        let all: Vec<&String> = printed.iter().chain(&texts).chain(&posted).collect();
        let [pin] = &all[..] else { panic!("{channel}: told {} times", all.len()) };
        assert_eq!(pin.len(), if method == "userpinmac" { 18 } else { 9 });
        let way = match channel {
            PinChannel::Printed => printed.is_some(),
            PinChannel::Webhook => posted.len() == 1,
            PinChannel::Sms => texts.len() == 1,
        };
        assert!(way, "{channel}");
        for push in &pushes {
            let PushContent::Push(entity) = &push.content else { continue };
            let bare = entity.body.windows(9).any(|w| w == &pin.as_bytes()[..9]);
            assert!(!bare && !format!("{:?}", entity.fields).contains(&pin[..9]), "the push holds the PIN");
            assert_eq!(entity.fields[0].1.contains("MAC="), method != "userpinmac");
            assert_eq!(entity.fields.len(), if kind == PayloadKind::Dm { 2 } else { 1 });
        }
        // A short message with the PIN goes when the gateway has the push, and not before.
        let order: Vec<bool> = pushes.iter().map(|p| p.push_id.as_str().ends_with(".pin@bootgate")).collect();
        assert_eq!(order, if channel == PinChannel::Sms { vec![false, true] } else { vec![false] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_cannot_be_told_sends_no_push() {
    let security = "method = \"userpin\"\npin-channel = \"webhook\"";
    let b = bench();
    *b.told.1.lock().unwrap() = vec![PinError::Refused { why: "HTTP 404".into() }];
    let record = b.run(&job(security), &[]).await;
    assert_eq!(states(&record), ["queued", "registered", "prepared", "failed"]);
    assert!(b.gateway.pushes().is_empty());
    // Told again until it is taken; then not once more.
    let b = bench();
    let busy = || PinError::Unavailable { why: "HTTP 503".into() };
    *b.told.1.lock().unwrap() = vec![busy(), busy()];
    b.gateway.say(MessageState::Delivered, "");
    b.run(&job(security), &[]).await;
    assert_eq!(b.told.0.lock().unwrap().len(), 3);
    // Nobody to tell.
    let b = bench();
    let route = PushRoute { pins: None, ..b.route.clone() };
    let refused = route.accept(&job(security)).await.unwrap_err().to_string();
    assert!(refused.contains("`webhook`") && refused.contains("[job] pin-webhook"), "{refused}");
}

/// Links without receipts say at once that nobody can tell: the PIN goes all the same, once.
#[tokio::test(start_paused = true)]
async fn the_pin_goes_where_the_network_tells_nothing() {
    let b = bench();
    b.gateway.say(MessageState::Unknown, "the network has it and tells no more");
    let id = b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
    for _ in 0..8 {
        assert!(matches!(b.route.step(id).await.unwrap(), Progress::On));
    }
    let texts = || b.gateway.pushes().iter().filter(|p| matches!(p.content, PushContent::Text(_))).count();
    assert_eq!((texts(), b.record(id).await.job.state), (1, State::Unknown));
    assert!(b.store.order(id).await.unwrap().unwrap().letter.is_none());
    assert_eq!(*b.gateway.submits.lock().unwrap(), 2);
}

/// Whoever calls a job off, and whoever sees it end badly, takes the PIN back with it.
#[tokio::test(start_paused = true)]
async fn the_pin_of_a_job_that_is_called_off_is_taken_back() {
    let b = bench();
    let asked = job("method = \"userpin\"\npin-channel = \"sms\"");
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    while b.gateway.pushes().len() < 2 {
        b.route.step(id).await.unwrap();
    }
    assert!(matches!(b.route.call_off(id, "test").await.unwrap(), CallOff::Done(_)));
    let both = [push_id(id).unwrap(), pin_id(id).unwrap()];
    assert_eq!(*b.gateway.cancelled.lock().unwrap(), both);
    // One that the network ends.
    let b = bench();
    let record = b.run(&asked, &[(MessageState::Pending, ""), (MessageState::Expired, "late")]).await;
    assert_eq!(record.job.state, State::Expired);
    assert_eq!(*b.gateway.cancelled.lock().unwrap(), [pin_id(record.job.id).unwrap()]);
}

/// A PIN that no link takes is found out before there is a job; later, the push that would ask for it is taken back.
#[tokio::test(start_paused = true)]
async fn a_pin_that_is_refused_takes_its_push_back() {
    let refused =
        || GatewayError::Refused { code: StatusCode::TRANSFORMATION_FAILURE, why: "no text".into() };
    let asked = job("method = \"userpin\"\npin-channel = \"sms\"");
    let b = bench();
    *b.gateway.text.lock().unwrap() = Some(refused());
    let error = b.route.accept(&asked).await.unwrap_err().to_string();
    assert!(error.contains("no text"), "{error}");
    let b = bench();
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    *b.gateway.text.lock().unwrap() = Some(refused());
    b.route.run(id).await.unwrap();
    let record = b.record(id).await;
    assert_eq!(record.job.state, State::Failed);
    let why = record.history.last().unwrap().reason.as_ref().unwrap().to_string();
    assert!(why.contains("no text") && why.contains("its push was taken back"), "{why}");
    assert_eq!(b.gateway.cancelled.lock().unwrap()[0], push_id(id).unwrap());
}

#[tokio::test]
async fn what_cannot_be_pushed_makes_no_job() {
    let b = bench();
    let mut no_number = job("method = \"netwpin\"");
    no_number.subscriber.msisdn = None;
    let mut no_imsi = job("method = \"netwpin\"");
    no_imsi.subscriber.imsi = None;
    let mut cards_only = job("method = \"netwpin\"");
    cards_only.profile.security = None;
    let mut dm = job("method = \"userpinmac\"");
    dm.payload = PayloadKind::Dm;
    let mut pin = job("method = \"netwpin\"");
    pin.pin = Some("1234".parse().unwrap());
    let mut other = job("method = \"netwpin\"");
    other.profile.dm_account.as_mut().unwrap().server_id = "other.dm".parse().unwrap();
    for (asked, said) in [
        (no_number, "telephone number"),
        (no_imsi, "NETWPIN needs the IMSI"),
        (cards_only, "it is for cards only"),
        (dm, "no method of the DM bootstrap"),
        (pin, "netwpin of the profile has none"),
        (other, "server `other.dm`"),
    ] {
        let error = b.route.accept(&asked).await.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains(IMSI), "{error}");
    }
    let any = crate::job::Filter { states: Vec::new(), limit: 10 };
    assert!(b.store.list(&any).await.unwrap().is_empty());
    // The same key for something else.
    b.route.accept(&job("method = \"netwpin\"")).await.unwrap();
    let mut else_ = job("method = \"netwpin\"");
    else_.asked = [8; 32];
    let error = b.route.accept(&else_).await.unwrap_err();
    assert!(matches!(error, PushJobError::Jobs(JobsError::KeyTaken { .. })), "{error}");
}

#[tokio::test]
async fn nothing_is_unauthenticated_but_by_name() {
    let b = bench();
    let text = PROFILE.replace("method = \"usernetwpin\"", "method = \"none\"");
    assert!(Profile::parse(&text).is_err());
    let asked = job("method = \"none\"\nallow-unauthenticated = true");
    let id = b.route.accept(&asked).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let push = order.push.unwrap();
    assert!(push.unsigned && push.fields[0].1 == "application/vnd.wap.connectivity-wbxml");
    for method in ["netwpin", "userpin", "usernetwpin", "userpinmac"] {
        let b = bench();
        let id = b.route.accept(&job(&format!("method = \"{method}\""))).await.unwrap().record.job.id;
        let order = b.store.order(id).await.unwrap().unwrap();
        let push = order.push.unwrap();
        assert!(!push.unsigned && push.fields[0].1.contains("; SEC="));
    }
}

#[tokio::test]
async fn an_order_reads_back_and_nothing_else_does() {
    let b = bench();
    let id = b.route.accept(&job("method = \"userpin\"")).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let octets = order.to_octets();
    let back = Order::from_octets(&octets).unwrap();
    assert_eq!(*back.to_octets(), *octets);
    assert_eq!((back.push, back.expires, back.asked), (order.push, order.expires, order.asked));
    assert_eq!(back.letter.unwrap().pin.expose(), order.letter.unwrap().pin.expose());
    for end in 0..octets.len() {
        assert_eq!(Order::from_octets(&octets[..end]).unwrap_err(), OrderError);
    }
}

/// The table in the documentation of [`next`], read from the file, is what the code does.
#[tokio::test]
async fn the_table_of_steps_is_true() {
    let b = bench();
    let id = b.route.accept(&job("method = \"userpin\"\npin-channel = \"sms\"")).await.unwrap().record.job.id;
    let order = b.store.order(id).await.unwrap().unwrap();
    let without = |letter: bool, push: bool| {
        let mut order = order.clone();
        order.letter = order.letter.filter(|_| letter);
        order.push = order.push.filter(|_| push);
        order
    };
    let stands = |state| Some(PushStanding { state, why: "why".into() });
    let (early, late) = (b.clock.now(), order.expires);
    let rows = include_str!("step.rs").lines().filter_map(|l| l.strip_prefix("/// | `"));
    let mut seen = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let [state, and, wanted] = cells[..] else { panic!("{row}") };
        let state: State = state.trim_end_matches('`').parse().unwrap();
        if state == State::Unknown {
            continue;
        }
        let (order, standing, now) = match and {
            "its time has run out" => (without(true, true), None, late),
            "a PIN is to be told by webhook" => {
                let mut order = without(true, true);
                order.letter.as_mut().unwrap().channel = PinChannel::Webhook;
                (order, None, early)
            }
            "it is pending or delivered, or the gateway cannot tell, and a PIN is to go by short message in time" =>
            {
                let order = without(true, false);
                for told in [MessageState::Pending, MessageState::Delivered, MessageState::Unknown] {
                    for state in [State::Delivering, State::Unknown] {
                        let standing = stands(told);
                        let facts = |now| Facts { state, order: &order, standing: standing.as_ref(), now };
                        assert_eq!(next(facts(early)), Next::SendPin, "{told}");
                        assert_ne!(next(facts(late)), Next::SendPin, "{told}: it would be refused");
                    }
                }
                (order, stands(MessageState::Pending), early)
            }
            "" => (without(false, true), None, early),
            "the gateway never had it, in time" => (without(false, true), None, early),
            "the gateway never had it, too late" => (without(false, true), None, late),
            "the gateway had it and has lost it" => (without(false, false), None, early),
            "it is pending" => (without(false, false), stands(MessageState::Pending), late),
            "it is delivered" => (without(false, false), stands(MessageState::Delivered), early),
            "the gateway cannot tell" => (without(false, false), stands(MessageState::Unknown), early),
            "it has expired" => (without(false, false), stands(MessageState::Expired), early),
            "it was taken back" => (without(false, false), stands(MessageState::Cancelled), early),
            "it has ended in another way" => (without(false, false), stands(MessageState::Aborted), early),
            other => panic!("{other}"),
        };
        let got = match next(Facts { state, order: &order, standing: standing.as_ref(), now }) {
            Next::Register => "register the account".to_owned(),
            Next::SendPin => "send the PIN".to_owned(),
            Next::Submit => "submit".to_owned(),
            Next::Tell(event) => format!("record `{}`", event.name()),
            Next::Wait => "wait".to_owned(),
            Next::End => "nothing".to_owned(),
        };
        assert_eq!(got, wanted, "{row}");
        // Whatever is recorded can happen there.
        if let Next::Tell(event) = next(Facts { state, order: &order, standing: standing.as_ref(), now }) {
            state.on(&event).unwrap();
        }
        seen += 1;
    }
    assert_eq!(seen, 17);
    // An unknown one.
    let order = without(false, false);
    let facts = |standing: Option<&PushStanding>, now| {
        next(Facts { state: State::Unknown, order: &order, standing, now })
    };
    assert_eq!(facts(None, early), Next::Wait);
    // Receipts may come after its time.
    let over = late.plus(LATE_RECEIPTS);
    assert_eq!(facts(None, late), Next::Wait);
    assert_eq!(facts(None, over), Next::End);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), early), Next::Wait);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), late), Next::Wait);
    assert_eq!(facts(stands(MessageState::Unknown).as_ref(), over), Next::End);
    assert_eq!(facts(stands(MessageState::Delivered).as_ref(), late), Next::Tell(Event::DeliveryConfirmed));
    for state in State::ALL.into_iter().filter(|s| s.is_final()) {
        assert_eq!(next(Facts { state, order: &order, standing: None, now: late }), Next::End);
    }
}
