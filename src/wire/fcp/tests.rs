//! File control parameters against the shared vectors, and what no vector covers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::{
    Encode,
    apdu::CommandApdu,
    arr::KeyRef,
    vectors::{hex, vectors},
};

#[test]
fn shared_vectors_of_answers() {
    let Some(cases) = vectors("card/fcp.json") else { return };
    assert_eq!(cases.len(), 19);
    let (mut templates, mut descriptors, mut bad) = (0, 0, 0);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let octets = hex(case["hex"].as_str().unwrap());
        if case["expect"] == "error" {
            assert!(Fcp::decode(&octets).is_err(), "{id}");
            bad += 1;
        } else if octets[0] == 0x82 {
            let object = tlv::parse_all(&octets).unwrap();
            let descriptor = FileDescriptor::decode(object[0].value).unwrap();
            compare_descriptor(id, &descriptor, &case["decoded"]);
            assert_eq!(descriptor.octets(), object[0].value);
            descriptors += 1;
        } else {
            let fcp = Fcp::decode(&octets).unwrap();
            compare(id, &fcp, &case["decoded"]);
            let written = fcp.to_octets(Order::Answer);
            if id == "V5" || id.starts_with("V8") {
                // These cards have an order of their own; the content must survive.
                assert_eq!(Fcp::decode(&written).unwrap(), fcp, "{id}");
                assert_eq!(written.len(), octets.len(), "{id}");
            } else {
                assert_eq!(written, octets, "{id}");
            }
            every_prefix_is_an_error(&octets);
            templates += 1;
        }
    }
    assert_eq!((templates, descriptors, bad), (11, 4, 4));
}

#[test]
fn shared_vectors_of_create_file() {
    let Some(cases) = vectors("card/create-file.json") else { return };
    assert_eq!(cases.len(), 12);
    let mut good = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let octets = hex(case["hex"].as_str().unwrap());
        let apdu = CommandApdu::decode(&octets);
        if case["expect"] == "error" {
            // An Lc that is one too small makes the last octet Le, and cuts the template.
            assert!(apdu.is_err() || Fcp::decode(apdu.unwrap().data()).is_err(), "{id}");
            continue;
        }
        good += 1;
        let (apdu, wanted) = (apdu.unwrap(), &case["decoded"]);
        assert_eq!(apdu.to_octets(), octets, "{id}");
        assert_eq!(wanted["ins"], format!("{:02X}", apdu.ins()), "{id}");
        assert_eq!(wanted["p1p2"], format!("{:02X}{:02X}", apdu.p1(), apdu.p2()), "{id}");
        assert_eq!(wanted["data_length"], apdu.data().len(), "{id}");
        if let Some(fid) = wanted["fid"].as_str() {
            assert_eq!(Fid::from_octets(apdu.data()).unwrap().to_string(), fid, "{id}");
        }
        if let Some(data) = wanted["data"].as_str() {
            assert_eq!(apdu.data(), hex(data), "{id}");
        }
        if wanted["fcp"].is_object() {
            let fcp = Fcp::decode(apdu.data()).unwrap();
            compare(id, &fcp, &wanted["fcp"]);
            if id == "soft-mf" {
                // A5 stands early there.
                assert_eq!(fcp.to_octets(Order::Answer), apdu.data(), "{id}");
            } else {
                assert_eq!(fcp.to_octets(Order::Create), apdu.data(), "{id}");
            }
        }
    }
    assert_eq!(good, 11);
}

fn compare_descriptor(id: &str, read: &FileDescriptor, wanted: &Value) {
    assert_eq!(hex(wanted["descriptor"].as_str().unwrap()), read.octets(), "{id}");
    assert_eq!(wanted["shareable"], read.shareable, "{id}");
    let (name, records) = match read.kind {
        FileKind::Df => ("df", None),
        FileKind::Transparent => ("transparent", None),
        FileKind::LinearFixed { record_length, count } => ("linear_fixed", Some((record_length, count))),
        FileKind::Cyclic { record_length, count } => ("cyclic", Some((record_length, count))),
        FileKind::BerTlv => ("ber_tlv", None),
        FileKind::Unknown(_) => ("unknown", None),
    };
    assert_eq!(wanted["file_type"], name, "{id}");
    if let Some((length, count)) = records {
        assert_eq!(wanted["record_length"], length, "{id}");
        assert_eq!(wanted["record_count"].as_u64(), count.map(u64::from), "{id}");
    }
}

fn compare(id: &str, read: &Fcp, wanted: &Value) {
    compare_descriptor(id, &read.descriptor, wanted);
    assert_eq!(wanted["fid"].as_str().map(str::to_owned), read.fid.map(|f| f.to_string()), "{id}");
    assert_eq!(wanted["aid"].as_str().map(hex), read.aid, "{id}");
    assert_eq!(wanted["size"].as_u64(), read.size.map(u64::from), "{id}");
    assert_eq!(wanted["total_size"].as_u64(), read.total_size.map(u64::from), "{id}");
    match read.sfi {
        Sfi::Unstated => assert!(wanted.get("sfi").is_none(), "{id}"),
        Sfi::None => assert_eq!(wanted["sfi_explicitly_none"], true, "{id}"),
        Sfi::Is(n) => assert_eq!(wanted["sfi"], n, "{id}"),
    }
    let life_cycle = read.life_cycle.unwrap();
    assert_eq!(wanted["life_cycle"], life_cycle.name(), "{id}");
    assert_eq!(wanted["life_cycle_byte"], format!("{:02X}", life_cycle.0), "{id}");
    match read.security.as_ref().unwrap() {
        Security::Referenced { arr, record } => {
            assert_eq!(wanted["security"]["form"], "short", "{id}");
            assert_eq!(wanted["security"]["arr_fid"], arr.to_string(), "{id}");
            assert_eq!(wanted["security"]["record"], *record, "{id}");
        }
        Security::ReferencedBySe { arr, records } => {
            assert_eq!(wanted["security"]["form"], "by SEID", "{id}");
            assert_eq!(wanted["security"]["arr_fid"], arr.to_string(), "{id}");
            let list = wanted["security"]["by_se"].as_array().unwrap();
            assert_eq!(list.len(), records.len());
            for ((se, record), entry) in records.iter().zip(list) {
                assert_eq!((&entry["se"], &entry["record"]), (&(*se).into(), &(*record).into()), "{id}");
            }
        }
        other => panic!("{id}: {other:?}"),
    }
    compare_pins(id, read, wanted);
    let names = [
        (0x80, "uicc_characteristics"),
        (0x83, "free_memory"),
        (0x87, "commands"),
        (0x88, "environment"),
        (0xC0, "special"),
        (0xD0, "D0"),
        (0xD2, "D2"),
    ];
    let listed = wanted["proprietary"].as_object();
    assert_eq!(listed.map(|o| o.len()), read.proprietary.as_ref().map(Vec::len), "{id}");
    for (tag, value) in read.proprietary.iter().flatten() {
        let name = names.iter().find(|(t, _)| t == tag).unwrap().1;
        assert_eq!(hex(listed.unwrap()[name].as_str().unwrap()), *value, "{id}");
    }
    assert!(read.other.is_empty(), "{id}");
}

fn compare_pins(id: &str, read: &Fcp, wanted: &Value) {
    let keys = wanted["pin_status"]["keys"].as_array();
    assert_eq!(keys.map(Vec::len), read.pin_status.as_ref().map(Vec::len), "{id}");
    for (pin, key) in read.pin_status.iter().flatten().zip(keys.into_iter().flatten()) {
        assert_eq!(key["key_ref"], format!("{:02X}", pin.key.0), "{id}");
        assert_eq!(key["enabled"], pin.enabled, "{id}");
    }
}

fn every_prefix_is_an_error(octets: &[u8]) {
    for end in 0..octets.len() {
        assert!(Fcp::decode(&octets[..end]).is_err(), "{end} octets of {octets:02X?}");
    }
}

#[test]
fn forms_that_no_vector_has() {
    // ADF with expanded rules (card sheet, A.3), usage-qualified PINs (V10), records without a count.
    let adf = hex(
        "62398202782183027FFF8410A0000000871002FFFFFFFF89070900008A0105AB158001409700800101A40683010A9501088001069000A503D20107",
    );
    let fcp = Fcp::decode(&adf).unwrap();
    assert!(matches!(fcp.security, Some(Security::Expanded(ref rules)) if rules.0.len() == 3));
    assert_eq!(fcp.to_octets(Order::Create), adf);

    let usim = hex(
        "623D8202782183027FD0840CA0000000871002FF49FF0589A50C80017183040003A7388701018A01058B032F0601C60F90017083010183018183010A83010B",
    );
    let fcp = Fcp::decode(&usim).unwrap();
    assert_eq!(fcp.pin_status.as_ref().unwrap().iter().filter(|p| p.enabled).count(), 3);
    assert_eq!(fcp.proprietary_value(Fcp::FREE_MEMORY), Some(&[0x00, 0x03, 0xA7, 0x38][..]));
    assert_eq!(fcp.to_octets(Order::Answer), usim);

    let dir = hex("621982044221002683022F008A01058B032F06028002004C8801F0");
    let fcp = Fcp::decode(&dir).unwrap();
    assert_eq!((fcp.record_count(), fcp.sfi), (Some(2), Sfi::Is(30)));
    assert_eq!(fcp.to_octets(Order::Create), dir);

    let fcp = Fcp::decode(&hex("6216 82027821 83023F00 8A0105 C609 900180 950108 830111")).unwrap();
    assert_eq!(
        fcp.pin_status,
        Some(vec![PinStatus { key: KeyRef::UNIVERSAL_PIN, enabled: true, usage: Some(8) }])
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    for bad in [
        "6208 82024121 82024121",
        "6209 82024121 8B022F06",
        "620B 82024121 8B052F06010100",
        "6208 82024221 83025031",
        "620A 820442210000 83026F00",
        "6207 82024121 8801FF",
        "620A 82027821 C6049001800000",
        "620C 82027821 C606 900180 950108",
        "6204 82024121 FFFF",
        "6F04 82024121",
        "",
    ] {
        assert!(Fcp::decode(&hex(bad)).is_err(), "{bad}");
    }
}

fn kind() -> impl Strategy<Value = FileKind> {
    prop_oneof![
        Just(FileKind::Df),
        Just(FileKind::Transparent),
        Just(FileKind::BerTlv),
        (1u16..256, proptest::option::of(any::<u8>()))
            .prop_map(|(record_length, count)| FileKind::LinearFixed { record_length, count }),
        (1u16..256, proptest::option::of(any::<u8>()))
            .prop_map(|(record_length, count)| FileKind::Cyclic { record_length, count }),
    ]
}

proptest! {
    #[test]
    fn a_round_trip_in_both_orders(
        kind in kind(),
        fid in proptest::option::of(any::<u16>().prop_map(Fid)),
        size in proptest::option::of(any::<u32>()),
        sfi in prop_oneof![Just(Sfi::Unstated), Just(Sfi::None), (1u8..31).prop_map(Sfi::Is)],
        records in proptest::collection::vec(any::<(u8, u8)>(), 1..4),
        pins in proptest::option::of(proptest::collection::vec((any::<u8>(), any::<bool>(), proptest::option::of(any::<u8>())), 0..12)),
    ) {
        let mut fcp = Fcp::new(kind, Fid(0));
        fcp.fid = fid;
        fcp.size = size;
        fcp.total_size = size;
        fcp.sfi = sfi;
        fcp.life_cycle = Some(LifeCycle::ACTIVATED);
        fcp.security = Some(Security::ReferencedBySe { arr: Fid::ARR, records });
        fcp.pin_status = pins.map(|list| {
            list.into_iter().map(|(key, enabled, usage)| PinStatus { key: KeyRef(key), enabled, usage }).collect()
        });
        for order in [Order::Answer, Order::Create] {
            prop_assert_eq!(&Fcp::decode(&fcp.to_octets(order)).unwrap(), &fcp);
        }
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Fcp::decode(&octets);
        let mut whole = Vec::new();
        tlv::write(0x62, &octets, &mut whole);
        let _ = Fcp::decode(&whole);
    }
}
