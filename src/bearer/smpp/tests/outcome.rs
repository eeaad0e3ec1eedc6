//! What becomes of dispatches: refusals, lost answers, broken connections, time.

use super::*;

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

/// A dispatch of five segments that is sent again while segment 2 of its first flight has no answer: the sequence numbers of the
/// old segment 2 and of the new one, which wait both, at 32 seconds. Segments 0 and 1 of the new flight were taken.
fn sent_again_beside_an_old_segment() -> (Rig, u32, u32) {
    let pace = Pace { window: 2, ..Pace::default() };
    let mut rig = Rig::bound(LinkSettings { pace, ..settings() });
    rig.dispatch(1, 600);
    let first = rig.take(Command::SUBMIT_SM);
    rig.wait(10 * SECOND);
    rig.answers(first[1], 0);
    let old = rig.take(Command::SUBMIT_SM);
    rig.wait(20 * SECOND);
    let failed = rig.events();
    assert!(
        matches!(&failed[..], [Event::Failed { failure: Failure::Incomplete { sent: 3, .. }, .. }]),
        "{failed:?}"
    );
    rig.wait(2 * SECOND);
    rig.dispatch(1, 600);
    for _ in 0..2 {
        let next = rig.take(Command::SUBMIT_SM);
        rig.answers(next[0], 0);
    }
    let new = rig.take(Command::SUBMIT_SM);
    rig.events.clear();
    (rig, old[0], new[0])
}

/// What the SMSC took, by segment and name, since the last time.
fn taken(rig: &mut Rig) -> Vec<(u8, String)> {
    let name = |event: &Event| match event {
        Event::Submitted { segment, message, .. } => Some((*segment, message.id.clone())),
        _ => None,
    };
    let names = rig.events.iter().filter_map(name).collect();
    rig.events.retain(|event| name(event).is_none());
    names
}

#[test]
fn an_answer_for_an_earlier_flight_is_none_for_the_new_one() {
    for status in [0, 0x0B, 0x58, 0x64] {
        let (mut rig, old, new) = sent_again_beside_an_old_segment();
        rig.answers(old, status);
        assert_eq!((taken(&mut rig), rig.events()), (vec![], vec![]), "{status:X}h for the old segment");
        rig.answers(new, 0);
        assert_eq!(taken(&mut rig), [(2, format!("m{new}"))]);
        while rig.link.held() > 0 {
            let next = rig.take(Command::SUBMIT_SM);
            assert!(!next.is_empty(), "no segment is kept back");
            next.iter().for_each(|sequence| rig.answers(*sequence, 0));
        }
        assert_eq!(rig.events(), [Event::Sent { id: DispatchId(1), segments: 5, receipts: true }]);
    }
}

#[test]
fn silence_about_an_earlier_flight_is_none_about_the_new_one() {
    let (mut rig, _, new) = sent_again_beside_an_old_segment();
    // The answer for the old one is due at 40 seconds, that for the new one at 62.
    rig.wait(8 * SECOND);
    assert!(rig.events().is_empty());
    rig.answers(new, 0);
    assert_eq!(taken(&mut rig), [(2, format!("m{new}"))]);
    assert_eq!(rig.link.held(), 1);
}

#[test]
fn a_connection_that_breaks_under_an_earlier_flight_does_not_break_the_new_one() {
    let pace = Pace { window: 1, ..Pace::default() };
    let mut rig = Rig::new(LinkSettings { pace, binds: 2, ..settings() });
    rig.on(Input::Tick);
    let says = |rig: &mut Rig, at: usize, sequence: u32, pdu: Pdu| {
        let mut out = BytesMut::new();
        encode(CommandStatus::OK, sequence, pdu, &mut out);
        rig.on(Input::Octets(at, &out));
    };
    for at in 0..2 {
        rig.on(Input::Opened(at));
        let bind = rig.take(Command::BIND_TRANSCEIVER);
        let bound = BindTransceiverResp::new(COctetString::empty(), None);
        says(&mut rig, at, bind[0], Pdu::BindTransceiverResp(bound));
    }
    rig.dispatch(1, 600);
    assert_eq!(rig.take(Command::SUBMIT_SM).len(), 2, "one over each");
    rig.wait(10 * SECOND);
    // Segment 2 of the first flight follows over connection 1, and stays without an answer.
    let answer = SubmitSmResp::new(COctetString::from_string("m".to_owned()).unwrap(), Vec::new());
    says(&mut rig, 1, 2, Pdu::SubmitSmResp(answer));
    assert_eq!(rig.take(Command::SUBMIT_SM).len(), 1);
    rig.wait(20 * SECOND);
    assert!(matches!(&rig.events()[..], [Event::Failed { failure: Failure::Incomplete { .. }, .. }]));
    // The new one goes over connection 0 as far as segment 2.
    rig.dispatch(1, 600);
    for _ in 0..2 {
        let next = rig.take(Command::SUBMIT_SM);
        rig.answers(next[0], 0);
    }
    let new = rig.take(Command::SUBMIT_SM);
    rig.events.clear();
    rig.on(Input::Lost(1));
    assert!(rig.events().is_empty());
    rig.answers(new[0], 0);
    assert_eq!(taken(&mut rig).len(), 1);
}
