//! Messages that others sent, and ours.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::wire::{
    Decode, Encode,
    vectors::{self, hex},
    wdp::{Concatenation, InformationElement, Ports, Reference, Segment, Udh, split},
    wsp::Push,
};

#[test]
fn shared_messages() {
    let Some(folder) = vectors::folder("push") else { return };
    let mut found = 0;
    for name in vectors::names(&folder, "json") {
        let case: Json = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        if case["kind"] != "tpdu-deliver" {
            continue;
        }
        let text = String::from_utf8(vectors::read(&folder, &name, "hex")).unwrap();
        let octets = hex(text.trim());
        let pdu = Pdu::decode(&octets).unwrap();
        assert_eq!(pdu.to_octets(), octets, "{name}: written as it came");
        assert!(matches!(pdu.service_centre, ServiceCentre::Address(_)), "{name}");
        let Tpdu::Deliver(deliver) = &pdu.tpdu else { panic!("{name}") };
        let wanted = &case["tpdu"][0];
        let tpdu = pdu.tpdu.to_octets();
        assert_eq!(hex(wanted["first_octet"].as_str().unwrap()), tpdu[..1], "{name}");
        assert_eq!(wanted["pid"], deliver.pid.0, "{name}");
        assert_eq!(hex(wanted["dcs"].as_str().unwrap()), [deliver.user_data.dcs().0], "{name}");
        let elements: Vec<InformationElement> = wanted["udh"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| InformationElement::new(hex(e[0].as_str().unwrap())[0], &hex(e[1].as_str().unwrap())))
            .collect();
        assert_eq!(deliver.user_data.udh().unwrap().elements(), elements, "{name}");
        let Content::Octets(data) = deliver.user_data.content() else { panic!("{name}") };
        assert_eq!(wanted["udl"], data.len() + deliver.user_data.udh().unwrap().length(), "{name}");
        let push = Push::decode(data).unwrap();
        assert_eq!(case["expect"]["body_length"], push.body.len(), "{name}");
        assert!(deliver.time.parts().is_some(), "{name}");
        for end in 0..octets.len() {
            assert!(Pdu::decode(&octets[..end]).is_err(), "{name} {end}");
        }
        // Without the service centre it is the same message.
        let alone = Pdu::decode(&tpdu).unwrap();
        assert_eq!(alone, Pdu { service_centre: ServiceCentre::Absent, tpdu: pdu.tpdu }, "{name}");
        found += 1;
    }
    assert_eq!(found, 2);
}

#[test]
fn a_push_as_a_modem_sends_it() {
    let segment =
        split(Ports::PUSH, Reference::Short(1), 1, &hex("0106 01 B6 030B6A004501")).unwrap().remove(0);
    let Segment { udh, data } = segment;
    let user_data = UserData::octets(Dcs::DATA_CLASS_1, Some(udh), data).unwrap();
    let mut submit = Submit::new(Address::international(&"+358401234567".parse().unwrap()), user_data);
    submit.validity = Some(ValidityPeriod::Relative(0xAA));
    let octets = hex("00 51 00 0C 91 534810325476 00 F5 AA 11 0605040B8423F0 010601B6 030B6A004501");
    let pdu = Pdu { service_centre: ServiceCentre::Default, tpdu: Tpdu::Submit(submit.clone()) };
    assert_eq!(pdu.to_octets(), octets);
    assert_eq!(Pdu::decode(&octets).unwrap(), pdu);
    assert_eq!(submit.validity.and_then(|v| v.duration()), Some(Duration::from_secs(4 * 24 * 3600)));

    submit.validity = None;
    submit.status_report = true;
    submit.reject_duplicates = true;
    assert_eq!(submit.to_octets()[0], 0x65);
    assert_eq!(Submit::decode_exact(&submit.to_octets()).unwrap(), submit);
    assert_eq!(Pdu::decode(&submit.to_octets()).unwrap().service_centre, ServiceCentre::Absent);
}

#[test]
fn text_begins_at_the_next_septet_behind_a_header() {
    let udh = Udh::of(Ports::PUSH, None);
    let user_data = UserData::septets(Dcs(0), Some(udh), b"hello".to_vec()).unwrap();
    let mut out = Vec::new();
    user_data.encode(&mut out);
    // Seven octets of header are eight septets, without a bit to fill.
    assert_eq!(out, hex("0D 0605040B8423F0 E8329BFD06"));
    let time = SmsTime::new([26, 2, 3], [4, 5, 6], -8).unwrap();
    let deliver = Deliver {
        more_messages: true,
        loop_prevention: false,
        status_report: false,
        reply_path: false,
        originator: Address::new(TypeOfAddress::ALPHANUMERIC, "NowSMS").unwrap(),
        pid: Pid(0),
        time,
        user_data,
    };
    let octets = deliver.to_octets();
    assert_eq!(octets[..9], hex("40 0B D0 CE F7 7D DA 9C 02")[..]);
    assert_eq!(Deliver::decode_exact(&octets).unwrap(), deliver);
    assert_eq!(deliver.originator.text(), "NowSMS");
    assert_eq!(time.to_string(), "2026-02-03T04:05:06-02:00");
}

#[test]
fn times_are_kept_and_read() {
    let time = SmsTime([0x01, 0x80, 0x11, 0x40, 0x31, 0x14, 0x80]);
    assert_eq!(time.to_string(), "2010-08-11T04:13:41+02:00");
    assert_eq!(time.parts(), Some(([10, 8, 11], [4, 13, 41], 8)));
    assert_eq!(SmsTime::new([10, 8, 11], [4, 13, 41], 8), Some(time));
    assert_eq!(SmsTime([0x99, 0x21, 0x13, 0, 0, 0, 0x4A]).to_string(), "1999-12-31T00:00:00-06:00");
    for bad in [[0; 7], [0xFF; 7], [0x01, 0x31, 0x11, 0, 0, 0, 0], [0x01, 0x80, 0x11, 0x42, 0, 0, 0]] {
        assert_eq!(SmsTime(bad).parts(), None);
        assert_eq!(SmsTime(bad).to_string(), "not a time");
    }
    assert_eq!(SmsTime::new([100, 1, 1], [0, 0, 0], 0), None);
    assert_eq!(SmsTime::new([1, 1, 1], [0, 0, 0], 80), None);
    for (octet, minutes) in
        [(0, 5), (143, 720), (144, 750), (167, 1440), (168, 2880), (196, 43_200), (197, 50_400)]
    {
        let period = ValidityPeriod::Relative(octet).duration().unwrap();
        assert_eq!(period, Duration::from_secs(60 * minutes), "{octet}");
    }
}

#[test]
fn addresses_are_checked() {
    let number = |text| Address::new(TypeOfAddress::UNKNOWN, text);
    assert_eq!(number("12*#abc").unwrap().to_octets(), hex("07 81 21 BA DC FE"));
    assert_eq!(number("").unwrap().to_octets(), hex("00 81"));
    assert_eq!(number("123x").unwrap_err(), AddressError::Character { at: 4 });
    assert_eq!(number(&"1".repeat(21)).unwrap_err(), AddressError::Length { got: 21, limit: 20 });
    let letters = |text| Address::new(TypeOfAddress::ALPHANUMERIC, text);
    assert_eq!(letters("Acme €").unwrap_err(), AddressError::Character { at: 6 });
    assert!(letters("ElevenChars").is_ok() && letters("TwelveChars!").is_err());
    let shown = format!("{:?}", Address::international(&"+358401234567".parse().unwrap()));
    assert_eq!(shown, "Address(91, …67)");
}

#[test]
fn what_is_no_message_is_refused() {
    for bad in [
        "",
        "00",
        "40",
        "02 00 81 00",                         // status report
        "04 15 91 00",                         // 21 digits
        "04 02 91 0F 0000 00000000000000 00",  // a digit that is none
        "04 00 81 00 04 00000000000000 8D",    // 141 octets
        "04 00 81 00 00 00000000000000 A1",    // 161 septets
        "44 00 81 00 04 00000000000000 00",    // no header
        "44 00 81 00 00 00000000000000 01 00", // header beyond the septets
        "04 00 81 00 04 00000000000000 01 00 00",
    ] {
        assert!(Pdu::decode(&hex(bad)).is_err(), "{bad}");
    }
    let udh = || Some(Udh::of(Ports::PUSH, None));
    assert!(UserData::octets(Dcs::DATA, udh(), vec![0; 133]).is_ok());
    assert!(UserData::octets(Dcs::DATA, udh(), vec![0; 134]).is_err());
    assert!(UserData::octets(Dcs(0), None, vec![]).is_err());
    assert!(UserData::septets(Dcs(0), udh(), vec![0; 152]).is_ok());
    assert!(UserData::septets(Dcs(0), udh(), vec![0; 153]).is_err());
    assert!(UserData::septets(Dcs::DATA, None, vec![]).is_err());
    assert_eq!(UserData::septets(Dcs(0), None, vec![0, 0x80]).unwrap_err(), UserDataError::Septet { at: 1 });
    assert_eq!(
        UserData::octets(Dcs(0x11), None, vec![]).unwrap_err().to_string(),
        "data coding scheme 11 (default alphabet, class 1) is not for this content"
    );
}

fn any_udh() -> impl Strategy<Value = Option<Udh>> {
    prop_oneof![
        Just(None),
        Just(Some(Udh::of(Ports::PUSH, None))),
        Just(Some(Udh::of(Ports::PUSH, Concatenation::new(Reference::Long(7), 3, 2).ok()))),
        proptest::collection::vec(any::<u8>(), 0..12)
            .prop_map(|data| Udh::new(vec![InformationElement::Other { iei: 0x70, data }]).ok()),
    ]
}

fn any_user_data() -> impl Strategy<Value = UserData> {
    let octets = (any_udh(), proptest::collection::vec(any::<u8>(), 0..120), any::<u8>())
        .prop_filter_map("data", |(udh, octets, dcs)| UserData::octets(Dcs(dcs), udh, octets).ok());
    let septets = (any_udh(), proptest::collection::vec(0u8..0x80, 0..140), any::<u8>())
        .prop_filter_map("text", |(udh, septets, dcs)| UserData::septets(Dcs(dcs), udh, septets).ok());
    prop_oneof![octets, septets]
}

fn any_address() -> impl Strategy<Value = Address> {
    prop_oneof![
        ("[0-9*#a-c]{0,20}", any::<u8>()).prop_filter_map("digits", |(text, kind)| {
            let kind = TypeOfAddress(kind);
            Address::new(kind, &text).ok().filter(|_| !kind.is_alphanumeric())
        }),
        "[A-Za-z0-9 @_]{0,11}".prop_map(|text| Address::new(TypeOfAddress::ALPHANUMERIC, &text).unwrap()),
    ]
}

proptest! {
    #[test]
    fn messages_survive_a_round_trip(
        user_data in any_user_data(),
        address in any_address(),
        flags in any::<[bool; 4]>(),
        octets in any::<(u8, u8, [u8; 7])>(),
        validity in 0..4,
        centre in proptest::option::of("[0-9]{1,20}"),
    ) {
        let (reference, pid, time) = (octets.0, Pid(octets.1), SmsTime(octets.2));
        let [a, b, c, d] = flags;
        let deliver = Deliver {
            more_messages: a,
            loop_prevention: b,
            status_report: c,
            reply_path: d,
            originator: address.clone(),
            pid,
            time,
            user_data: user_data.clone(),
        };
        let submit = Submit {
            reject_duplicates: a,
            status_report: b,
            reply_path: c,
            reference,
            destination: address,
            pid,
            validity: match validity {
                0 => None,
                1 => Some(ValidityPeriod::Relative(reference)),
                2 => Some(ValidityPeriod::Absolute(time)),
                _ => Some(ValidityPeriod::Enhanced(time.0)),
            },
            user_data,
        };
        for tpdu in [Tpdu::Deliver(deliver), Tpdu::Submit(submit)] {
            let mut out = vec![0xA5];
            tpdu.encode(&mut out);
            prop_assert_eq!(&Tpdu::decode_exact(&out[1..]).unwrap(), &tpdu);
            for end in 1..out.len() {
                prop_assert!(Tpdu::decode_exact(&out[1..end]).is_err());
            }
            let service_centre = match &centre {
                None => ServiceCentre::Default,
                Some(digits) => {
                    ServiceCentre::Address(Address::new(TypeOfAddress::INTERNATIONAL, digits).unwrap())
                }
            };
            let pdu = Pdu { service_centre, tpdu };
            prop_assert_eq!(Pdu::decode(&pdu.to_octets()).unwrap(), pdu);
        }
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..180)) {
        let _ = Pdu::decode(&octets);
        let head = hex("44 00 81 00 04 00000000000000");
        let _ = Pdu::decode(&[head, octets].concat());
    }
}
