//! The machine, in virtual time, against a scripted SMSC.

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
    bearer::{Destination, Dispatch, DispatchId, Event, Failure, References},
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
        ports: Ports::PUSH,
        octets: vec![0x5A; octets].into(),
        expires: None,
        priority: Priority::Medium,
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_session_is_written_as_kannel_writes_it() {
    let Some(folder) = vectors::folder("push") else { return };
    let text = String::from_utf8(vectors::read(&folder, "smpp-kannel-session", "hex")).unwrap();
    let lines: Vec<Vec<u8>> = text.lines().map(hex).collect();
    let mut submits = Vec::new();
    let mut stream = Stream::default();
    for (n, line) in lines.iter().enumerate() {
        // In pieces, as a network may have it.
        line.chunks(7).for_each(|piece| stream.push(piece));
        let incoming = stream.next_pdu().unwrap().unwrap();
        assert_eq!(incoming.header.length as usize, line.len());
        assert!(!matches!(incoming.body, Body::Unreadable), "line {n}");
        if let Body::Pdu(pdu) = &incoming.body {
            let mut again = BytesMut::new();
            encode(incoming.header.status, incoming.header.sequence, (**pdu).clone(), &mut again);
            assert_eq!(&again[..], &line[..], "line {n} comes back as it was");
            if let Pdu::SubmitSm(submit) = &**pdu {
                submits.push((line.clone(), submit.clone()));
            }
        }
        for end in 0..line.len() {
            let mut cut = Stream::default();
            cut.push(&line[..end]);
            assert!(cut.next_pdu().unwrap().is_none(), "a PDU that is not whole waits");
            // The same octets as a PDU of their own: read, or said to be unreadable.
            if end >= 16 {
                let mut short = line[..end].to_vec();
                short[..4].copy_from_slice(&(end as u32).to_be_bytes());
                cut = Stream::default();
                cut.push(&short);
                assert!(cut.next_pdu().unwrap().is_some());
            }
        }
    }
    assert_eq!((lines.len(), submits.len()), (38, 15), "lines and submissions of the vector");
    // Its first document, over our link with settings like Kannel's.
    let first: Vec<Segment> =
        submits[..5].iter().map(|(_, s)| Segment::decode(s.short_message().as_ref()).unwrap()).collect();
    let octets: Vec<u8> = first.iter().flat_map(|segment| segment.data.clone()).collect();
    let mut rig = Rig::bound(LinkSettings {
        source: Source::new("9876", Some(Numbering { ton: 2, npi: 1 })).unwrap(),
        message_mode: 3,
        more_messages: true,
        receipts: false,
        ..settings()
    });
    assert_eq!(rig.raw[0], lines[0], "bind_transceiver");
    rig.raw.clear();
    let destination = Destination::Msisdn(submits[0].1.destination_addr.as_str().parse().unwrap());
    // 10:36:54
    let expires = Some(Timestamp::from_millis(BEGIN + 2_214_000));
    rig.on(Input::Dispatch(Dispatch { octets: octets.into(), destination, expires, ..dispatch(1, 0) }));
    assert_eq!(rig.raw.len(), 5);
    for (n, (own, (kannels, _))) in rig.raw.iter().zip(&submits).enumerate() {
        assert_eq!(own, kannels, "segment {n}");
    }
}

#[test]
fn the_window_is_kept_and_every_segment_is_answered_for() {
    let pace = Pace { window: 3, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    rig.dispatch(1, 600);
    let mut answered = 0;
    while rig.link.held() > 0 {
        let open = rig.take(Command::SUBMIT_SM);
        assert!(open.len() <= 3);
        for sequence in open {
            rig.answers(sequence, 0);
            answered += 1;
            assert!(answered <= 5);
        }
    }
    let events = std::mem::take(&mut rig.events);
    let submitted = events.iter().filter(|e| matches!(e, Event::Submitted { .. })).count();
    assert_eq!(submitted, 5);
    assert_eq!(events.last(), Some(&Event::Sent { id: DispatchId(1), segments: 5, receipts: true }));
}

#[test]
fn throttling_pauses_the_link_and_nothing_is_lost() {
    for status in [0x58, 0x14] {
        let mut rig = Rig::bound(settings());
        rig.dispatch(1, 10);
        rig.dispatch(2, 10);
        let open = rig.take(Command::SUBMIT_SM);
        assert_eq!(open.len(), 2);
        rig.answers(open[0], status);
        rig.answers(open[1], status);
        assert_eq!(rig.notes, [Note::Throttled(CommandStatus(status), SECOND)], "two refusals are one sign");
        rig.wait(Duration::from_millis(999));
        rig.dispatch(3, 10);
        assert!(rig.take(Command::SUBMIT_SM).is_empty(), "nothing while it pauses");
        rig.wait(Duration::from_millis(1));
        let open = rig.take(Command::SUBMIT_SM);
        assert_eq!(open.len(), 3);
        rig.answers(open[0], status);
        assert_eq!(
            rig.notes[1],
            Note::Throttled(CommandStatus(status), 2 * SECOND),
            "longer the second time"
        );
        for sequence in &open[1..] {
            rig.answers(*sequence, 0);
        }
        rig.wait(2 * SECOND);
        let open = rig.take(Command::SUBMIT_SM);
        assert_eq!(open.len(), 1);
        rig.answers(open[0], 0);
        assert_eq!(rig.events().len(), 3);
        assert_eq!(rig.link.held(), 0);
    }
}

#[test]
fn the_rate_is_obeyed() {
    let pace = Pace { rate: NonZeroU32::new(10), window: 1_000, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    for id in 0..100 {
        rig.dispatch(id, 10);
    }
    rig.wait(5 * SECOND);
    let sent = rig.take(Command::SUBMIT_SM).len();
    assert!((49..=52).contains(&sent), "{sent} in five seconds");
}

#[test]
fn a_refusal_for_good_fails_and_one_for_now_is_tried_again_until_it_is_enough() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 200);
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[1], 0x0B);
    let events = rig.events();
    let [Event::Failed { id: DispatchId(1), failure }] = &events[..] else { panic!("{events:?}") };
    assert!(!failure.is_transient());
    assert!(
        failure
            .to_string()
            .ends_with("segment 1 with command status 0000000Bh: the destination address is invalid")
    );
    rig.answers(open[0], 0);
    assert!(rig.events.is_empty(), "a late answer changes nothing");

    rig.dispatch(2, 10);
    rig.dispatch(3, 10);
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0x64);
    rig.answers(open[1], 0);
    assert_eq!(rig.events().len(), 1, "the others go on");
    let mut tries = 1;
    for _ in 0..500 {
        rig.wait(10 * SECOND);
        // enquire_link between the tries.
        for sequence in rig.take(Command::ENQUIRE_LINK) {
            rig.says(CommandStatus::OK, sequence, Pdu::EnquireLinkResp);
        }
        for sequence in rig.take(Command::SUBMIT_SM) {
            tries += 1;
            rig.answers(sequence, 0x64);
        }
        if rig.link.held() == 0 {
            break;
        }
    }
    let events = rig.events();
    let [Event::Failed { failure: Failure::Busy { tries: said, status: 0x64, .. }, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*said, tries);
    assert!((8..30).contains(&tries), "{tries} tries in an hour");
}

#[test]
fn a_lost_answer_is_unclear_and_never_sent_again() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 200);
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0);
    rig.on(Input::Lost(0));
    assert_eq!(rig.events(), [Event::Unclear { id: DispatchId(1), in_doubt: 1, segments: 2 }]);
    assert_eq!((rig.closed.clone(), rig.link.held()), (vec![0], 0));
    rig.wait(2 * SECOND);
    rig.notes.clear();
    rig.bind();
    assert!(rig.take(Command::SUBMIT_SM).is_empty());
}

#[test]
fn what_had_not_left_whole_is_told_to_be_incomplete_or_goes_on() {
    let pace = Pace { window: 2, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    rig.dispatch(1, 600);
    rig.take(Command::SUBMIT_SM);
    rig.on(Input::Lost(0));
    let events = rig.events();
    let [Event::Failed { failure: failure @ Failure::Incomplete { sent: 2, segments: 5, .. }, .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(failure.is_transient());

    // All that was sent has its answer: the rest follows over the next connection.
    rig.wait(2 * SECOND);
    rig.notes.clear();
    rig.bind();
    rig.dispatch(2, 600);
    for sequence in rig.take(Command::SUBMIT_SM) {
        rig.link.on(Input::Tick, rig.time());
        rig.answers(sequence, 0);
    }
    let open = rig.take(Command::SUBMIT_SM);
    assert_eq!(open.len(), 2);
    rig.answers(open[0], 0);
    let more = rig.take(Command::SUBMIT_SM);
    rig.answers(open[1], 0);
    rig.answers(more[0], 0);
    assert_eq!(rig.events(), [Event::Sent { id: DispatchId(2), segments: 5, receipts: true }]);
}

#[test]
fn an_answer_that_does_not_come_in_time_is_lost() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 10);
    rig.take(Command::SUBMIT_SM);
    rig.wait(Duration::from_millis(29_999));
    assert!(rig.events().is_empty());
    rig.wait(Duration::from_millis(1));
    assert_eq!(rig.events(), [Event::Unclear { id: DispatchId(1), in_doubt: 1, segments: 1 }]);
    assert!(rig.link.bound() == 1, "the bind stays");
}

#[test]
fn time_runs_out_only_for_what_has_not_left() {
    let pace = Pace { window: 1, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    let expires = Some(Timestamp::from_millis(BEGIN).plus(10 * SECOND));
    for id in [1, 2] {
        rig.on(Input::Dispatch(Dispatch { expires, ..dispatch(id, 10) }));
    }
    let open = rig.take(Command::SUBMIT_SM);
    assert_eq!(open.len(), 1);
    rig.wait(10 * SECOND);
    assert_eq!(rig.events(), [Event::Expired { id: DispatchId(2) }]);
    rig.answers(open[0], 0);
    assert_eq!(rig.events(), [Event::Sent { id: DispatchId(1), segments: 1, receipts: true }]);
}

#[test]
fn a_silent_bind_is_tested_and_a_dead_one_is_opened_again_later_and_later() {
    let mut rig = Rig::bound(settings());
    rig.wait(30 * SECOND);
    let enquiry = rig.take(Command::ENQUIRE_LINK);
    assert_eq!(enquiry.len(), 1);
    rig.says(CommandStatus::OK, enquiry[0], Pdu::EnquireLinkResp);
    rig.wait(30 * SECOND);
    assert_eq!(rig.take(Command::ENQUIRE_LINK).len(), 1);
    rig.wait(30 * SECOND);
    assert_eq!(rig.notes, [Note::Broken("it did not answer enquire_link in time")]);
    assert_eq!(rig.closed, [0]);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let before = rig.now;
        while rig.opened.is_empty() {
            rig.wait(Duration::from_millis(100));
        }
        pauses.push((rig.now - before).as_secs_f64());
        rig.opened.clear();
        rig.on(Input::Lost(0));
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1] + 0.2), "{pauses:?}");
    assert!(pauses[0] <= 1.1 && (29.9..=60.1).contains(pauses.last().unwrap()), "{pauses:?}");
}

#[test]
fn a_wrong_password_is_not_tried_again_soon() {
    let mut rig = Rig::new(settings());
    rig.on(Input::Tick);
    rig.on(Input::Opened(0));
    let bind = rig.take(Command::BIND_TRANSCEIVER);
    let response = BindTransceiverResp::new(COctetString::empty(), None);
    rig.says(CommandStatus::INVALID_PASSWORD, bind[0], Pdu::BindTransceiverResp(response));
    assert_eq!(rig.notes, [Note::Refused(CommandStatus::INVALID_PASSWORD)]);
    rig.opened.clear();
    rig.wait(29 * SECOND);
    assert!(rig.opened.is_empty());
    rig.wait(31 * SECOND);
    assert_eq!(rig.opened, [0]);
}

#[test]
fn a_pdu_that_cannot_be_read_costs_that_pdu_alone() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 10);
    let open = rig.take(Command::SUBMIT_SM);
    // deliver_sm whose body ends in the middle, an unknown command, and an answer whose id is no text.
    rig.on(Input::Octets(0, &hex("00000014 00000005 00000000 00000007 00010139")));
    rig.on(Input::Octets(0, &hex("00000010 00000999 00000000 00000008")));
    assert_eq!(rig.take(Command::GENERIC_NACK), [7, 8]);
    let mut answer = hex("00000013 80000004 00000000 00000000 FFFE00");
    answer[12..16].copy_from_slice(&open[0].to_be_bytes());
    rig.on(Input::Octets(0, &answer));
    assert_eq!(rig.events, [Event::Sent { id: DispatchId(1), segments: 1, receipts: true }]);
    assert_eq!(rig.link.bound(), 1);
    rig.on(Input::Octets(0, &hex("00000003 00000005 00000000 00000009")));
    assert_eq!(rig.closed, [0], "no way to find the next PDU");
}

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

#[test]
fn receipts_are_read_in_either_form_and_answered_once_they_were_kept() {
    let mut rig =
        Rig::bound(LinkSettings { response_ids: IdForm::Hex, receipt_ids: IdForm::Decimal, ..settings() });
    rig.dispatch(1, 10);
    let open = rig.take(Command::SUBMIT_SM);
    let id = COctetString::from_static_slice(b"0000AB12\0").unwrap();
    rig.says(CommandStatus::OK, open[0], Pdu::SubmitSmResp(SubmitSmResp::new(id, Vec::new())));
    let Event::Submitted { message, .. } = rig.events[0].clone() else { panic!("{:?}", rig.events) };
    let tlv = |id: &'static [u8]| {
        let id = COctetString::from_static_slice(id).unwrap();
        vec![Tlv::ReceiptedMessageId(id), Tlv::MessageState(CodecState::from(5))]
    };
    for (sequence, text, tlvs, state) in [
        (70, "id:0000043794 sub:001 dlvrd:001 stat:DELIVRD err:000 text:", vec![], MessageState::Delivered),
        (71, "", tlv(b"43794\0"), MessageState::Undeliverable),
        (72, "id:1 stat:DELIVRD err:000", tlv(b"43794\0"), MessageState::Undeliverable),
    ] {
        rig.events.clear();
        rig.on(Input::Octets(0, &receipt(sequence, text, tlvs)));
        let [Event::Receipt(receipt)] = &rig.events[..] else { panic!("{:?}", rig.events) };
        assert_eq!((&receipt.message, receipt.state), (&message, state), "{text}");
        assert!(rig.take(Command::DELIVER_SM.response()).is_empty(), "not before it was kept");
        let unanswered = rig.deliveries.pop().unwrap();
        rig.on(Input::Taken(unanswered));
        assert_eq!(rig.take(Command::DELIVER_SM.response()), [sequence]);
        rig.on(Input::Taken(unanswered));
        assert!(rig.pdus.is_empty(), "once");
    }
    // A message of a device is taken, too, and nobody is told.
    rig.events.clear();
    let mut message = receipt(73, "hello", vec![]);
    let esm_class = message.iter().position(|b| *b == 0x04).unwrap();
    assert!(esm_class > 0);
    rig.on(Input::Octets(0, &message.split()));
    assert!(rig.events.is_empty());
    assert_eq!(rig.take(Command::DELIVER_SM.response()), [73]);
}

#[test]
fn a_receipt_of_an_earlier_life_is_not_answered_in_the_next() {
    let mut rig = Rig::bound(settings());
    rig.on(Input::Octets(0, &receipt(5, "id:1 stat:DELIVRD", vec![])));
    let old = rig.deliveries.pop().unwrap();
    rig.on(Input::Lost(0));
    rig.wait(2 * SECOND);
    rig.notes.clear();
    rig.bind();
    rig.on(Input::Octets(0, &receipt(5, "id:1 stat:DELIVRD", vec![])));
    rig.on(Input::Taken(old));
    assert!(rig.take(Command::DELIVER_SM.response()).is_empty());
    let new = rig.deliveries.pop().unwrap();
    rig.on(Input::Taken(new));
    assert_eq!(rig.take(Command::DELIVER_SM.response()), [5]);
}

#[test]
fn what_has_not_left_can_be_taken_back_and_high_priority_goes_first() {
    let pace = Pace { window: 1, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    rig.dispatch(1, 200);
    rig.dispatch(2, 10);
    rig.on(Input::Dispatch(Dispatch { priority: Priority::High, ..dispatch(3, 10) }));
    assert!(rig.link.withdraw(DispatchId(1)).is_none(), "a segment has left");
    assert!(rig.link.withdraw(DispatchId(2)).is_some());
    assert!(rig.link.withdraw(DispatchId(2)).is_none());
    let mut order = Vec::new();
    while rig.link.held() > 0 {
        let open = rig.take(Command::SUBMIT_SM);
        rig.answers(open[0], 0);
        order.extend(rig.events().into_iter().map(|event| match event {
            Event::Sent { id, .. } => id.0,
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(order, [3, 1]);
}

#[test]
fn a_pair_of_binds_sends_over_one_and_hears_over_the_other() {
    let mut rig = Rig::new(LinkSettings { mode: BindMode::Pair, ..settings() });
    rig.on(Input::Tick);
    assert_eq!(rig.opened, [0, 1]);
    rig.on(Input::Opened(0));
    rig.on(Input::Opened(1));
    assert_eq!((rig.take(Command::BIND_TRANSMITTER).len(), rig.take(Command::BIND_RECEIVER).len()), (1, 1));
    let response = hex("00000011 80000002 00000000 00000001 00");
    rig.on(Input::Octets(0, &response));
    rig.on(Input::Octets(1, &hex("00000011 80000001 00000000 00000001 00")));
    rig.dispatch(1, 10);
    assert_eq!(rig.take(Command::SUBMIT_SM), [2]);
    rig.on(Input::Octets(1, &receipt(9, "id:1 stat:DELIVRD", vec![])));
    assert_eq!(rig.deliveries.len(), 1);
    // A transmitter gets no messages (SMPP 3.4, section 2.3).
    rig.on(Input::Octets(0, &receipt(9, "id:1 stat:DELIVRD", vec![])));
    assert_eq!(rig.deliveries.len(), 1);
    assert_eq!(rig.pdus.last().unwrap().header.status, CommandStatus::INVALID_BIND_STATUS);
}

#[test]
fn it_says_goodbye_when_all_is_answered() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 10);
    let open = rig.take(Command::SUBMIT_SM);
    rig.on(Input::Stop);
    rig.dispatch(2, 10);
    assert!(rig.pdus.is_empty(), "nothing more is sent, and the answer is waited for");
    rig.answers(open[0], 0);
    let unbind = rig.take(Command::UNBIND);
    assert_eq!(unbind.len(), 1);
    assert!(!rig.link.has_ended());
    rig.says(CommandStatus::OK, unbind[0], Pdu::UnbindResp);
    assert!(rig.link.has_ended());
    assert_eq!(rig.closed, [0]);
}

#[test]
fn documents_over_the_limit_are_refused_to_the_octet() {
    let ten = LinkSettings { segment_limit: 10, ..settings() };
    let link = Rig::new(ten).link;
    assert_eq!(link.admit(&dispatch(1, 1_280)), Ok(10));
    let refusal = link.admit(&dispatch(1, 1_281)).unwrap_err().to_string();
    assert!(
        refusal.starts_with("1281 octets need 11 short messages, and the route lab takes 10 at most"),
        "{refusal}"
    );
    let wide = Rig::new(LinkSettings { reference: Width::Long, segment_limit: 10, ..settings() }).link;
    assert_eq!((wide.admit(&dispatch(1, 1_270)), wide.admit(&dispatch(1, 1_271)).is_err()), (Ok(10), true));
    let ip = Dispatch { destination: Destination::Ip("192.0.2.7".parse().unwrap()), ..dispatch(1, 1) };
    assert!(link.admit(&ip).unwrap_err().to_string().contains("does not reach IPv4 addresses"));
}

#[test]
fn no_octets_make_it_panic() {
    let mut seed = 0x9E37_79B9_u32;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    let good = receipt(5, "id:1 stat:DELIVRD err:000", vec![Tlv::MessageState(CodecState::from(2))]);
    for _ in 0..3_000 {
        let mut octets = good.to_vec();
        for _ in 0..1 + next() % 4 {
            let at = 4 + next() as usize % (octets.len() - 4);
            octets[at] = next().to_be_bytes()[0];
        }
        let mut rig = Rig::bound(settings());
        rig.on(Input::Octets(0, &octets));
    }
}
