//! Leave to go: nothing leaves before it is written down, and no more than a window is in doubt at a time.

use super::*;

fn rig(window: u16) -> Rig {
    let pace = Pace { window, ..Pace::default() };
    Rig::bound(LinkSettings { write_ahead: true, pace, ..settings() })
}

/// The dispatches that asked since the last time.
fn asked(rig: &mut Rig) -> Vec<Asking> {
    let of = |event: &Event| match event {
        Event::Leaving(asking) => Some(*asking),
        _ => None,
    };
    let ids = rig.events.iter().filter_map(of).collect();
    rig.events.retain(|event| of(event).is_none());
    ids
}

fn ids(asked: &[Asking]) -> Vec<u64> {
    asked.iter().map(|asking| asking.id.0).collect()
}

#[test]
fn nothing_leaves_before_it_is_written_down_and_a_window_of_dispatches_asks_at_a_time() {
    let mut rig = rig(3);
    for id in 0..10 {
        rig.dispatch(id, 600);
    }
    let first = asked(&mut rig);
    assert_eq!(ids(&first), [0, 1, 2]);
    rig.wait(10 * SECOND);
    assert!(rig.take(Command::SUBMIT_SM).is_empty(), "none has leave");
    rig.on(Input::Leave(&first[..1]));
    let mut in_doubt = first;
    let mut ended = 0;
    while rig.link.held() > 0 {
        for sequence in rig.take(Command::SUBMIT_SM) {
            rig.answers(sequence, 0);
        }
        for event in rig.events() {
            match event {
                Event::Leaving(asking) => in_doubt.push(asking),
                Event::Sent { id, .. } => {
                    in_doubt.retain(|other| other.id != id);
                    ended += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(in_doubt.len() <= 3, "{in_doubt:?} may have left");
        rig.on(Input::Leave(&in_doubt));
    }
    assert_eq!(ended, 10);
}

#[test]
fn a_link_that_is_down_asks_for_nothing_and_one_that_breaks_asks_no_second_time() {
    let pace = Pace { window: 2, ..Pace::default() };
    let mut rig = Rig::new(LinkSettings { write_ahead: true, pace, ..settings() });
    for id in 0..5 {
        rig.dispatch(id, 10);
    }
    assert!(asked(&mut rig).is_empty());
    rig.opened.clear();
    rig.on(Input::Opened(0));
    let bind = rig.take(Command::BIND_TRANSCEIVER);
    let bound = BindTransceiverResp::new(COctetString::empty(), None);
    rig.says(CommandStatus::OK, bind[0], Pdu::BindTransceiverResp(bound));
    let first = asked(&mut rig);
    assert_eq!(first.len(), 2);
    rig.on(Input::Lost(0));
    // Word that came late is kept for the next connection.
    rig.on(Input::Leave(&first));
    assert!(rig.take(Command::SUBMIT_SM).is_empty());
    rig.wait(2 * SECOND);
    rig.notes.clear();
    rig.bind();
    assert_eq!(rig.take(Command::SUBMIT_SM).len(), 2);
    assert!(asked(&mut rig).is_empty(), "two may be in doubt, and two are");
}

#[test]
fn what_was_refused_for_now_stays_makes_room_and_asks_again() {
    let mut rig = rig(1);
    rig.dispatch(1, 10);
    rig.dispatch(2, 10);
    let first = asked(&mut rig);
    rig.on(Input::Leave(&first));
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0x64);
    let events = rig.events();
    let [Event::Stayed(stayed), Event::Leaving(second)] = events[..] else { panic!("{events:?}") };
    assert_eq!((stayed, second.id), (first[0], DispatchId(2)));
    rig.on(Input::Leave(&[stayed, second]));
    let open = rig.take(Command::SUBMIT_SM);
    assert_eq!(open.len(), 1, "word for one that stayed lets nothing go");
    rig.answers(open[0], 0);
    rig.events();
    rig.wait(5 * SECOND);
    let again = asked(&mut rig);
    assert_eq!(ids(&again), [1]);
    rig.on(Input::Leave(&first));
    assert!(rig.take(Command::SUBMIT_SM).is_empty(), "word for the first question is none for the second");
    rig.on(Input::Leave(&again));
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0);
    assert_eq!(rig.events(), [Event::Sent { id: DispatchId(1), segments: 1, receipts: true }]);
}

#[test]
fn one_that_asked_can_be_taken_back_and_gives_its_place_to_the_next() {
    let mut rig = rig(1);
    rig.dispatch(1, 10);
    rig.dispatch(2, 10);
    let first = asked(&mut rig);
    assert_eq!(ids(&first), [1]);
    assert!(rig.link.withdraw(DispatchId(1)).is_some());
    rig.on(Input::Tick);
    let second = asked(&mut rig);
    assert_eq!(ids(&second), [2]);
    rig.on(Input::Leave(&[first[0], second[0]]));
    assert_eq!(rig.take(Command::SUBMIT_SM).len(), 1);
}
