//! The gateway in one process, on each outbox, with a bearer that does as the test says.

#![cfg(test)]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
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
        CancelMessage, Message, MessageState, Pap, PushMessage, QualityOfService, StatusCode, StatusQuery,
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
}

#[async_trait::async_trait]
impl Bearer for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let segments = dispatch.octets.len().div_ceil(128);
        if segments > 4 {
            let (route, octets, most) = ("fake".to_owned(), dispatch.octets.len(), 4);
            return Err(Refusal::TooLong { route, octets, segments, most });
        }
        match dispatch.destination {
            Destination::Msisdn(_) => Ok(u8::try_from(segments).unwrap()),
            Destination::Ip(_) => {
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
        let clock = Arc::new(Hand(AtomicI64::new(NOW)));
        let ppg = Ppg::new(settings, Initiators::default(), Arc::new(MemoryOutbox::new()), clock.clone());
        let (given, dispatches) = mpsc::unbounded_channel();
        let bearer =
            Arc::new(Fake { given, held: Mutex::default(), places: tokio::sync::Semaphore::new(1000) });
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
        true => n.parse().unwrap(),
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

#[tokio::test(start_paused = true)]
async fn a_push_goes_from_accepted_to_delivered() {
    let mut bench = Bench::new(Settings::default());
    assert_eq!(bench.push(message("a", &["491711", "491712"])).await.0, StatusCode::ACCEPTED);
    let (one, two) = (bench.next(), bench.next());
    assert_eq!(&*one.octets, b"\x00\x06\x01\xAD<si/>");
    assert_ne!(one.id, two.id);
    assert_eq!(states(&bench.status("a").await), [MessageState::Pending; 2]);
    for (dispatch, name) in [(&one, "m1"), (&two, "m2")] {
        let message = message_id(name);
        bench.tell(Event::Submitted { id: dispatch.id, segment: 0, message }).await;
        bench.tell(Event::Sent { id: dispatch.id, segments: 1, receipts: true }).await;
    }
    assert_eq!(states(&bench.status("a").await), [MessageState::Pending; 2]);
    bench.receipt("m2", ReceiptState::Enroute).await;
    bench.receipt("m2", ReceiptState::Delivered).await;
    bench.receipt("m1", ReceiptState::Undeliverable).await;
    // What comes twice, or from strangers, changes nothing.
    bench.receipt("m1", ReceiptState::Delivered).await;
    bench.receipt("m9", ReceiptState::Delivered).await;
    let expected = [MessageState::Undeliverable, MessageState::Delivered];
    assert_eq!(states(&bench.status("a").await), expected);
    let ends = [bench.ends.try_recv().unwrap(), bench.ends.try_recv().unwrap()];
    assert_eq!(ends[0].push_id.as_str(), "a");
    assert_eq!((ends[0].delivery.id, ends[0].delivery.standing.state), (two.id, State::Delivered));
    assert!(bench.ends.try_recv().is_err());
    assert_eq!(bench.push(message("a", &["491711"])).await.0, StatusCode::DUPLICATE_PUSH_ID);
}

#[tokio::test(start_paused = true)]
async fn every_segment_must_arrive_in_whatever_order_the_word_of_it_comes() {
    let mut bench = Bench::new(Settings::default());
    bench.push(message("a", &["491711"])).await;
    let id = bench.next().id;
    bench.tell(Event::Submitted { id, segment: 0, message: message_id("s0") }).await;
    bench.receipt("s0", ReceiptState::Delivered).await;
    bench.tell(Event::Submitted { id, segment: 1, message: message_id("s1") }).await;
    bench.receipt("s1", ReceiptState::Delivered).await;
    assert_eq!(states(&bench.status("a").await), [MessageState::Pending]);
    bench.tell(Event::Sent { id, segments: 2, receipts: true }).await;
    assert_eq!(states(&bench.status("a").await), [MessageState::Delivered]);
    // A receipt that is faster than the answer to what it is about.
    bench.push(message("b", &["491711"])).await;
    let id = bench.next().id;
    bench.receipt("s2", ReceiptState::Delivered).await;
    bench.tell(Event::Submitted { id, segment: 0, message: message_id("s2") }).await;
    bench.tell(Event::Sent { id, segments: 1, receipts: true }).await;
    assert_eq!(states(&bench.status("b").await), [MessageState::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_before_its_time_or_after_it() {
    let mut bench = Bench::new(Settings::default());
    let later =
        PushMessage { deliver_after: at(3600), deliver_before: at(7200), ..message("later", &["491711"]) };
    assert_eq!(bench.push(later).await.0, StatusCode::ACCEPTED);
    bench.pass(Duration::from_secs(3599)).await;
    assert!(bench.given.try_recv().is_err());
    bench.pass(Duration::from_secs(1)).await;
    let dispatch = bench.next();
    assert_eq!(dispatch.expires, Some(Timestamp::from_millis(NOW + 7_200_000)));
    bench.tell(Event::Expired { id: dispatch.id }).await;
    assert_eq!(states(&bench.status("later").await), [MessageState::Expired]);
    // A network that is busy until the time is over.
    let short = PushMessage { deliver_before: at(3620), ..message("short", &["491711"]) };
    bench.push(short).await;
    let id = bench.next().id;
    let failure = Failure::Busy { smsc: "lab".into(), tries: 3, status: 0x58 };
    bench.tell(Event::Failed { id, failure: failure.clone() }).await;
    assert_eq!(states(&bench.status("short").await), [MessageState::Pending]);
    bench.pass(Duration::from_secs(5)).await;
    assert_eq!(bench.next().id, id);
    bench.tell(Event::Failed { id, failure: failure.clone() }).await;
    bench.pass(Duration::from_secs(9)).await;
    assert!(bench.given.try_recv().is_err(), "the second wait is longer");
    bench.pass(Duration::from_secs(1)).await;
    let again = bench.next().id;
    bench.tell(Event::Failed { id: again, failure }).await;
    let (state, _, why) = bench.status("short").await.remove(0);
    assert_eq!(state, MessageState::Undeliverable);
    assert!(why.contains("00000058h"), "{why}");
    // Times that cannot be.
    for (after, before) in [(None, at(3600)), (at(9000), at(8000))] {
        let never =
            PushMessage { deliver_after: after, deliver_before: before, ..message("never", &["491711"]) };
        assert_eq!(bench.push(never).await.0, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_not_tried_again_and_silence_is_not_taken_for_success() {
    let mut bench = Bench::new(Settings::default());
    bench.push(message("a", &["491711", "491712", "491713"])).await;
    let ids: VecDeque<_> = (0..3).map(|_| bench.next().id).collect();
    let failure = Failure::Refused { smsc: "lab".into(), segment: 0, status: 0x0B, meaning: "" };
    bench.tell(Event::Failed { id: ids[0], failure }).await;
    bench.tell(Event::Sent { id: ids[1], segments: 1, receipts: false }).await;
    bench.tell(Event::Sent { id: ids[2], segments: 1, receipts: true }).await;
    let expected = [MessageState::Undeliverable, MessageState::Unknown, MessageState::Pending];
    assert_eq!(states(&bench.status("a").await), expected);
    bench.pass(Duration::from_secs(86_400)).await;
    bench.pass(Duration::from_secs(1)).await;
    let (state, _, why) = bench.status("a").await.remove(2);
    assert_eq!(state, MessageState::Unknown);
    assert!(why.contains("never said"), "{why}");
    assert!(bench.given.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_left_is_held_or_sent_again_as_configured() {
    for in_doubt in [InDoubt::Hold, InDoubt::Resend] {
        let mut bench = Bench::new(Settings { in_doubt, ..Settings::default() });
        bench.push(message("a", &["491711"])).await;
        let id = bench.next().id;
        bench.tell(Event::Unclear { id, in_doubt: 1, segments: 2 }).await;
        let (state, _, why) = bench.status("a").await.remove(0);
        match in_doubt {
            InDoubt::Hold => {
                assert_eq!(state, MessageState::Unknown);
                assert!(why.contains("1 of 2 segments"), "{why}");
                assert!(bench.given.try_recv().is_err());
            }
            InDoubt::Resend => assert_eq!(bench.next().id, id),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_is_taken_back_while_it_has_not_left() {
    let mut bench = Bench::new(Settings::default());
    let later = PushMessage { deliver_after: at(60), ..message("later", &["491711"]) };
    bench.push(later).await;
    assert_eq!(bench.cancel("later").await, [StatusCode::OK]);
    assert_eq!(states(&bench.status("later").await), [MessageState::Cancelled]);
    assert_eq!(bench.cancel("later").await, [StatusCode::CANCELLATION_NOT_POSSIBLE]);
    assert_eq!(bench.cancel("nobody").await, [StatusCode::PUSH_ID_NOT_FOUND]);
    // One that the bearer gives back, and one that it does not.
    bench.push(message("now", &["491711", "491712"])).await;
    let (one, _) = (bench.next(), bench.next());
    bench.bearer.held.lock().unwrap().push(one.id);
    assert_eq!(bench.cancel("now").await, [StatusCode::OK, StatusCode::CANCELLATION_NOT_POSSIBLE]);
    assert_eq!(states(&bench.status("now").await), [MessageState::Cancelled, MessageState::Pending]);
    bench.pass(Duration::from_secs(3600)).await;
    assert!(bench.given.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn each_address_has_its_own_result() {
    let mut users = std::collections::BTreeMap::new();
    users.insert("john".to_owned(), Destination::Msisdn("491719".parse().unwrap()));
    let mut bench = Bench::new(Settings { users, ..Settings::default() });
    bench.initiator.rights.prefixes = vec!["49".to_owned()];
    let all = [
        "wappush=john/type=User@x",
        "WAPPUSH=nobody/TYPE=USER@x",
        "358401",
        "WAPPUSH=10.0.0.1/TYPE=IPv4@x",
        "WAPPUSH=1/TYPE=X25@x",
        "491711",
        "491711",
    ];
    let (code, desc) = bench.push(message("a", &all)).await;
    assert_eq!(code, StatusCode::ACCEPTED);
    assert!(desc.starts_with("4 of 6 addresses were refused"), "{desc}");
    let codes: Vec<u16> = bench.status("a").await.iter().map(|(_, code, _)| code.0).collect();
    assert_eq!(codes, [1001, 2003, 2001, 2002, 2002, 1001]);
    let numbers = [bench.next(), bench.next()].map(|d| d.destination);
    assert_eq!(numbers[0], Destination::Msisdn("491719".parse().unwrap()));
    // When nobody is left the push is refused with the first reason, and its id stays free.
    assert_eq!(bench.push(message("b", &all[1..4])).await.0, StatusCode::ADDRESS_NOT_FOUND);
    assert_eq!(bench.status("b").await[0].1, StatusCode::PUSH_ID_NOT_FOUND);
    let query = StatusQuery {
        push_id: "a".parse().unwrap(),
        addresses: vec![
            "WAPPUSH=+49-1711/TYPE=PLMN".parse().unwrap(),
            "WAPPUSH=+1222/TYPE=PLMN".parse().unwrap(),
        ],
    };
    let results = bench.ppg.status(&bench.initiator, query).await.results;
    let codes: Vec<u16> = results.iter().map(|r| r.code.0).collect();
    assert_eq!(codes, [1001, 2003]);
}

#[tokio::test(start_paused = true)]
async fn quality_of_service_is_honoured_or_refused() {
    let mut bench = Bench::new(Settings::default());
    let with = |id: &str, quality: QualityOfService| PushMessage {
        quality_of_service: Some(quality),
        ..message(id, &["491711"])
    };
    let default = QualityOfService::default;
    let named = |text: &str| Some(text.to_owned());
    for (quality, code) in [
        (QualityOfService { delivery_method: "confirmed".parse().unwrap(), ..default() }, 3007),
        (QualityOfService { network: named("IS-95"), network_required: true, ..default() }, 3009),
        (QualityOfService { bearer: named("USSD"), bearer_required: true, ..default() }, 3010),
        (QualityOfService { bearer: named("USSD"), network: named("IS-95"), ..default() }, 1001),
        (
            QualityOfService {
                bearer: named("SMS"),
                bearer_required: true,
                network: named("GSM"),
                network_required: true,
                ..default()
            },
            1001,
        ),
        (QualityOfService { delivery_method: "preferconfirmed".parse().unwrap(), ..default() }, 1001),
    ] {
        let id = format!("q{code}-{:?}", (&quality.bearer, quality.bearer_required, quality.delivery_method));
        assert_eq!(bench.push(with(&id, quality)).await.0.0, code, "{id}");
    }
    while bench.given.try_recv().is_ok() {}
    // What is waiting goes by priority, whatever came first.
    for (id, priority) in [("low", "low"), ("medium", "medium"), ("high", "high")] {
        let quality = QualityOfService { priority: priority.parse().unwrap(), ..default() };
        let waiting = PushMessage { deliver_after: at(10), ..with(id, quality) };
        assert_eq!(bench.push(waiting).await.0, StatusCode::ACCEPTED);
    }
    bench.pass(Duration::from_secs(10)).await;
    let order: Vec<String> = (0..3).map(|_| bench.next().priority.to_string()).collect();
    assert_eq!(order, ["high", "medium", "low"]);
}

#[tokio::test(start_paused = true)]
async fn one_push_takes_the_place_of_another() {
    let mut bench = Bench::new(Settings::default());
    let replacing = |id: &str, old: &str, method: &str, numbers: &[&str]| {
        let replace =
            crate::wire::pap::Replace { push_id: old.parse().unwrap(), method: method.parse().unwrap() };
        PushMessage { replace: Some(replace), ..message(id, numbers) }
    };
    assert_eq!(bench.push(replacing("b", "a", "all", &["491711"])).await.0, StatusCode::PUSH_ID_NOT_FOUND);
    let old = PushMessage { deliver_after: at(60), ..message("a", &["491711", "491712"]) };
    bench.push(old).await;
    let new = replacing("b", "a", "pending-only", &["491712", "491713"]);
    assert_eq!(bench.push(new).await.0, StatusCode::ACCEPTED);
    assert_eq!(states(&bench.status("a").await), [MessageState::Cancelled; 2]);
    // Only where the old one was pending.
    assert_eq!(bench.status("b").await.len(), 1);
    assert_eq!(bench.next().destination, Destination::Msisdn("491712".parse().unwrap()));
    let late = replacing("c", "a", "pending-only", &["491711"]);
    assert_eq!(bench.push(late).await.0, StatusCode::NOT_POSSIBLE);
    let all = replacing("d", "a", "all", &["491711"]);
    assert_eq!(bench.push(all).await.0, StatusCode::ACCEPTED);
    assert!(bench.given.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_or_too_much_is_refused_with_the_reason() {
    let mut bench = Bench::new(Settings::default());
    bench.settle().await;
    let long = [b'x'; 600];
    let content = Entity::new("text/vnd.wap.si", &long);
    let refused = bench.ppg.submit(&bench.initiator, message("a", &["491711"]), &content).await;
    assert_eq!(refused.code, StatusCode::TRANSFORMATION_FAILURE);
    assert!(refused.desc.unwrap().contains("short messages"));
    bench.initiator.rights.rate = Some(1);
    let mut codes = Vec::new();
    for n in 0..12 {
        codes.push(bench.push(message(&format!("r{n}"), &["491711"])).await.0.0);
    }
    assert_eq!(codes.iter().filter(|c| **c == 1001).count(), 10);
    assert_eq!(codes[11], 4001);
    let notify =
        PushMessage { ppg_notify_requested_to: Some("http://x/".into()), ..message("n", &["491711"]) };
    assert_eq!(bench.push(notify).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn documents_are_answered_in_their_own_version() {
    let bench = Bench::new(Settings::default());
    bench.settle().await;
    let ask = async |body: &str| {
        let answer = bench.ppg.handle(&bench.initiator, "application/xml", body.as_bytes()).await;
        let version = answer.version.map(|v| v.to_string());
        (answer.message, version.unwrap_or_default())
    };
    let doctype = |number: &str| format!("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP {number}//EN\" \"x\">");
    let query = "<pap><statusquery-message push-id=\"none\"/></pap>";
    for number in ["1.0", "2.0", "2.1"] {
        let (message, version) = ask(&format!("{}{query}", doctype(number))).await;
        assert_eq!(version, number);
        let Message::StatusResponse(response) = message else { panic!("{message:?}") };
        assert_eq!(response.results[0].code, StatusCode::PUSH_ID_NOT_FOUND);
    }
    let (message, _) = ask(&format!("{}{query}", doctype("3.7"))).await;
    let Message::BadMessage(bad) = message else { panic!("{message:?}") };
    assert_eq!(bad.code, StatusCode::VERSION_NOT_SUPPORTED);
    let capabilities = "<pap><ccq-message query-id=\"q\"><address address-value=\"WAPPUSH=+491711/TYPE=PLMN\"/></ccq-message></pap>";
    let Message::CapabilitiesResponse(none) = ask(capabilities).await.0 else { panic!() };
    assert_eq!((none.code, none.query_id.as_deref()), (StatusCode::CAPABILITIES_NOT_AVAILABLE, Some("q")));
    let push = "<pap><push-message push-id=\"p\"><address address-value=\"WAPPUSH=+491711/TYPE=PLMN\"/></push-message></pap>";
    let Message::PushResponse(alone) = ask(push).await.0 else { panic!() };
    assert_eq!(alone.code, StatusCode::BAD_REQUEST);
    for bad in [
        "",
        "<pap>",
        "<pap/>",
        "<pap><push-message/></pap>",
        "<!DOCTYPE pap [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><pap><cancel-message push-id=\"&b;\"/></pap>",
        "<!DOCTYPE pap [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><pap><cancel-message push-id=\"&a;\"/></pap>",
        "<pap><badmessage-response code=\"2000\"/></pap>",
    ] {
        let Message::BadMessage(answer) = ask(bad).await.0 else { panic!("{bad}") };
        assert_eq!(answer.code, StatusCode::BAD_REQUEST, "{bad}");
    }
    // And a push as it comes over the wire.
    let entities =
        [Entity::new("application/xml", push.as_bytes()), Entity::new("text/vnd.wap.si", b"<si/>")];
    let body = multipart::write("b", &entities);
    let kind = "multipart/related; boundary=b; type=\"application/xml\"";
    let Pap { message: Message::PushResponse(taken), .. } =
        bench.ppg.handle(&bench.initiator, kind, &body).await
    else {
        panic!()
    };
    assert_eq!(taken.code, StatusCode::ACCEPTED);
    for (kind, body) in
        [("multipart/related", &body[..]), (kind, &body[..body.len() / 2]), ("text/plain", b"x")]
    {
        let answer = bench.ppg.handle(&bench.initiator, kind, body).await;
        assert!(matches!(answer.message, Message::BadMessage(_)), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_leaves_nothing_in_doubt_that_has_not_left() {
    let mut bench = Bench::new(Settings::default());
    bench.bearer.places.forget_permits(997);
    bench.push(message("a", &["491711", "491712", "491713", "491714", "491715"])).await;
    let given = [bench.next().id, bench.next().id, bench.next().id];
    assert_eq!(bench.bearer.places.available_permits(), 0);
    // Of three that it took the bearer has sent two, and of one of these the answer is still under way.
    bench.bearer.held.lock().unwrap().push(given[2]);
    bench.stop.send(()).unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    bench.events.send(Event::Sent { id: given[0], segments: 1, receipts: true }).await.unwrap();
    bench.delivering.await.unwrap();
    let query = StatusQuery { push_id: "a".parse().unwrap(), addresses: Vec::new() };
    let kept = bench.ppg.0.outbox.find(&bench.initiator.name, &query.push_id).await.unwrap().unwrap();
    let states: Vec<State> = kept.deliveries.iter().map(|d| d.standing.state).collect();
    assert_eq!(states, [State::Sent, State::Sending, State::Waiting, State::Waiting, State::Waiting]);
}
