//! The octets of a session: those of Kannel, those of strangers, and documents at the limit.

use super::*;

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
