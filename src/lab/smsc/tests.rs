//! Our bearer against the virtual SMSC, over TCP.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::*;
use crate::{
    app::{OsRandom, SystemClock},
    bearer::{
        Bearer, Carriage, Destination, Dispatch, DispatchId, Event, ReceiptState, References, Route, Routes,
        smpp::{
            BindMode, Credentials, Form, LinkSettings, Numbering, Pace, SmppLink, SmscAddress, Source, Tls,
            TlsFiles,
        },
    },
    ident::Timestamp,
    wire::{
        pap::Priority,
        wdp::{Limits, Outcome, Ports, Reassembly, Reference, Width},
    },
};

pub(crate) fn settings() -> LinkSettings {
    let credentials = Credentials::new("bootgate", Some("secret".parse().unwrap()), "VMA").unwrap();
    let source = Source::new("9876", None).unwrap();
    LinkSettings { segment_limit: 255, ..LinkSettings::new("lab", credentials, source) }
}

struct Bench {
    smsc: VirtualSmsc,
    received: mpsc::Receiver<Received>,
    link: SmppLink,
    events: mpsc::Receiver<Event>,
}

async fn bench(behaviour: Behaviour, settings: LinkSettings) -> Bench {
    let (smsc, received) = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour).await.unwrap();
    let endpoint = SmscAddress {
        address: smsc.address().to_string().into(),
        connect_timeout: Duration::from_secs(5),
        tls: None,
    };
    let (to, events) = mpsc::channel(1_024);
    let references = Arc::new(References::default());
    let link = SmppLink::start(settings, endpoint, references, to, Arc::new(SystemClock), Arc::new(OsRandom));
    Bench { smsc, received, link, events }
}

fn dispatch(id: u64, octets: &[u8]) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        destination: Destination::Msisdn("+491711234567".parse().unwrap()),
        carriage: Carriage::Datagram(Ports::PUSH),
        octets: octets.into(),
        expires: Some(Timestamp::from_millis(4_000_000_000_000)),
        priority: Priority::Medium,
        reference: None,
    }
}

fn octets(n: usize) -> Vec<u8> {
    (0..n).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

#[tokio::test]
async fn what_is_dispatched_arrives_and_receipts_come_back() {
    let sizes = [0, 1, 133, 134, 600, 5_000];
    let mut expected_segments = 0;
    for form in [Form::Udh, Form::Sar, Form::Payload] {
        for reference in [Width::Short, Width::Long] {
            let mut bench = bench(Behaviour::default(), LinkSettings { form, reference, ..settings() }).await;
            let (mut submitted, mut sent) = (BTreeMap::new(), 0);
            for (n, size) in sizes.into_iter().enumerate() {
                bench.link.send(dispatch(n as u64, &octets(size))).await.unwrap();
            }
            let mut receipts = 0;
            let mut due = usize::MAX;
            while sent < sizes.len() || receipts < due {
                match bench.events.recv().await.unwrap() {
                    Event::Submitted { id, segment, message, .. } => {
                        assert_eq!(submitted.insert(message, (id, segment)), None);
                    }
                    Event::Sent { receipts, .. } => {
                        assert!(receipts);
                        sent += 1;
                    }
                    Event::Receipt(receipt) => {
                        assert!(submitted.contains_key(&receipt.message));
                        assert_eq!(receipt.state, ReceiptState::Delivered);
                        receipts += 1;
                    }
                    other => panic!("{other:?}"),
                }
                due = if sent == sizes.len() { submitted.len() } else { usize::MAX };
            }
            let mut reassembly = Reassembly::new(Limits { datagrams: 10, octets: 1 << 20 });
            let mut whole = Vec::new();
            for _ in 0..submitted.len() {
                let received = bench.received.recv().await.unwrap();
                assert_eq!(
                    (received.source.as_str(), received.destination.as_str()),
                    ("9876", "491711234567")
                );
                assert_eq!((received.data_coding, received.registered_delivery), (0x04, 0x01));
                assert_eq!(received.validity_period, "961002070640000+");
                assert_eq!(received.esm_class, if form == Form::Udh { 0x40 } else { 0 });
                for segment in received.segments {
                    assert_eq!(segment.udh.ports(), Some(Ports::PUSH), "in every segment");
                    expected_segments += 1;
                    if let Outcome::Complete(datagram) =
                        reassembly.on(&received.source, segment, Timestamp::from_millis(0))
                    {
                        whole.push(datagram.data);
                    }
                }
            }
            whole.sort_by_key(Vec::len);
            assert_eq!(whole, sizes.map(octets), "{form:?} {reference:?}");
            bench.link.stop(Duration::from_secs(5)).await;
            assert_eq!(bench.smsc.receipts_open(), 0, "every receipt was answered");
        }
    }
    assert!(expected_segments > 200);
}

/// What some SMSCs want otherwise than others: it is as the link is set, on the wire.
#[tokio::test]
async fn coding_and_numbering_are_those_of_the_link() {
    let source = |address: &str, numbering| Source::new(address, numbering).unwrap();
    let own = Some(Numbering { ton: 2, npi: 8 });
    for (data_coding, source, destination, expected) in [
        (0x04, source("9876", None), Numbering::INTERNATIONAL, ((3, 0), (1, 1))),
        (0xF5, source("Acme", None), Numbering { ton: 2, npi: 1 }, ((5, 0), (2, 1))),
        (0xF4, source("+491700000000", None), Numbering { ton: 0, npi: 0 }, ((1, 1), (0, 0))),
        (0xF6, source("9876", own), Numbering { ton: 4, npi: 9 }, ((2, 8), (4, 9))),
        (0x04, Source::NONE, Numbering::INTERNATIONAL, ((0, 0), (1, 1))),
    ] {
        let link = LinkSettings { data_coding, source: source.clone(), destination, ..settings() };
        let mut bench = bench(Behaviour::default(), link).await;
        // In two segments, and as text, which has a coding of its own.
        bench.link.send(dispatch(1, &octets(200))).await.unwrap();
        bench.link.send(Dispatch { carriage: Carriage::Text, ..dispatch(2, b"PIN 4711") }).await.unwrap();
        for coding in [data_coding, data_coding, 0x00] {
            let received = bench.received.recv().await.unwrap();
            assert_eq!(received.data_coding, coding);
            assert_eq!((received.source_numbering, received.destination_numbering), expected);
            assert_eq!(
                (received.source.as_str(), received.destination.as_str()),
                (source.address(), "491711234567")
            );
        }
        bench.link.stop(Duration::from_secs(5)).await;
    }
}

/// The reference that was counted for all who push to a device stands in each segment.
#[tokio::test]
async fn a_reference_that_was_counted_is_the_one_on_the_wire() {
    for form in [Form::Udh, Form::Sar] {
        for (reference, expected) in
            [(Width::Short, Reference::Short(0x34)), (Width::Long, Reference::Long(0x1234))]
        {
            let link = LinkSettings { form, reference, ..settings() };
            let mut bench = bench(Behaviour::default(), link).await;
            let dispatch = Dispatch { reference: Some(0x1234), ..dispatch(1, &octets(300)) };
            bench.link.send(dispatch).await.unwrap();
            for _ in 0..3 {
                let received = bench.received.recv().await.unwrap();
                let part = received.segments[0].udh.concatenation().unwrap();
                assert_eq!((part.reference(), part.total()), (expected, 3));
            }
            bench.link.stop(Duration::from_secs(5)).await;
        }
    }
}

/// Text for a person: in the default alphabet or in UCS-2, in one message or several, without ports.
#[tokio::test]
async fn text_arrives_as_text() {
    let long = "Grüße: ".repeat(60);
    let texts = ["PIN for your new settings: 4711", "Ваш PIN: 4711 😀", &long];
    for form in [Form::Udh, Form::Sar, Form::Payload] {
        let mut bench = bench(Behaviour::default(), LinkSettings { form, ..settings() }).await;
        for (n, text) in texts.into_iter().enumerate() {
            let text = Dispatch { carriage: Carriage::Text, ..dispatch(n as u64, text.as_bytes()) };
            assert_eq!(bench.link.admit(&text).unwrap(), if n == 2 { 3 } else { 1 });
            bench.link.send(text).await.unwrap();
        }
        closings(&mut bench.events, texts.len()).await;
        let mut got: Vec<(u8, Vec<u8>)> = Vec::new();
        while let Ok(received) = bench.received.try_recv() {
            for segment in received.segments {
                assert_eq!(segment.udh.ports(), None);
                match segment.udh.concatenation() {
                    Some(part) if part.sequence() > 1 => got.last_mut().unwrap().1.extend(&segment.data),
                    _ => got.push((received.data_coding, segment.data)),
                }
            }
        }
        // Payloads, and segments by parameters, stand without a header.
        if form == Form::Sar {
            got.splice(2.., [(got[2].0, got[2..].iter().flat_map(|(_, data)| data.clone()).collect())]);
        }
        let read = got.iter().map(|(coding, data)| match coding {
            0x00 => crate::wire::sms::text_of(data),
            0x08 => {
                let units: Vec<u16> = data.chunks(2).map(|p| u16::from_be_bytes([p[0], p[1]])).collect();
                String::from_utf16(&units).unwrap()
            }
            other => panic!("{other:02X}"),
        });
        assert_eq!(read.collect::<Vec<_>>(), texts, "{form:?}");
        assert_eq!(got.iter().map(|(coding, _)| *coding).collect::<Vec<_>>(), [0x00, 0x08, 0x00]);
        bench.link.stop(Duration::from_secs(5)).await;
    }
}

/// Everything that events say, until this many closing ones were heard.
async fn closings(events: &mut mpsc::Receiver<Event>, count: usize) -> Vec<Event> {
    let mut closings = Vec::new();
    while closings.len() < count {
        let event =
            tokio::time::timeout(Duration::from_secs(20), events.recv()).await.expect("an event").unwrap();
        if !matches!(event, Event::Submitted { .. } | Event::Receipt(_)) {
            closings.push(event);
        }
    }
    closings
}

fn hasty() -> Pace {
    let short = (Duration::from_millis(20), Duration::from_millis(100));
    Pace {
        window: 20,
        response_timeout: Duration::from_millis(500),
        reconnect: short,
        throttle: short,
        retry: short,
        ..Pace::default()
    }
}

#[tokio::test]
async fn whatever_the_smsc_does_every_dispatch_is_closed_once_and_none_is_sent_twice() {
    let faults =
        ["throttle=10", "lose-answer=60", "reorder=5", "duplicate=10", "disconnect=70", "refuse=40:64"];
    let faults = faults.iter().try_fold(Faults::default(), |f, text| f.with(text)).unwrap();
    let mut bench =
        bench(Behaviour { faults, ..Behaviour::default() }, LinkSettings { pace: hasty(), ..settings() })
            .await;
    const COUNT: usize = 200;
    for n in 0..COUNT {
        // Each goes to a device of its own and says which it is.
        let destination = Destination::Msisdn(format!("+49171{n:07}").parse().unwrap());
        bench.link.send(Dispatch { destination, ..dispatch(n as u64, &octets(300)) }).await.unwrap();
    }
    let closings = closings(&mut bench.events, COUNT).await;
    let ids: std::collections::BTreeSet<u64> = closings
        .iter()
        .map(|event| match event {
            Event::Sent { id, .. }
            | Event::Failed { id, .. }
            | Event::Unclear { id, .. }
            | Event::Expired { id } => id.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids.len(), COUNT);
    let mut whole = BTreeMap::new();
    let mut reassembly = Reassembly::new(Limits { datagrams: 1_000, octets: 1 << 20 });
    while let Ok(received) = bench.received.try_recv() {
        for segment in received.segments {
            if let Outcome::Complete(datagram) =
                reassembly.on(&received.destination, segment, Timestamp::from_millis(0))
            {
                assert_eq!(datagram.data, octets(300));
                *whole.entry(received.destination.clone()).or_insert(0) += 1;
            }
        }
    }
    assert!(whole.values().all(|times| *times == 1), "nobody got it twice: {whole:?}");
    let arrived = |id: &DispatchId| whole.contains_key(&format!("49171{:07}", id.0));
    let (mut sent, mut unclear) = (0, 0_u64);
    for event in &closings {
        match event {
            Event::Sent { id, .. } => {
                assert!(arrived(id), "said to be sent");
                sent += 1;
            }
            Event::Failed { id, .. } => assert!(!arrived(id), "said to have failed: {event:?}"),
            Event::Unclear { .. } => unclear += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(sent > COUNT / 2 && unclear > 0, "{sent} sent, {unclear} unclear");
    let happened = bench.smsc.happened();
    let Happened { throttled, refused, answers_lost, disconnected, .. } = happened;
    let Happened { answers_mixed, receipts_mixed, receipts_doubled, .. } = happened;
    let each =
        [throttled, refused, answers_lost, disconnected, answers_mixed, receipts_mixed, receipts_doubled];
    assert!(each.iter().all(|times| *times > 0), "{happened:?}");
    // A connection that is closed leaves a window in doubt at the most.
    let most = answers_lost + disconnected * u64::from(hasty().window);
    assert!(unclear <= most, "{unclear} unclear, {happened:?}");
    bench.link.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_longest_prefix_counts_and_a_link_that_is_down_is_passed_over() {
    let mut main = bench(Behaviour::default(), LinkSettings { name: "main".into(), ..settings() }).await;
    let mut other = bench(Behaviour::default(), LinkSettings { name: "other".into(), ..settings() }).await;
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (to, mut none) = mpsc::channel(16);
    let address =
        SmscAddress { address: free.to_string().into(), connect_timeout: Duration::from_secs(5), tls: None };
    let down = SmppLink::start(
        LinkSettings { name: "down".into(), ..settings() },
        address,
        Arc::new(References::default()),
        to,
        Arc::new(SystemClock),
        Arc::new(OsRandom),
    );
    let (down, m, o) = (Arc::new(down), Arc::new(main.link), Arc::new(other.link));
    let routes = Routes::new(
        vec![
            Route { prefix: String::new(), links: vec![m.clone()] },
            Route { prefix: "49".into(), links: vec![down.clone(), o.clone()] },
        ],
        None,
    );
    let to = |id, number: &str| Dispatch {
        destination: Destination::Msisdn(number.parse().unwrap()),
        ..dispatch(id, b"x")
    };
    // Before any bind stands the preferred link takes it; once the other one stands, it takes that over.
    routes.send(to(1, "491711234567")).await.unwrap();
    assert_eq!(closings(&mut other.events, 1).await.len(), 1);
    assert_eq!(other.received.recv().await.unwrap().destination, "491711234567");
    routes.send(to(2, "491711234567")).await.unwrap();
    routes.send(to(3, "358401234567")).await.unwrap();
    assert_eq!(other.received.recv().await.unwrap().destination, "491711234567");
    assert_eq!(main.received.recv().await.unwrap().destination, "358401234567");
    assert!(none.try_recv().is_err());
    let ip = Dispatch { destination: Destination::Ip("192.0.2.7".parse().unwrap()), ..dispatch(4, b"x") };
    assert!(routes.admit(&ip).unwrap_err().to_string().contains("does not reach IPv4"));
    let long = Dispatch { octets: vec![0; 255 * 128 + 1].into(), ..to(5, "491711234567") };
    assert!(routes.admit(&long).unwrap_err().to_string().contains("segment-limit"));
    assert_eq!((routes.links().len(), down.held()), (3, 0));
    routes.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn only_who_knows_the_password_is_bound() {
    let account = Some(("bootgate".to_owned(), "secret".to_owned()));
    let right = bench(Behaviour { account: account.clone(), ..Behaviour::default() }, settings()).await;
    let credentials = Credentials::new("bootgate", Some("wrong".parse().unwrap()), "").unwrap();
    let wrong =
        bench(Behaviour { account, ..Behaviour::default() }, LinkSettings { credentials, ..settings() })
            .await;
    right.link.send(dispatch(1, b"x")).await.unwrap();
    wrong.link.send(dispatch(1, b"x")).await.unwrap();
    let mut events = right.events;
    closings(&mut events, 1).await;
    assert_eq!((right.link.bound(), wrong.link.bound()), (1, 0));
    assert!(wrong.link.withdraw(DispatchId(1)), "it has not left");
    assert_eq!(wrong.smsc.taken(), 0);
}

#[tokio::test]
async fn several_pairs_of_binds_share_the_work() {
    let pace = Pace { window: 5, ..Pace::default() };
    let mut bench =
        bench(Behaviour::default(), LinkSettings { mode: BindMode::Pair, binds: 3, pace, ..settings() })
            .await;
    for n in 0..50 {
        bench.link.send(dispatch(n, &octets(300))).await.unwrap();
    }
    let closings = closings(&mut bench.events, 50).await;
    assert!(closings.iter().all(|event| matches!(event, Event::Sent { segments: 3, .. })));
    assert_eq!(bench.link.bound(), 3);
    bench.link.stop(Duration::from_secs(5)).await;
    assert!(bench.link.send(dispatch(99, b"x")).await.is_err(), "it has ended");
}

#[tokio::test]
async fn tls_is_spoken_from_the_first_octet() {
    use tokio_rustls::{TlsAcceptor, rustls};
    let made = rcgen::generate_simple_self_signed(vec!["smsc.example".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap();
    let (smsc, mut received) =
        VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), Behaviour::default()).await.unwrap();
    let behind = smsc.address();
    // In front of the SMSC, which knows no TLS.
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut plain = tokio::net::TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
                }
            });
        }
    });
    let start = |name: &str| {
        let files = TlsFiles { ca: ca.clone(), name: name.to_owned(), own: None };
        let address = SmscAddress {
            address: front.to_string().into(),
            connect_timeout: Duration::from_secs(5),
            tls: Some(Tls::open(&files).unwrap()),
        };
        let (to, events) = mpsc::channel(16);
        let references = Arc::new(References::default());
        let clock = Arc::new(SystemClock);
        (SmppLink::start(settings(), address, references, to, clock, Arc::new(OsRandom)), events)
    };
    let (other, _other_events) = start("other.example");
    let (link, mut events) = start("smsc.example");
    link.send(dispatch(1, b"x")).await.unwrap();
    closings(&mut events, 1).await;
    assert_eq!(received.recv().await.unwrap().segments[0].data, b"x");
    assert_eq!((link.bound(), other.bound()), (1, 0), "a certificate for another name is none");
    let missing = TlsFiles { ca: folder.path().join("no.pem"), name: "x".into(), own: None };
    assert!(Tls::open(&missing).unwrap_err().to_string().contains("no.pem"));
}
