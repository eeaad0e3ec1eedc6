//! Binds: silent ones, refused ones, pairs, and the end.

use super::*;

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
fn a_bind_that_may_not_send_is_made_anew_once_all_is_answered() {
    let mut rig = Rig::bound(settings());
    rig.dispatch(1, 10);
    rig.dispatch(2, 10);
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0x04);
    rig.dispatch(3, 10);
    assert!(rig.take(Command::SUBMIT_SM).is_empty(), "nothing more goes over it");
    assert!(rig.closed.is_empty(), "the other segment would be in doubt");
    rig.answers(open[1], 0);
    assert_eq!(rig.events(), [Event::Sent { id: DispatchId(2), segments: 1, receipts: true }]);
    assert_eq!(rig.closed, [0]);
    assert_eq!(rig.notes, [Note::Broken("it says that the bind may not send")]);

    rig.wait(2 * SECOND);
    rig.notes.clear();
    rig.bind();
    let mut sent = Vec::new();
    for _ in 0..10 {
        for sequence in rig.take(Command::SUBMIT_SM) {
            rig.answers(sequence, 0);
        }
        sent.extend(rig.events());
        rig.wait(SECOND);
    }
    let whole = |id| Event::Sent { id: DispatchId(id), segments: 1, receipts: true };
    assert!(sent.len() == 2 && sent.contains(&whole(1)) && sent.contains(&whole(3)), "{sent:?}");
    assert_eq!(rig.closed, [0], "the new bind stays");
}

#[test]
fn a_bind_stays_where_the_operator_says_that_04h_is_of_the_message() {
    let verdicts = Verdicts::new([(CommandStatus::INVALID_BIND_STATUS, Verdict::Permanent)]);
    let mut rig = Rig::bound(LinkSettings { verdicts, ..settings() });
    rig.dispatch(1, 10);
    let open = rig.take(Command::SUBMIT_SM);
    rig.answers(open[0], 0x04);
    let events = rig.events();
    assert!(matches!(events[..], [Event::Failed { id: DispatchId(1), .. }]), "{events:?}");
    assert!(rig.closed.is_empty() && rig.link.bound() == 1);
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
