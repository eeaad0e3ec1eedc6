//! What initiators ask for: cancel, addresses, quality of service, replace, and what is refused.

use super::*;
use crate::wire::pap::{Replace, ReplaceMethod};

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
        "WAPPUSH=no-number/TYPE=PLMN@x",
        "WAPPUSH=491719/TYPE=PLMN@x",
    ];
    let (code, desc) = bench.push(message("a", &all)).await;
    assert_eq!(code, StatusCode::ACCEPTED);
    assert!(desc.starts_with("6 of 8 addresses were refused"), "{desc}");
    let codes: Vec<u16> = bench.status("a").await.iter().map(|(_, code, _)| code.0).collect();
    assert_eq!(codes, [1001, 2003, 2001, 2002, 2002, 1001, 2002, 2002]);
    assert_eq!(bench.status("a").await[7].2, "it is no address: the value is not an international number");
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
            Address::as_it_came("WAPPUSH=491719/TYPE=PLMN@x").unwrap(),
            Address::as_it_came("nonsense").unwrap(),
        ],
    };
    let results = bench.ppg.status(&bench.initiator, query).await.results;
    let codes: Vec<u16> = results.iter().map(|r| r.code.0).collect();
    assert_eq!(codes, [1001, 2002, 2003]);
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
        let replace = Replace { push_id: old.parse().unwrap(), method: method.parse().unwrap() };
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

/// What the bearer has and has not sent is replaced, what has left is not.
#[tokio::test(start_paused = true)]
async fn one_push_takes_the_place_of_another_that_the_bearer_holds() {
    for (method, sent) in [("pending-only", 1), ("all", 2)] {
        let mut bench = Bench::new(Settings::default());
        bench.push(message("a", &["491711", "491712"])).await;
        let (gone, held) = (bench.next().id, bench.next().id);
        bench.bearer.held.lock().unwrap().push(held);
        let replace = Replace { push_id: "a".parse().unwrap(), method: method.parse().unwrap() };
        let new = PushMessage { replace: Some(replace), ..message("b", &["491711", "491712"]) };
        assert_eq!(bench.push(new.clone()).await.0, StatusCode::ACCEPTED, "{method}");
        assert_eq!(states(&bench.status("a").await), [MessageState::Pending, MessageState::Cancelled]);
        let told = bench.ends.try_recv().expect("the end is told at once");
        assert_eq!((told.delivery.id, told.delivery.standing.state), (held, State::Cancelled));
        let numbers: Vec<_> =
            std::iter::from_fn(|| bench.given.try_recv().ok()).map(|d| d.destination).collect();
        assert_eq!(numbers.len(), sent, "{method}");
        assert_eq!(numbers[sent - 1], Destination::Msisdn("491712".parse().unwrap()));
        // Nothing waits any more that could leave later.
        bench.pass(Duration::from_secs(60)).await;
        assert!(bench.given.try_recv().is_err(), "{method}");
        bench.tell(Event::Sent { id: gone, segments: 1, receipts: false }).await;
        assert_eq!(
            bench.push(PushMessage { push_id: "c".parse().unwrap(), ..new }).await.0.0,
            match method {
                "all" => 1001,
                _ => 3003,
            }
        );
    }
}

/// It was claimed, and the bearer has no place for it yet.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_to_the_bearer_is_replaced() {
    let mut bench = Bench::new(Settings::default());
    bench.bearer.places.forget_permits(1000);
    bench.push(message("a", &["491711"])).await;
    let handed_over = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        bench.bearer.held.lock().unwrap().push(DispatchId(1));
        bench.bearer.places.add_permits(2);
    };
    let replace = Replace { push_id: "a".parse().unwrap(), method: ReplaceMethod::PendingOnly };
    let new = PushMessage { replace: Some(replace), ..message("b", &["491711"]) };
    let ((code, _), ()) = tokio::join!(bench.push(new), handed_over);
    assert_eq!(code, StatusCode::ACCEPTED);
    assert_eq!(states(&bench.status("a").await), [MessageState::Cancelled]);
    assert_eq!([bench.next().id, bench.next().id], [DispatchId(1), DispatchId(2)]);
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
