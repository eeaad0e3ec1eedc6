//! Short messages and datagrams as they come, and as they should not.

use super::*;
use crate::{
    phone::{Identity, PushRefusal, Unauthenticated, device},
    wire::{
        Encode, Syntax,
        mac::Key,
        prov::{Characteristic, ProvDoc},
        sms::Dcs,
        vectors,
        wdp::{Ports, Reference, split},
        wsp::{Authentication, Field, FieldCode, PushFlag, Sec, Text, Value},
    },
};

const PIN: &str = "481516";
const SENDER: &str = "9876";

fn phone() -> Phone {
    Phone::new(&Identity { imsi: Some("262011234567890".parse().unwrap()), ..device::tests::identity() })
        .unwrap()
}

fn document() -> Vec<u8> {
    let account = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "acme.dm")
        .with("NAME", "a name that takes several short messages ".repeat(9))
        .with("ADDR", "http://dm.example/dm");
    ProvDoc { version: None, characteristics: vec![account] }.encode(Syntax::Wbxml).unwrap()
}

fn push() -> Push {
    let mac = Key::new(&[PIN.as_bytes()]).sign(&document());
    Push::client_provisioning(1, Some(&Authentication { sec: Sec::USERPIN, mac: Some(mac) }), document())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn messages(push: &Push, reference: u8) -> Vec<UserData> {
    let segments = split(Ports::PUSH, Reference::Short(reference), 255, &push.to_octets()).unwrap();
    let message = |s: Segment| UserData::octets(Dcs::DATA, Some(s.udh), s.data).unwrap();
    segments.into_iter().map(message).collect()
}

/// The phone, its inbox, and a user who knows the PIN.
struct Desk {
    phone: Phone,
    inbox: Inbox,
}

impl Desk {
    fn new(trust: PushTrust) -> Self {
        Self { phone: phone(), inbox: Inbox::new(trust) }
    }

    fn take(&mut self, message: &UserData, when: Timestamp) -> Received {
        let mut user = |_| Some(PIN.parse().unwrap());
        self.inbox.short_message(&mut self.phone, SENDER, message, when, &mut user)
    }

    fn datagram(&mut self, push: &Push) -> Received {
        let datagram = Datagram { ports: Some(Ports::PUSH), data: push.to_octets() };
        self.inbox.datagram(&mut self.phone, &datagram, &mut |_| Some(PIN.parse().unwrap()))
    }
}

fn taken(received: &Received) -> bool {
    matches!(received, Received::Bootstrap(result) if took(result))
}

#[test]
fn segments_come_in_every_order_and_twice() {
    let messages = messages(&push(), 7);
    let total = u8::try_from(messages.len()).unwrap();
    assert!((4..8).contains(&total), "{total}");
    for turn in 0..messages.len() {
        let mut order: Vec<&UserData> = messages.iter().rev().collect();
        order.rotate_left(turn);
        let mut desk = Desk::new(PushTrust::Anybody);
        let (last, before) = order.split_last().unwrap();
        for (n, message) in before.iter().enumerate() {
            let have = u8::try_from(n + 1).unwrap();
            assert_eq!(desk.take(message, at(0)), Received::Waiting { have, total });
            assert_eq!(desk.take(message, at(0)), Received::Repeated);
            assert!(desk.phone.accounts().is_empty());
        }
        assert!(taken(&desk.take(last, at(0))));
        assert_eq!(desk.phone.accounts().len(), 1);
        // The whole once more, by the same reference and by another.
        assert_eq!(desk.take(last, at(0)), Received::Repeated);
        let again: Vec<UserData> = tests::messages(&push(), 8);
        let results: Vec<Received> = again.iter().map(|m| desk.take(m, at(1))).collect();
        assert_eq!(results.last(), Some(&Received::Repeated));
        assert_eq!(desk.phone.accounts().len(), 1);
    }
}

#[test]
fn a_message_whose_rest_never_came_is_forgotten() {
    let messages = messages(&push(), 7);
    let mut desk = Desk::new(PushTrust::Anybody);
    for message in &messages[1..] {
        desk.take(message, at(0));
    }
    let late = at(i64::try_from(KEPT.as_secs()).unwrap() + 1);
    let total = u8::try_from(messages.len()).unwrap();
    assert_eq!(desk.take(&messages[0], late), Received::Waiting { have: 1, total });
    // In time it is complete.
    let mut desk = Desk::new(PushTrust::Anybody);
    for message in &messages[1..] {
        desk.take(message, at(0));
    }
    let in_time = at(i64::try_from(KEPT.as_secs()).unwrap());
    assert!(taken(&desk.take(&messages[0], in_time)));
}

#[test]
fn a_push_that_was_refused_may_come_again() {
    let mut desk = Desk::new(PushTrust::Anybody);
    let datagram = Datagram { ports: Some(Ports::PUSH), data: push().to_octets() };
    let refused = desk.inbox.datagram(&mut desk.phone, &datagram, &mut |_| Some("0000".parse().unwrap()));
    let wrong = PushRefusal::WrongPin { method: "USERPIN", tries: 3 };
    assert_eq!(refused, Received::Bootstrap(PushResult::Refused { reason: wrong }));
    assert!(taken(&desk.datagram(&push())));
    assert_eq!(desk.datagram(&push()), Received::Repeated);
}

fn flagged(flag: Option<u8>, initiator: Option<&str>) -> Push {
    let mut push = push();
    if let Some(uri) = initiator {
        let uri = Value::text(Text::new(uri).unwrap());
        push.fields.push(Field::known(FieldCode::INITIATOR_URI, uri));
    }
    if let Some(flag) = flag {
        push.fields.push(Field::known(FieldCode::PUSH_FLAG, Value::integer(u64::from(flag))));
    }
    push
}

#[test]
fn initiators_that_nobody_vouches_for_are_refused_where_the_phone_asks_for_that() {
    const ACME: &str = "https://acme.example/push";
    let ours = || PushTrust::Initiators(vec![ACME.into()]);
    let trusted = PushFlag::CONTENT_TRUSTED;
    for (trust, flag, uri, expected) in [
        (PushTrust::Anybody, None, None, None),
        (PushTrust::Authenticated, Some(1), None, None),
        (PushTrust::Authenticated, Some(7), None, None),
        (
            PushTrust::Authenticated,
            None,
            None,
            Some("no gateway vouches for the initiator: the Push-Flag is missing"),
        ),
        (
            PushTrust::Authenticated,
            Some(trusted),
            None,
            Some("no gateway vouches for the initiator: the Push-Flag does not"),
        ),
        (ours(), Some(1), Some(ACME), None),
        (ours(), Some(1), Some("https://evil.example/"), Some("the initiator is https://evil.example/;")),
        (ours(), Some(1), None, Some("the initiator is not named")),
        (ours(), Some(0), Some(ACME), Some("no gateway vouches")),
    ] {
        let mut desk = Desk::new(trust.clone());
        let received = desk.datagram(&flagged(flag, uri));
        match (expected, &received) {
            (None, received) => assert!(taken(received), "{trust:?} {flag:?}: {received:?}"),
            (Some(expected), Received::Dropped { reason }) => {
                assert!(reason.to_string().starts_with(expected), "{reason}");
                assert!(desk.phone.accounts().is_empty());
            }
            other => panic!("{trust:?} {flag:?}: {other:?}"),
        }
    }
}

#[test]
fn what_is_for_somebody_else_is_dropped_by_name() {
    let octets = push().to_octets();
    let to = |destination| Some(Ports::Wide { destination, originator: 9200 });
    let confirmed = [&[1, 7], &octets[2..]].concat();
    let other = push().with_application(ApplicationCode::MMS_UA).to_octets();
    for (ports, data, said) in [
        (None, octets.clone(), "data without a port"),
        (to(5505), octets.clone(), "data for port 5505;"),
        (to(2949), octets.clone(), "data for port 2949;"),
        (to(2948), vec![], "not a WSP push: "),
        (to(2948), vec![1, 6, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xB6], "not a WSP push: "),
        (to(2948), confirmed, "a ConfirmedPush has its place"),
        (to(2948), other, "the push is for application x-wap-application:mms.ua"),
    ] {
        let mut desk = Desk::new(PushTrust::Anybody);
        let datagram = Datagram { ports, data };
        let mut user = |_| -> Option<Pin> { panic!("nobody is asked for a PIN") };
        let Received::Dropped { reason } = desk.inbox.datagram(&mut desk.phone, &datagram, &mut user) else {
            panic!("{said}")
        };
        assert!(reason.to_string().starts_with(said), "{reason}, not {said}");
    }
    // One octet at a time: no prefix of a push is taken, and none does harm.
    for end in 0..octets.len() {
        let mut desk = Desk::new(PushTrust::Anybody);
        let datagram = Datagram { ports: Some(Ports::PUSH), data: octets[..end].to_vec() };
        let received = desk.inbox.datagram(&mut desk.phone, &datagram, &mut |_| Some(PIN.parse().unwrap()));
        assert!(!taken(&received), "{end} octets: {received:?}");
    }
}

#[test]
fn what_proves_nothing_is_refused_unless_the_phone_is_careless() {
    let bare = Push::client_provisioning(1, None, document());
    let mut desk = Desk::new(PushTrust::Anybody);
    let refused = Received::Bootstrap(PushResult::Refused { reason: PushRefusal::NoSec });
    assert_eq!(desk.datagram(&bare), refused);
    let mut careless = Desk::new(PushTrust::Anybody);
    careless.phone = phone().with_unauthenticated(Unauthenticated::Take);
    assert!(taken(&careless.datagram(&bare)));
}

#[test]
fn text_is_shown_to_the_user_and_to_nobody_else() {
    let mut desk = Desk::new(PushTrust::Anybody);
    let septets = UserData::septets(Dcs(0), None, b"PIN 481516".to_vec()).unwrap();
    let ucs2: Vec<u8> = "PIN 481516 ☎".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let ucs2 = UserData::octets(Dcs(8), None, ucs2).unwrap();
    for (message, text) in [(septets, "PIN 481516"), (ucs2, "PIN 481516 ☎")] {
        let received = desk.take(&message, at(0));
        let Received::Text(shown) = &received else { panic!("{received:?}") };
        assert_eq!(shown.expose(), text);
        assert!(!format!("{received:?}").contains(PIN));
        assert!(!serde_json::to_string(&received).unwrap().contains(PIN));
    }
}

/// Captured pushes in the order in which they came, of whatever sort: each makes exactly one message.
#[test]
fn the_shared_pushes_come_in() {
    let Some(folder) = vectors::folder("push") else { return };
    let (mut bootstraps, mut dropped) = (0, 0);
    for name in vectors::names(&folder, "json") {
        let case: serde_json::Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        if !case["udh"].is_array() {
            continue;
        }
        let lines = String::from_utf8(vectors::read(&folder, &name, "hex")).unwrap();
        let mut desk = Desk::new(PushTrust::Anybody);
        if let Some(imsi) = case["expect"]["mac_key"]["value"].as_str().filter(|_| case["expect"]["sec"] == 0)
        {
            let imsi = Some(imsi.parse().unwrap());
            desk.phone = Phone::new(&Identity { imsi, ..device::tests::identity() }).unwrap();
        }
        let pin = case["expect"]["mac_key"]["value"].as_str().unwrap_or("0000").to_owned();
        let mut complete = 0;
        for line in lines.lines() {
            let segment = Segment::decode(&vectors::hex(line)).unwrap();
            let message = UserData::octets(Dcs::DATA_CLASS_1, Some(segment.udh), segment.data).unwrap();
            let mut user = |_| pin.parse().ok();
            let received = desk.inbox.short_message(&mut desk.phone, SENDER, &message, at(0), &mut user);
            match received {
                Received::Bootstrap(result) => {
                    let bare = case["expect"]["sec"].is_null();
                    let authentic = matches!(result, PushResult::Authenticated { .. });
                    assert_ne!(authentic, bare, "{name}: {result:?}");
                    complete += 1;
                    bootstraps += 1;
                }
                Received::Dropped { .. } | Received::Notification { .. } => {
                    complete += 1;
                    dropped += 1;
                }
                Received::Waiting { .. } | Received::Repeated => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(complete, 1, "{name}");
    }
    assert_eq!((bootstraps, dropped), (9, 2));
}
