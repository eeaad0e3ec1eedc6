//! Our bearer against the virtual SMSC, over TCP.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::*;
use crate::{
    app::{OsRandom, SystemClock},
    bearer::{
        Bearer, Destination, Dispatch, DispatchId, Event, ReceiptState, References,
        smpp::{
            BindMode, Credentials, Form, IdForm, LinkSettings, Numbering, Pace, SmppLink, SmscAddress,
            Source, Validity, Verdicts,
        },
    },
    ident::Timestamp,
    wire::{
        pap::Priority,
        wdp::{Limits, Outcome, Ports, Reassembly, Width},
    },
};

pub(crate) fn settings() -> LinkSettings {
    LinkSettings {
        name: "lab".into(),
        credentials: Credentials::new("bootgate", Some("secret".parse().unwrap()), "VMA").unwrap(),
        mode: BindMode::Transceiver,
        binds: 1,
        source: Source::new("9876", None).unwrap(),
        destination: Numbering::INTERNATIONAL,
        form: Form::Udh,
        reference: Width::Short,
        segment_limit: 255,
        data_coding: 0x04,
        message_mode: 0,
        more_messages: false,
        receipts: true,
        validity: Validity::Absolute,
        response_ids: IdForm::Text,
        receipt_ids: IdForm::Text,
        verdicts: Verdicts::default(),
        pace: Pace::default(),
    }
}

struct Bench {
    smsc: VirtualSmsc,
    received: mpsc::Receiver<Received>,
    link: SmppLink,
    events: mpsc::Receiver<Event>,
}

async fn bench(behaviour: Behaviour, settings: LinkSettings) -> Bench {
    let (smsc, received) = VirtualSmsc::start("127.0.0.1:0".parse().unwrap(), behaviour).await.unwrap();
    let endpoint =
        SmscAddress { address: smsc.address().to_string().into(), connect_timeout: Duration::from_secs(5) };
    let (to, events) = mpsc::channel(1_024);
    let references = Arc::new(References::default());
    let link = SmppLink::start(settings, endpoint, references, to, Arc::new(SystemClock), Arc::new(OsRandom));
    Bench { smsc, received, link, events }
}

fn dispatch(id: u64, octets: &[u8]) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        destination: Destination::Msisdn("+491711234567".parse().unwrap()),
        ports: Ports::PUSH,
        octets: octets.into(),
        expires: Some(Timestamp::from_millis(4_000_000_000_000)),
        priority: Priority::Medium,
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
                    Event::Submitted { id, segment, message } => {
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
