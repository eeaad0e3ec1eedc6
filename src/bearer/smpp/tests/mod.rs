//! The machine, in virtual time, against a scripted SMSC.

mod binds;
mod leave;
mod outcome;
mod pace;
mod receipts;
mod session;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::BytesMut;
use rusmpp::{
    Pdu,
    pdus::{BindTransceiverResp, DeliverSm, SubmitSmResp},
    tlvs::MessageDeliveryRequestTlvValue as Tlv,
    types::{COctetString, EmptyOrFullCOctetString, OctetString},
    values::{
        DataCoding, EsmClass, MessageState as CodecState, Npi, PriorityFlag, RegisteredDelivery,
        ReplaceIfPresentFlag, ServiceType, Ton,
    },
};

use super::*;
use crate::{
    bearer::{Asking, Carriage, Destination, Dispatch, DispatchId, Event, Failure, References},
    ident::{Random, Timestamp},
    wire::{
        pap::Priority,
        smpp::{Command, CommandStatus, MessageState},
        vectors::{self, hex},
        wdp::{Ports, Segment, Width},
    },
};

/// 2026-11-22T10:00:00Z, half an hour before the session of the vector.
const BEGIN: i64 = 1_795_341_600_000;

struct Nought;

impl Random for Nought {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn settings() -> LinkSettings {
    let credentials = Credentials::new("kannel", Some("secret".parse().unwrap()), "VMA").unwrap();
    LinkSettings::new("lab", credentials, Source::new("9876", None).unwrap())
}

/// A link, the time, and what came out.
struct Rig {
    link: Link,
    now: Duration,
    opened: Vec<usize>,
    closed: Vec<usize>,
    pdus: Vec<Incoming>,
    raw: Vec<Vec<u8>>,
    events: Vec<Event>,
    deliveries: Vec<Unanswered>,
    notes: Vec<Note>,
}

impl Rig {
    fn new(settings: LinkSettings) -> Self {
        let now = Now { elapsed: Duration::ZERO, clock: Timestamp::from_millis(BEGIN) };
        let link = Link::new(settings, Arc::new(References::default()), Arc::new(Nought), now);
        Self {
            link,
            now: Duration::ZERO,
            opened: vec![],
            closed: vec![],
            pdus: vec![],
            raw: vec![],
            events: vec![],
            deliveries: vec![],
            notes: vec![],
        }
    }

    /// One whose only bind stands.
    fn bound(settings: LinkSettings) -> Self {
        let mut rig = Self::new(settings);
        rig.bind();
        rig
    }

    fn bind(&mut self) {
        self.on(Input::Tick);
        assert_eq!(std::mem::take(&mut self.opened), [0]);
        self.on(Input::Opened(0));
        let bind = self.take(Command::BIND_TRANSCEIVER);
        assert_eq!(bind.len(), 1);
        self.says(
            CommandStatus::OK,
            bind[0],
            Pdu::BindTransceiverResp(BindTransceiverResp::new(COctetString::empty(), None)),
        );
        assert_eq!(self.notes.pop(), Some(Note::Bound));
    }

    fn time(&self) -> Now {
        let clock = Timestamp::from_millis(BEGIN).plus(self.now);
        Now { elapsed: self.now, clock }
    }

    fn on(&mut self, input: Input<'_>) {
        let now = self.time();
        for action in self.link.on(input, now) {
            match action {
                Action::Open(at) => self.opened.push(at),
                Action::Close(at) => self.closed.push(at),
                Action::Write(_, octets) => {
                    let mut stream = Stream::default();
                    stream.push(&octets);
                    let mut at = 0;
                    while let Some(pdu) = stream.next_pdu().unwrap() {
                        let end = at + pdu.header.length as usize;
                        self.raw.push(octets[at..end].to_vec());
                        at = end;
                        self.pdus.push(pdu);
                    }
                    assert_eq!(at, octets.len(), "whole PDUs only");
                }
                Action::Tell(event) => self.events.push(event),
                Action::Receipt(receipt, unanswered) => {
                    self.events.push(Event::Receipt(receipt));
                    self.deliveries.push(unanswered);
                }
                Action::Note(note) => self.notes.push(note),
            }
        }
    }

    fn wait(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(due) = self.link.due(self.time()).filter(|due| *due <= end) {
            assert!(due >= self.now || self.link.due(self.time()).is_some());
            let before = (self.now, self.pdus.len(), self.events.len(), self.opened.len());
            self.now = self.now.max(due);
            self.on(Input::Tick);
            let after = (self.now, self.pdus.len(), self.events.len(), self.opened.len());
            // A machine that wants to be looked at again and again without a change would spin.
            if before == after {
                self.now += Duration::from_millis(1);
            }
        }
        self.now = end;
        self.on(Input::Tick);
    }

    /// The sequence numbers of the PDUs of this kind, which are taken away.
    fn take(&mut self, command: Command) -> Vec<u32> {
        let (own, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pdus).into_iter().partition(|pdu| pdu.header.command == command);
        self.pdus = rest;
        own.iter().map(|pdu| pdu.header.sequence).collect()
    }

    fn says(&mut self, status: CommandStatus, sequence: u32, pdu: Pdu) {
        let mut out = BytesMut::new();
        encode(status, sequence, pdu, &mut out);
        self.on(Input::Octets(0, &out));
    }

    /// Answers a submit_sm.
    fn answers(&mut self, sequence: u32, status: u32) {
        let id = if status == 0 { format!("m{sequence}") } else { String::new() };
        let response = SubmitSmResp::new(COctetString::from_string(id).unwrap(), Vec::new());
        self.says(CommandStatus(status), sequence, Pdu::SubmitSmResp(response));
    }

    fn dispatch(&mut self, id: u64, octets: usize) {
        self.on(Input::Dispatch(dispatch(id, octets)));
    }

    fn events(&mut self) -> Vec<Event> {
        let events = std::mem::take(&mut self.events);
        events.into_iter().filter(|event| !matches!(event, Event::Submitted { .. })).collect()
    }
}

fn dispatch(id: u64, octets: usize) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        destination: Destination::Msisdn("+491711234567".parse().unwrap()),
        carriage: Carriage::Datagram(Ports::PUSH),
        octets: vec![0x5A; octets].into(),
        expires: None,
        priority: Priority::Medium,
        reference: None,
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn receipt(sequence: u32, text: &str, tlvs: Vec<Tlv>) -> BytesMut {
    let mut out = BytesMut::new();
    let pdu = Pdu::DeliverSm(DeliverSm::new(
        ServiceType::default(),
        Ton::International,
        Npi::Isdn,
        COctetString::from_static_slice(b"491711234567\0").unwrap(),
        Ton::Unknown,
        Npi::Unknown,
        COctetString::empty(),
        EsmClass::from(0x04),
        0,
        PriorityFlag::new(0),
        EmptyOrFullCOctetString::empty(),
        EmptyOrFullCOctetString::empty(),
        RegisteredDelivery::from(0),
        ReplaceIfPresentFlag::DoNotReplace,
        DataCoding::from(0),
        0,
        OctetString::from_vec(text.as_bytes().to_vec()).unwrap(),
        tlvs,
    ));
    encode(CommandStatus::OK, sequence, pdu, &mut out);
    out
}
