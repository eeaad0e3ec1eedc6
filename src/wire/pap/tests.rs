//! PAP messages: each reads back, the field is read as it writes, what is wrong is refused.

use proptest::prelude::*;

use super::*;
use crate::wire::vectors;

const NOT_PAP: [&str; 1] = ["pap-401"];

fn strict(text: &str) -> Result<Pap, DecodeError> {
    Pap::decode(text.as_bytes(), Strictness::Strict)
}

fn address() -> Address {
    "WAPPUSH=+358401234567/TYPE=PLMN@ppg.example".parse().unwrap()
}

fn push() -> PushMessage {
    PushMessage {
        push_id: "1@pi.example".parse().unwrap(),
        replace: None,
        deliver_before: Some("2026-12-01T10:00:00Z".parse().unwrap()),
        deliver_after: None,
        source_reference: None,
        progress_notes_requested: true,
        ppg_notify_requested_to: Some("https://pi.example/notify?a=1&b=2".into()),
        addresses: vec![address(), "WAPPUSH=john%40x/TYPE=USER@ppg.example".parse().unwrap()],
        quality_of_service: Some(QualityOfService {
            delivery_method: DeliveryMethod::Unconfirmed,
            network: Some("GSM".into()),
            network_required: true,
            ..QualityOfService::default()
        }),
    }
}

/// One of each message.
fn all() -> Vec<Message> {
    let push_id = || -> PushId { "a&b<\"'>@pi".parse().unwrap() };
    let (desc, time) = (Some("why & how".to_owned()), Some("2026-11-26T10:00:00Z".parse().unwrap()));
    vec![
        Message::Push(push()),
        Message::PushResponse(PushResponse {
            push_id: push_id(),
            sender_address: Some("/pap".into()),
            sender_name: Some("bootgate".into()),
            reply_time: time,
            progress: vec![ProgressNote { stage: "accepted".into(), note: desc.clone(), time }],
            code: StatusCode::ACCEPTED,
            desc: desc.clone(),
        }),
        Message::Cancel(CancelMessage { push_id: push_id(), addresses: Vec::new() }),
        Message::CancelResponse(CancelResponse {
            push_id: push_id(),
            results: vec![
                CancelResult { code: StatusCode::OK, desc: None, addresses: vec![address()] },
                CancelResult {
                    code: StatusCode::CANCELLATION_NOT_POSSIBLE,
                    desc: desc.clone(),
                    addresses: Vec::new(),
                },
            ],
        }),
        Message::ResultNotification(ResultNotification {
            push_id: push_id(),
            state: MessageState::Delivered,
            code: StatusCode::OK,
            sender_address: None,
            sender_name: None,
            received_time: time,
            event_time: time,
            desc: desc.clone(),
            address: address(),
            quality_of_service: Some(QualityOfService::default()),
        }),
        Message::ResultNotificationResponse(ResultNotificationResponse {
            push_id: push_id(),
            code: StatusCode::OK,
            desc: None,
            address: Some(address()),
        }),
        Message::StatusQuery(StatusQuery { push_id: push_id(), addresses: vec![address()] }),
        Message::StatusResponse(StatusResponse {
            push_id: push_id(),
            results: vec![StatusResult {
                state: MessageState::Pending,
                code: StatusCode::ACCEPTED,
                event_time: time,
                desc: None,
                addresses: vec![address()],
                quality_of_service: None,
            }],
        }),
        Message::CapabilitiesQuery(CapabilitiesQuery {
            query_id: Some("q".into()),
            app_id: None,
            address: address(),
        }),
        Message::CapabilitiesResponse(CapabilitiesResponse {
            query_id: Some("q".into()),
            code: StatusCode::CAPABILITIES_NOT_AVAILABLE,
            desc: None,
            address: None,
        }),
        Message::BadMessage(BadMessage {
            code: StatusCode::BAD_REQUEST,
            desc,
            fragment: Some("<pap>".into()),
        }),
    ]
}

#[test]
fn every_message_reads_back_in_every_version() {
    let messages = all();
    assert_eq!(messages.len(), 11);
    for message in messages {
        for version in Version::ALL {
            let pap =
                Pap { version: Some(version), product_name: Some("x".into()), ..Pap::new(message.clone()) };
            let text = pap.encode();
            assert_eq!(strict(&text).unwrap(), pap, "{text}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for message in all() {
        let text = Pap::new(message).encode();
        let text = text.trim_end();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(strict(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }
}

#[test]
fn the_field_is_read_as_it_writes() {
    // A processing instruction in the internal subset, other letter case, an attribute of a later version.
    let text = r#"<?xml version="1.0"?>
        <!DOCTYPE pap PUBLIC "-//OMA//DTD PAP 2.1//EN" "http://x" [<?wap-pap-ver supported-versions="2.0,1.*"?>]>
        <pap product-name="x"><push-message push-id="1" later="y"
            progress-notes-requested="TRUE"><address address-value="wappush=+358401234567/type=plmn"/>
            <quality-of-service delivery-method="UNCONFIRMED"/><later/></push-message></pap>"#;
    let pap = strict(text).unwrap();
    assert_eq!(pap.version, Some(Version::V2_1));
    let Message::Push(push) = pap.message else { panic!() };
    assert_eq!(push.quality_of_service.unwrap().delivery_method, DeliveryMethod::Unconfirmed);
    assert!(push.progress_notes_requested);

    let answer =
        r#"<pap><push-response push-id="a&b@pi"><response-result code ="1001"/></push-response></pap>"#;
    assert!(strict(answer).is_err());
    let Message::PushResponse(answer) = Pap::decode(answer.as_bytes(), Strictness::Lenient).unwrap().message
    else {
        panic!()
    };
    assert_eq!((answer.push_id.as_str(), answer.code), ("a&b@pi", StatusCode::ACCEPTED));
}

#[test]
fn what_is_wrong_is_said_at_its_element_without_values() {
    let push = |attributes: &str, inside: &str| {
        format!("<pap><push-message {attributes}>{inside}</push-message></pap>")
    };
    let to = r#"<address address-value="WAPPUSH=+358401234567/TYPE=PLMN@x"/>"#;
    for (text, why) in [
        (push("", to), "push-message has no push-id"),
        (push(r#"push-id="1""#, ""), "push-message has no address"),
        (push(r#"push-id="1""#, r#"<address/>"#), "address has no address-value"),
        (
            push(r#"push-id="1""#, &format!(r#"<address address-value="{}"/>"#, "35840".repeat(103))),
            "an address has at most 512 octets",
        ),
        (
            push(r#"push-id="1" deliver-before-timestamp="2026-01-01T00:00:00""#, to),
            "deliver-before-timestamp: expected UTC",
        ),
        (push(r#"push-id="1" deliver-after-timestamp="2026-13-01T00:00:00Z""#, to), "expected UTC"),
        (
            push(r#"push-id="1""#, &format!(r#"{to}<quality-of-service priority="urgent"/>"#)),
            "expected one of high, medium, low",
        ),
        (push(r#"push-id="1" push-id="2""#, to), "stands twice"),
        ("<pap/>".into(), "holds no message"),
        ("<wap/>".into(), "expected pap"),
        ("<pap><cancel-response push-id='1'/></pap>".into(), "has no cancel-result"),
        (r#"<!DOCTYPE pap [<!ENTITY a "b">]><pap/>"#.into(), "defines something"),
        (r#"<pap><push-message push-id="&a;"/></pap>"#.into(), "one of the five entities"),
        (format!("<pap>{}", "<a>".repeat(20)), "nesting of elements"),
        (push(r#"push-id="1""#, &to.repeat(MAX_ADDRESSES + 1)), "addresses"),
    ] {
        let error = strict(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("35840"), "{error}");
    }
}

/// What no XML document can hold is refused on the way in, so that what was read can be written.
#[test]
fn a_character_that_xml_does_not_know_is_refused() {
    for foreign in ['\u{C}', '\u{1}', '\u{FFFE}'] {
        let text =
            format!(r#"<pap><badmessage-response code="2000" bad-message-fragment="a{foreign}b"/></pap>"#);
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            assert!(Pap::decode(text.as_bytes(), strictness).is_err(), "{foreign:?}");
        }
    }
}

#[test]
fn codes_say_their_class() {
    assert_eq!(StatusCode::aborted(0xEB), StatusCode(5027));
    assert_eq!(StatusCode::aborted(0xE0), StatusCode::DEVICE_ABORTED);
    assert!(StatusCode::ACCEPTED.is_success() && StatusCode(4001).is_transient());
    assert_eq!(StatusCode(2007).to_string(), "2007 duplicate push id");
    assert_eq!(StatusCode(22000).to_string(), "22000");
}

/// A whole exchange with another gateway: what was sent and what it answered.
#[test]
fn shared_vectors() {
    let Some(folder) = vectors::folder("push") else { return };
    let mut found = 0;
    for name in vectors::names(&folder, "json").iter().filter(|n| n.starts_with("pap-")) {
        let case: serde_json::Value = serde_json::from_slice(&vectors::read(&folder, name, "json")).unwrap();
        let lines = String::from_utf8(vectors::read(&folder, name, "hex")).unwrap();
        let http: Vec<Vec<u8>> = lines.lines().map(vectors::hex).collect();
        let [request, answer] = http.as_slice() else { panic!("{name}: {} lines", http.len()) };
        let (head, body) = halves(request);
        let boundary = multipart::boundary(field(&head, "Content-Type")).unwrap();
        let entities = multipart::read(&boundary, body).unwrap();
        assert_eq!(entities.len(), 2, "{name}");
        let sent = Pap::decode(entities[0].body, Strictness::Strict).unwrap();
        let Message::Push(sent) = sent.message else { panic!("{name}: not a push") };
        let again =
            Pap::decode(Pap::new(Message::Push(sent.clone())).encode().as_bytes(), Strictness::Strict);
        assert_eq!(again.unwrap().message, Message::Push(sent.clone()), "{name}");

        let (head, body) = halves(answer);
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", case["expect"]["http_status"])), "{name}");
        let read = Pap::decode(body, Strictness::Lenient);
        let expected = (case["expect"]["pap_element"].as_str(), case["expect"]["pap_code"].as_u64());
        match read.map(|p| p.message) {
            Ok(Message::PushResponse(m)) => {
                assert_eq!((Some("push-response"), Some(u64::from(m.code.0))), expected, "{name}");
                assert_eq!(m.push_id, sent.push_id, "{name}");
            }
            Ok(Message::BadMessage(m)) => {
                assert_eq!((Some("badmessage-response"), Some(u64::from(m.code.0))), expected, "{name}");
            }
            other => assert!(other.is_err() && NOT_PAP.contains(&name.as_str()), "{name}: {other:?}"),
        }
        for end in 0..body.len() {
            let _ = Pap::decode(&body[..end], Strictness::Lenient);
        }
        found += 1;
    }
    assert_eq!(found, 4);
}

fn halves(http: &[u8]) -> (String, &[u8]) {
    let at = http.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8(http[..at].to_vec()).unwrap(), &http[at + 4..])
}

fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|l| l.split_once(": "));
    lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1
}

proptest! {
    #[test]
    fn any_text_reads_back(id in "[ -~\u{a1}-\u{17f}]{1,40}", desc in "[!-~][ -~]{0,60}", code: u16) {
        let message = Message::PushResponse(PushResponse {
            push_id: id.parse().unwrap(),
            sender_address: None,
            sender_name: None,
            reply_time: None,
            progress: Vec::new(),
            code: StatusCode(code),
            desc: Some(desc),
        });
        let pap = Pap::new(message);
        prop_assert_eq!(strict(&pap.encode()).unwrap(), pap);
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Pap::decode(&octets, Strictness::Lenient);
        let _ = multipart::read("b", &octets);
    }
}
