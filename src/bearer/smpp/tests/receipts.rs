//! Receipts, and when they are answered.

use super::*;

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
