//! How fast it goes: window, throttling, rate, priority.

use super::*;

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
