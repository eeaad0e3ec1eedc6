//! Segments that others sent, and ours.

use proptest::{prelude::*, sample::Index};
use serde_json::Value as Json;

use super::*;
use crate::{
    ident::Timestamp,
    wire::{
        Decode, DecodeError, Encode,
        vectors::{self, hex},
        wsp::Push,
    },
};

const ROOM: Limits = Limits { datagrams: 4, octets: 4096 };

fn at(n: i64) -> Timestamp {
    Timestamp::from_millis(n)
}

fn short(total: u8, sequence: u8) -> Concatenation {
    Concatenation::new(Reference::Short(9), total, sequence).unwrap()
}

fn segment(total: u8, sequence: u8, data: &[u8]) -> Segment {
    Segment { udh: Udh::of(Ports::PUSH, Some(short(total, sequence))), data: data.to_vec() }
}

fn complete(outcome: Outcome) -> Datagram {
    match outcome {
        Outcome::Complete(datagram) => datagram,
        other => panic!("{other:?}"),
    }
}

/// All orders of `n` things.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = orders(n - 1);
    shorter.iter().flat_map(|o| (0..=o.len()).map(|at| [&o[..at], &[n - 1], &o[at..]].concat())).collect()
}

#[test]
fn shared_segments() {
    let Some(folder) = vectors::folder("push") else { return };
    let (mut sets, mut messages) = (0, 0);
    for name in vectors::names(&folder, "json") {
        let case: Json = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        if case["kind"] != "udh-segments" {
            continue;
        }
        let text = String::from_utf8(vectors::read(&folder, &name, "hex")).unwrap();
        let lines: Vec<Vec<u8>> = text.lines().map(hex).collect();
        let wanted = case["udh"].as_array().unwrap();
        assert_eq!(wanted.len(), lines.len(), "{name}");
        let segments: Vec<Segment> = lines.iter().map(|l| Segment::decode(l).unwrap()).collect();
        for ((segment, line), wanted) in segments.iter().zip(&lines).zip(wanted) {
            assert_eq!(segment.to_octets(), *line, "{name}: written as it came");
            let elements: Vec<InformationElement> = wanted
                .as_array()
                .unwrap()
                .iter()
                .map(|e| {
                    InformationElement::new(hex(e[0].as_str().unwrap())[0], &hex(e[1].as_str().unwrap()))
                })
                .collect();
            assert_eq!(segment.udh.elements(), elements, "{name}");
            assert_eq!(segment.udh, Udh::new(elements).unwrap(), "{name}");
            // Behind the header a cut only shortens the data.
            for end in 0..line.len() {
                assert_eq!(
                    Segment::decode(&line[..end]).is_ok(),
                    end >= segment.udh.length(),
                    "{name} {end}"
                );
            }
        }
        for order in orders(segments.len()) {
            let mut reassembly = Reassembly::new(ROOM);
            let (last, before) = order.split_last().unwrap();
            for n in before {
                let outcome = reassembly.on("+358401234567", segments[*n].clone(), at(0));
                assert!(matches!(outcome, Outcome::Waiting { .. }), "{name} {order:?} {outcome:?}");
            }
            let datagram = complete(reassembly.on("+358401234567", segments[*last].clone(), at(0)));
            assert_eq!(datagram.ports, segments[0].udh.ports(), "{name}");
            assert_eq!(case["expect"]["wsp_length"], datagram.data.len(), "{name}");
            let push = Push::decode(&datagram.data).unwrap();
            assert_eq!(case["expect"]["body_length"], push.body.len(), "{name}");
        }
        let (ports, first) = (segments[0].udh.ports().unwrap(), segments[0].udh.concatenation());
        let reference = first.map_or(Reference::Short(0), |c| c.reference());
        let whole: Vec<u8> = segments.iter().flat_map(|s| s.data.clone()).collect();
        assert_eq!(split(ports, reference, 255, &whole).unwrap(), segments, "{name}: as we split it");
        sets += 1;
        messages += segments.len();
    }
    assert_eq!((sets, messages), (11, 24));
}

#[test]
fn the_headers_of_pushes_have_their_octets() {
    let alone = Udh::of(Ports::PUSH, None);
    assert_eq!(alone.to_octets(), hex("0605040B8423F0"));
    let first = Udh::of(Ports::PUSH, Some(short(5, 1)));
    assert_eq!(first.to_octets(), hex("0B 05040B8423F0 0003 09 05 01"));
    let long = Concatenation::new(Reference::Long(0x1234), 2, 2).unwrap();
    assert_eq!(Udh::of(Ports::PUSH, Some(long)).to_octets(), hex("0C 05040B8423F0 0804 1234 02 02"));
    let narrow = Udh::decode_exact(&hex("04 0402 F0F1")).unwrap();
    assert_eq!(narrow.ports(), Some(Ports::Narrow { destination: 0xF0, originator: 0xF1 }));
    assert_eq!((narrow.ports().unwrap().destination(), narrow.ports().unwrap().originator()), (240, 241));
}

#[test]
fn what_is_not_known_is_kept() {
    for octets in [
        "00",
        "02 7000",                   // SIM toolkit security header
        "05 0003 05 02 00",          // segment 0
        "05 0003 05 02 03",          // segment 3 of 2
        "05 0003 05 00 00",          // of none
        "04 0002 0501",              // too short for what it says
        "06 0504 0B84 23F0",         //
        "09 0504 0B84 23F0 2401 03", // national language
    ] {
        let udh = Udh::decode_exact(&hex(octets)).unwrap();
        assert_eq!(udh.to_octets(), hex(octets));
        assert_eq!(udh.concatenation(), None);
    }
    let twice = Udh::decode_exact(&hex("0A 0003 01 02 01 0003 02 03 02")).unwrap();
    assert_eq!(
        twice.concatenation().map(|c| (c.reference(), c.total(), c.sequence())),
        Some((Reference::Short(2), 3, 2))
    );
}

#[test]
fn headers_that_do_not_fit_are_refused() {
    for bad in ["", "01", "02 05", "0105", "03 0504 0B", "FF", "8C"] {
        assert!(Udh::decode_exact(&hex(bad)).is_err(), "{bad}");
    }
    let big = |n| vec![InformationElement::Other { iei: 0x70, data: vec![0; n] }];
    assert_eq!(Udh::new(big(137)).unwrap().length(), 140);
    assert!(matches!(Udh::new(big(138)), Err(DecodeError::Limit { got: 140, limit: 139, .. })));
    assert_eq!(
        Concatenation::new(Reference::Short(1), 2, 3).unwrap_err().to_string(),
        "segment 3 of 2 cannot be; expected 1 to 255 segments, counted from 1"
    );
}

#[test]
fn messages_are_filled_to_the_octet() {
    let sizes = |reference, octets: usize| -> Vec<usize> {
        let segments = split(Ports::PUSH, reference, 255, &vec![7; octets]).unwrap();
        assert!(
            segments.iter().all(|s| s.to_octets().len() <= USER_DATA && s.udh.ports() == Some(Ports::PUSH))
        );
        let width = if matches!(reference, Reference::Short(_)) { Width::Short } else { Width::Long };
        assert_eq!(count(Ports::PUSH, width, octets), segments.len());
        segments.iter().map(|s| s.data.len()).collect()
    };
    let (short, long) = (Reference::Short(1), Reference::Long(1));
    assert_eq!(sizes(short, 0), [0]);
    assert_eq!(sizes(short, 133), [133]);
    assert_eq!(sizes(short, 134), [128, 6]);
    assert_eq!(sizes(short, 256), [128, 128]);
    assert_eq!(sizes(short, 257), [128, 128, 1]);
    assert_eq!(sizes(long, 133), [133]);
    assert_eq!(sizes(long, 255), [127, 127, 1]);
    assert_eq!(sizes(short, 255 * 128).len(), 255);
    assert_eq!(
        split(Ports::PUSH, short, 255, &vec![7; 255 * 128 + 1]),
        Err(SplitError { octets: 32641, most: 255, each: 128 })
    );
    assert_eq!(
        split(Ports::PUSH, long, 10, &[7; 1271]).unwrap_err().to_string(),
        "1271 octets do not fit 10 short messages of 127 octets each; make the document smaller"
    );
    assert!(split(Ports::PUSH, long, 1, &[7; 134]).is_err());
    assert!(split(Ports::PUSH, long, 0, &[]).is_err());
}

#[test]
fn segments_come_in_any_order_and_twice() {
    let mut reassembly = Reassembly::new(ROOM);
    // As in a log from the field: 2, 3, 1 and a repetition.
    assert_eq!(reassembly.on("a", segment(3, 2, b"b"), at(0)), Outcome::Waiting { have: 1, total: 3 });
    assert_eq!(reassembly.on("a", segment(3, 2, b"b"), at(0)), Outcome::Repeated);
    assert_eq!(reassembly.on("a", segment(3, 3, b"c"), at(0)), Outcome::Waiting { have: 2, total: 3 });
    assert_eq!(reassembly.missing("a", Reference::Short(9)), [1]);
    // Another sender, another datagram.
    assert_eq!(reassembly.on("b", segment(3, 1, b"x"), at(0)), Outcome::Waiting { have: 1, total: 3 });
    assert_eq!(complete(reassembly.on("a", segment(3, 1, b"a"), at(0))).data, b"abc");
    assert_eq!(reassembly.on("a", segment(3, 1, b"a"), at(0)), Outcome::Repeated);
    assert!(reassembly.missing("a", Reference::Short(9)).is_empty());
    assert_eq!(reassembly.incomplete().collect::<Vec<_>>(), [("b", Reference::Short(9))]);
    let alone = Segment { udh: Udh::of(Ports::PUSH, None), data: b"z".to_vec() };
    assert_eq!(complete(reassembly.on("a", alone, at(0))).data, b"z");
}

#[test]
fn a_reference_that_is_used_again_begins_anew() {
    let mut reassembly = Reassembly::new(ROOM);
    reassembly.on("a", segment(3, 1, b"a"), at(0));
    reassembly.on("a", segment(3, 2, b"b"), at(0));
    assert_eq!(reassembly.on("a", segment(2, 1, b"x"), at(1)), Outcome::Restarted { dropped: 2, total: 2 });
    assert_eq!(complete(reassembly.on("a", segment(2, 2, b"y"), at(1))).data, b"xy");
    // Other data under a number that is known.
    assert_eq!(reassembly.on("a", segment(2, 2, b"z"), at(2)), Outcome::Restarted { dropped: 0, total: 2 });
    // Other ports.
    let mut other = segment(2, 1, b"x");
    other.udh = Udh::of(Ports::Wide { destination: 49999, originator: 49154 }, Some(short(2, 1)));
    assert_eq!(reassembly.on("a", other, at(3)), Outcome::Restarted { dropped: 1, total: 2 });
    // A segment that alone is a whole datagram, over one that is not.
    assert_eq!(complete(reassembly.on("a", segment(1, 1, b"w"), at(4))).data, b"w");
}

#[test]
fn ports_may_be_missing_in_some_segments() {
    let mut reassembly = Reassembly::new(ROOM);
    let bare = |sequence, data: &[u8]| Segment {
        udh: Udh::new(vec![InformationElement::Concatenation(short(2, sequence))]).unwrap(),
        data: data.to_vec(),
    };
    reassembly.on("a", bare(2, b"b"), at(0));
    assert_eq!(complete(reassembly.on("a", segment(2, 1, b"a"), at(0))).ports, Some(Ports::PUSH));
    reassembly.on("b", bare(2, b"b"), at(0));
    assert_eq!(complete(reassembly.on("b", bare(1, b"a"), at(0))).ports, None);
}

#[test]
fn room_is_bounded_and_the_oldest_goes() {
    let mut reassembly = Reassembly::new(Limits { datagrams: 3, octets: 100 });
    for (n, sender) in ["a", "b", "c", "d"].into_iter().enumerate() {
        reassembly.on(sender, segment(2, 1, b"x"), at(i64::try_from(n).unwrap()));
    }
    let senders: Vec<&str> = reassembly.incomplete().map(|(s, _)| s).collect();
    assert_eq!(senders, ["b", "c", "d"]);
    // What was handed out goes first.
    complete(reassembly.on("c", segment(2, 2, b"y"), at(9)));
    reassembly.on("e", segment(2, 1, b"x"), at(10));
    let senders: Vec<&str> = reassembly.incomplete().map(|(s, _)| s).collect();
    assert_eq!(senders, ["b", "d", "e"]);
    // By octets.
    reassembly.on("f", segment(2, 1, &[0; 99]), at(11));
    assert_eq!(reassembly.incomplete().count(), 2);
    assert_eq!(reassembly.expire(at(11)), 1);
    assert_eq!(reassembly.incomplete().collect::<Vec<_>>(), [("f", Reference::Short(9))]);
    assert_eq!(reassembly.expire(at(12)), 1);
}

fn any_element() -> impl Strategy<Value = InformationElement> {
    prop_oneof![
        any::<(u16, u16)>().prop_map(|(destination, originator)| InformationElement::Ports(Ports::Wide {
            destination,
            originator
        })),
        any::<(u8, u8)>().prop_map(|(destination, originator)| InformationElement::Ports(Ports::Narrow {
            destination,
            originator
        })),
        any::<(u8, u8, u8)>().prop_map(|(r, t, s)| InformationElement::new(0, &[r, t, s])),
        any::<(u8, u8, u8)>().prop_map(|(r, t, s)| InformationElement::new(8, &[0, r, t, s])),
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(iei, data)| InformationElement::new(iei, &data)),
    ]
}

proptest! {
    #[test]
    fn headers_survive_a_round_trip(elements in proptest::collection::vec(any_element(), 0..6)) {
        if let Ok(udh) = Udh::new(elements) {
            let mut out = vec![0xA5];
            udh.encode(&mut out);
            prop_assert_eq!(out.len() - 1, udh.length());
            prop_assert_eq!(Udh::decode_exact(&out[1..]).unwrap(), udh);
            for end in 1..out.len() {
                prop_assert!(Udh::decode_exact(&out[1..end]).is_err());
            }
        }
    }

    /// Any datagram, its segments in any order and some of them twice, is put together again.
    #[test]
    fn what_is_split_is_put_together(
        data in proptest::collection::vec(any::<u8>(), 0..2000),
        long in any::<bool>(),
        picks in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let reference = if long { Reference::Long(513) } else { Reference::Short(3) };
        let mut segments = split(Ports::PUSH, reference, 255, &data).unwrap();
        let joined: Vec<u8> = segments.iter().flat_map(|s| s.data.clone()).collect();
        prop_assert_eq!(&joined, &data);
        let mut reassembly = Reassembly::new(ROOM);
        let mut got = None;
        let repeats: Vec<Segment> = picks.iter().map(|p| p.get(&segments).clone()).collect();
        for pick in &picks {
            let (a, b) = (pick.index(segments.len()), picks[0].index(segments.len()));
            segments.swap(a, b);
        }
        for segment in repeats.iter().chain(&segments) {
            match reassembly.on("x", segment.clone(), at(0)) {
                Outcome::Complete(datagram) => got = Some(datagram),
                Outcome::Waiting { .. } | Outcome::Repeated => {}
                Outcome::Restarted { .. } => prop_assert!(false),
            }
        }
        prop_assert_eq!(got, Some(Datagram { ports: Some(Ports::PUSH), data }));
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..150)) {
        let mut reassembly = Reassembly::new(ROOM);
        if let Ok(segment) = Segment::decode(&octets) {
            prop_assert_eq!(segment.to_octets(), octets);
            reassembly.on("x", segment, at(0));
        }
    }
}
