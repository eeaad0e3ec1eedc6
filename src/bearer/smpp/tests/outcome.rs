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
