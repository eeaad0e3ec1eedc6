//! From accepted to the end, by the word of the bearer.

use super::*;

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
        bench
            .tell(Event::Submitted {
                id: dispatch.id,
                segment: 0,
                message,
                of: 1,
                left: Timestamp::from_millis(0),
            })
            .await;
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
    bench
        .tell(Event::Submitted {
            id,
            segment: 0,
            message: message_id("s0"),
            of: 2,
            left: Timestamp::from_millis(0),
        })
        .await;
    bench.receipt("s0", ReceiptState::Delivered).await;
    bench
        .tell(Event::Submitted {
            id,
            segment: 1,
            message: message_id("s1"),
            of: 2,
            left: Timestamp::from_millis(0),
        })
        .await;
    bench.receipt("s1", ReceiptState::Delivered).await;
    assert_eq!(states(&bench.status("a").await), [MessageState::Pending]);
    bench.tell(Event::Sent { id, segments: 2, receipts: true }).await;
    assert_eq!(states(&bench.status("a").await), [MessageState::Delivered]);
    // A receipt that is faster than the answer to what it is about.
    bench.push(message("b", &["491711"])).await;
    let id = bench.next().id;
    bench.receipt("s2", ReceiptState::Delivered).await;
    bench
        .tell(Event::Submitted {
            id,
            segment: 0,
            message: message_id("s2"),
            of: 1,
            left: Timestamp::from_millis(0),
        })
        .await;
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
            InDoubt::Resend => {
                // Not at once: what said nothing may say nothing again.
                assert!(bench.given.try_recv().is_err());
                bench.pass(Settings::default().retry.0).await;
                assert_eq!(bench.next().id, id);
                // The bearer gives the second sending back; the first one may be at the device all the same.
                bench.bearer.held.lock().unwrap().push(id);
                assert_eq!(bench.cancel("a").await, [StatusCode::CANCELLATION_NOT_POSSIBLE]);
                let (state, _, why) = bench.status("a").await.remove(0);
                assert_eq!(state, MessageState::Unknown);
                assert!(why.contains("may have it"), "{why}");
            }
        }
    }
}

/// It was claimed, and the bearer has no place for it yet.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_to_the_bearer_is_taken_back_from_there() {
    let mut bench = Bench::new(Settings::default());
    bench.bearer.places.forget_permits(1000);
    bench.push(message("a", &["491711"])).await;
    assert!(bench.given.try_recv().is_err());
    let handed_over = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        bench.bearer.held.lock().unwrap().push(DispatchId(1));
        bench.bearer.places.add_permits(1);
    };
    let (codes, ()) = tokio::join!(bench.cancel("a"), handed_over);
    assert_eq!(codes, [StatusCode::OK]);
    assert_eq!(bench.next().id, DispatchId(1));
    assert_eq!(states(&bench.status("a").await), [MessageState::Cancelled]);
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
