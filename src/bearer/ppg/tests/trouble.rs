//! What stands in the way of a delivery ends, or says so: an outbox that fails, routes that are others, links that are full.

use std::collections::BTreeSet;

use super::*;
use crate::{
    bearer::{
        Abandoned, Accepted, Claim, InitiatorName, Kept, Lane, LaneOf, NewPush, Noticed, Notices,
        OutboxError, Report, Unreadable,
    },
    wire::pap::{PushId, Replace, ReplaceMethod, Version},
};

/// An outbox that fails when it is told.
#[derive(Debug)]
struct Flaky {
    whole: MemoryOutbox,
    /// The next report cannot be written.
    fails: AtomicBool,
    /// Payloads cannot be read.
    blind: AtomicBool,
}

impl Flaky {
    fn new() -> Arc<Self> {
        let (fails, blind) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { whole: MemoryOutbox::new(), fails, blind })
    }
}

#[async_trait::async_trait]
impl Outbox for Flaky {
    async fn accept(&self, push: NewPush) -> Result<Accepted, OutboxError> {
        self.whole.accept(push).await
    }

    async fn find(&self, of: &InitiatorName, id: &PushId) -> Result<Option<Kept>, OutboxError> {
        self.whole.find(of, id).await
    }

    async fn claim(&self, lanes: &[Lane], now: Timestamp) -> Result<Claim, OutboxError> {
        let mut claim = self.whole.claim(lanes, now).await?;
        if self.blind.load(Ordering::SeqCst) {
            claim.unreadable.extend(claim.dispatches.drain(..).map(|claimed| Unreadable {
                id: claimed.dispatch.id,
                tries: claimed.tries,
                received: claimed.received,
                expires: claimed.dispatch.expires,
                why: "the key is another".to_owned(),
            }));
        }
        Ok(claim)
    }

    async fn sort_into_lanes(&self, lane: LaneOf<'_>, own: &[Arc<str>]) -> Result<(), OutboxError> {
        self.whole.sort_into_lanes(lane, own).await
    }

    async fn record(&self, reports: Vec<Report>, now: Timestamp) -> Result<Vec<Settled>, OutboxError> {
        // Like the one in the file, it lets others do something meanwhile.
        tokio::task::yield_now().await;
        if self.fails.swap(false, Ordering::SeqCst) {
            let source = Arc::new(std::io::Error::other("the disk is full"));
            return Err(OutboxError { doing: "written", source });
        }
        self.whole.record(reports, now).await
    }

    async fn set_aside(&self, of: &InitiatorName, id: &PushId, until: Timestamp) -> Result<(), OutboxError> {
        self.whole.set_aside(of, id, until).await
    }

    async fn call_back(&self, ids: Vec<DispatchId>, until: Option<Timestamp>) -> Result<(), OutboxError> {
        self.whole.call_back(ids, until).await
    }

    async fn called_back(&self) -> Result<Vec<(DispatchId, Option<Timestamp>)>, OutboxError> {
        self.whole.called_back().await
    }

    async fn abandoned(&self, until: Timestamp, now: Timestamp) -> Result<Abandoned, OutboxError> {
        self.whole.abandoned(until, now).await
    }

    async fn notices(
        &self,
        each: usize,
        busy: &BTreeSet<InitiatorName>,
        now: Timestamp,
    ) -> Result<Notices, OutboxError> {
        self.whole.notices(each, busy, now).await
    }

    async fn noticed(&self, outcomes: Vec<Noticed>) -> Result<(), OutboxError> {
        self.whole.noticed(outcomes).await
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<usize, OutboxError> {
        self.whole.prune(before, most).await
    }
}

/// What makes way waits for the new push, and for no longer when that is not kept.
#[tokio::test(start_paused = true)]
async fn a_push_whose_replacement_cannot_be_written_is_sent_after_all() {
    let outbox = Flaky::new();
    let mut bench = Bench::on(Settings::default(), outbox.clone());
    bench.push(message("a", &["491711"])).await;
    let id = bench.next().id;
    bench.bearer.held.lock().unwrap().push(id);
    outbox.fails.store(true, Ordering::SeqCst);
    let replace = Replace { push_id: "a".parse().unwrap(), method: ReplaceMethod::All };
    let new = PushMessage { replace: Some(replace), ..message("b", &["491711"]) };
    assert_eq!(bench.push(new.clone()).await.0, StatusCode::SERVICE_FAILURE);
    bench.pass(Duration::from_secs(1)).await;
    assert_eq!(bench.next().id, id);
    // It is not in doubt for that, and can still be replaced.
    bench.bearer.held.lock().unwrap().push(id);
    assert_eq!(bench.push(new).await.0, StatusCode::ACCEPTED);
    assert_eq!(states(&bench.status("a").await), [MessageState::Cancelled]);
    assert_ne!(bench.next().id, id);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_cannot_be_written_or_that_nobody_waits_for_loses_nothing() {
    let outbox = Flaky::new();
    let mut bench = Bench::on(Settings::default(), outbox.clone());
    bench.push(message("a", &["491711"])).await;
    let id = bench.next().id;
    bench.bearer.held.lock().unwrap().push(id);
    outbox.fails.store(true, Ordering::SeqCst);
    assert_eq!(bench.cancel("a").await, [StatusCode::SERVICE_FAILURE]);
    bench.settle().await;
    assert_eq!(bench.next().id, id, "it is sent after all");
    bench.bearer.held.lock().unwrap().push(id);
    let cancel = CancelMessage { push_id: "a".parse().unwrap(), addresses: Vec::new() };
    tokio::select! {
        biased;
        _ = bench.ppg.cancel(&bench.initiator, cancel) => panic!("it should have had to wait"),
        () = std::future::ready(()) => {}
    }
    bench.settle().await;
    assert_eq!(states(&bench.status("a").await), [MessageState::Cancelled]);
    assert!(bench.given.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_no_route_reaches_any_more_says_so_and_comes_to_an_end() {
    let mut bench = Bench::new(Settings { give_up: Duration::from_secs(60), ..Settings::default() });
    for id in ["comes back", "never"] {
        bench
            .push(PushMessage { deliver_after: at(10), ..message(&id.replace(' ', "-"), &["491711"]) })
            .await;
    }
    bench.bearer.refuses.store(true, Ordering::SeqCst);
    bench.pass(Duration::from_secs(10)).await;
    let (state, _, why) = bench.status("never").await.remove(0);
    assert_eq!(state, MessageState::Pending);
    assert!(why.contains("the route fake does not reach telephone numbers"), "{why}");
    assert!(bench.given.try_recv().is_err());
    bench.bearer.refuses.store(false, Ordering::SeqCst);
    bench.cancel("never").await;
    bench.pass(Duration::from_secs(5)).await;
    bench.next();
    bench.push(PushMessage { deliver_after: at(20), ..message("for-good", &["491711"]) }).await;
    bench.bearer.refuses.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        bench.pass(Duration::from_secs(30)).await;
    }
    let (state, _, why) = bench.status("for-good").await.remove(0);
    assert_eq!(state, MessageState::Undeliverable);
    assert!(why.contains("does not reach"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_waits_and_is_sent_once_it_can_be() {
    let outbox = Flaky::new();
    let mut bench = Bench::on(Settings::default(), outbox.clone());
    outbox.blind.store(true, Ordering::SeqCst);
    bench.push(message("a", &["491711"])).await;
    let (state, _, why) = bench.status("a").await.remove(0);
    assert_eq!(state, MessageState::Pending);
    assert!(why.contains("cannot read"), "{why}");
    outbox.blind.store(false, Ordering::SeqCst);
    bench.pass(Duration::from_secs(5)).await;
    bench.next();
    // A key may be away for longer than a network, and not for ever.
    outbox.blind.store(true, Ordering::SeqCst);
    for id in ["b", "c"] {
        bench.push(message(id, &["491711"])).await;
    }
    let day = Duration::from_secs(24 * 3600);
    bench.pass(3 * day).await;
    assert_eq!(states(&bench.status("b").await), [MessageState::Pending]);
    bench.cancel("b").await;
    bench.pass(day).await;
    outbox.blind.store(false, Ordering::SeqCst);
    bench.pass(day).await;
    bench.next();
    outbox.blind.store(true, Ordering::SeqCst);
    bench.push(message("d", &["491711"])).await;
    bench.pass(7 * day).await;
    let (state, code, why) = bench.status("d").await.remove(0);
    assert_eq!((state, code), (MessageState::Undeliverable, StatusCode::INTERNAL_SERVER_ERROR));
    assert!(why.contains("cannot read"), "{why}");
}

/// One initiator's server takes connections and never answers; what others are told does not wait for it.
#[tokio::test]
async fn an_initiator_that_never_answers_holds_up_no_other() {
    let server = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent, good) = (server().await, server().await);
    let url = |server: &tokio::net::TcpListener| format!("http://{}/", server.local_addr().unwrap());
    let hosts = [&silent, &good].map(|server| server.local_addr().unwrap().to_string()).to_vec();
    let notify = NotifySettings { hosts, timeout: Duration::from_secs(3600), ..NotifySettings::default() };
    let bench = Bench::new(Settings { notify, ..Settings::default() });
    bench.settle().await;
    let push = async |initiator: &str, id: usize, url: &str| {
        let initiator = Initiator { name: initiator.parse().unwrap(), rights: Rights::all() };
        let push = PushMessage {
            ppg_notify_requested_to: Some(url.to_owned()),
            // There is no such user: the one address is refused at once, and that is to be told.
            ..message(&id.to_string(), &["WAPPUSH=nobody/TYPE=USER@ppg", "491711"])
        };
        let content = Entity::new("text/vnd.wap.si", b"<si/>");
        assert_eq!(bench.ppg.submit(&initiator, push, &content).await.code, StatusCode::ACCEPTED);
    };
    // More than are told at a time, and than are fetched at a time.
    for id in 0..300 {
        push("slow", id, &url(&silent)).await;
    }
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(silent.accept().await.unwrap());
    }
    push("quick", 0, &url(&good)).await;
    let told = tokio::time::timeout(Duration::from_secs(20), good.accept()).await;
    assert!(told.is_ok(), "the other waits for it");
    tokio::time::timeout(Duration::from_millis(50), silent.accept()).await.expect_err("16 at a time");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_another_lane_has_filled_holds_up_nobody() {
    let mut bench = Bench::new(Settings::default());
    bench.bearer.full.store(true, Ordering::SeqCst);
    bench.push(message("a", &["491711", "491712"])).await;
    assert!(bench.given.try_recv().is_err());
    bench.bearer.full.store(false, Ordering::SeqCst);
    bench.pass(Duration::from_secs(1)).await;
    assert_eq!(BTreeSet::from([bench.next().id, bench.next().id]).len(), 2);
}

/// Another process on the same store has other routes, and ends.
#[tokio::test(start_paused = true)]
async fn what_waits_in_a_lane_that_is_none_of_ours_is_sorted_while_the_gateway_runs() {
    let mut bench = Bench::new(Settings::default());
    bench.settle().await;
    let (content, now) = (Entity::new("text/vnd.wap.si", b"<si/>"), bench.clock.now());
    let (push, version) = (message("a", &["491711"]), Version::V2_0);
    let mut new = bench.ppg.check(&bench.initiator, &push, &content, version, &*bench.bearer, now).unwrap();
    new.deliveries[0].lane = "of another process".into();
    bench.ppg.0.outbox.accept(new).await.unwrap();
    bench.pass(Duration::from_secs(50)).await;
    assert!(bench.given.try_recv().is_err());
    bench.pass(Duration::from_secs(10)).await;
    bench.next();
}
