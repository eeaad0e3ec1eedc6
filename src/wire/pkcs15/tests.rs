//! PKCS#15 files against the shared vectors, and what no vector covers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::{
    Encode, Path,
    fcp::Fcp,
    vectors::{hex, vectors},
};

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str()
}

#[test]
fn shared_vectors_of_ef_dir() {
    let Some(cases) = vectors("card/dir.json") else { return };
    assert_eq!(cases.len(), 7);
    let mut good = 0;
    for case in &cases {
        let id = &case["id"];
        let octets = hex(text(case, "hex").unwrap());
        let read = DirEntry::decode(&octets);
        if case["expect"] == "error" {
            assert!(read.is_err(), "{id}");
            assert_eq!(DirEntry::is_free(&octets), case["category"] == "padding", "{id}");
            continue;
        }
        good += 1;
        let (read, wanted) = (read.unwrap(), &case["decoded"]);
        assert_eq!(read.aid, hex(text(wanted, "aid").unwrap()), "{id}");
        assert_eq!(read.label.as_deref(), text(wanted, "label"), "{id}");
        assert_eq!(read.path.as_ref().map(Path::to_octets), text(wanted, "path").map(hex), "{id}");
        assert_eq!(Value::from(read.is_pkcs15()), wanted["is_pkcs15"], "{id}");
        let mut again = read.to_octets();
        assert_eq!(Value::from(octets.len() - again.len()), wanted["padding_octets"], "{id}");
        again.resize(octets.len(), 0xFF);
        assert_eq!(again, octets, "{id}");
    }
    assert_eq!(good, 5);
}

#[test]
fn shared_vectors_of_ef_odf_and_ef_dodf() {
    let Some(cases) = vectors("card/odf-dodf.json") else { return };
    assert_eq!(cases.len(), 21);
    let (mut odfs, mut dodfs, mut bad) = (0, 0, 0);
    for case in &cases {
        let octets = hex(text(case, "hex").unwrap());
        match (case["expect"].as_str(), text(case, "file")) {
            (Some("error"), file) => {
                refuse(case, file.unwrap(), &octets);
                bad += 1;
            }
            (_, Some("ODF")) => {
                compare_odf(case, &octets);
                odfs += 1;
            }
            _ => {
                compare_dodf(case, &octets);
                dodfs += 1;
            }
        }
    }
    assert_eq!((odfs, dodfs, bad), (4, 9, 8));
}

/// The named level must refuse it: the decoder, the search, or (path loops) whoever walks.
fn refuse(case: &Value, file: &str, octets: &[u8]) {
    let id = &case["id"];
    match (text(case, "level").unwrap(), file) {
        ("parse", "ODF") => assert!(Odf::decode(octets).is_err(), "{id}"),
        ("parse", _) => assert!(Dodf::decode(octets).is_err(), "{id}"),
        ("lookup", _) => assert_eq!(Odf::decode(octets).unwrap().data_object_files().count(), 0, "{id}"),
        ("walk", "ODF") => {
            let odf = Odf::decode(octets).unwrap();
            let own = hex(text(&case["context"], "odf_fid").unwrap());
            assert!(odf.data_object_files().all(|p| p.path.to_octets() == own), "{id}");
        }
        ("walk", _) => {
            let fcp = Fcp::decode(&hex(text(&case["context"], "content_fcp").unwrap())).unwrap();
            let dodf = Dodf::decode(octets).unwrap();
            let DodfObject::File(object) = &dodf.entries[0].object else { panic!("{id}") };
            assert!(object.path.span(usize::try_from(fcp.size.unwrap()).unwrap()).is_err(), "{id}");
        }
        other => panic!("{id}: level {other:?} is not known here"),
    }
}

fn compare_odf(case: &Value, octets: &[u8]) {
    let (id, wanted) = (&case["id"], &case["decoded"]);
    let odf = Odf::decode(octets).unwrap();
    let entries = wanted["entries"].as_array().unwrap();
    assert_eq!(odf.entries.len(), entries.len(), "{id}");
    let mut again = Vec::new();
    for (entry, wanted) in odf.entries.iter().zip(entries) {
        assert_eq!(format!("{:02X}", entry.class.0), wanted["tag"], "{id}");
        assert_eq!(entry.class.to_string(), wanted["type"], "{id}");
        let Reference::File(path) = &entry.reference else { panic!("{id}") };
        compare_path(id, path, wanted);
        entry.encode(&mut again);
    }
    let paths: Vec<_> = odf.data_object_files().map(|p| p.path.to_octets()).collect();
    let wanted_paths: Vec<_> =
        wanted["data_object_paths"].as_array().unwrap().iter().map(|p| hex(p.as_str().unwrap())).collect();
    assert_eq!(paths, wanted_paths, "{id}");
    assert_eq!(Value::from(octets.len() - odf.used), wanted["padding_octets"], "{id}");
    assert_eq!(again, octets[..odf.used], "{id}");
}

fn compare_dodf(case: &Value, octets: &[u8]) {
    let (id, wanted) = (&case["id"], &case["decoded"]);
    let dodf = Dodf::decode(octets).unwrap();
    let entries = wanted["entries"].as_array().unwrap();
    assert_eq!(dodf.entries.len(), entries.len(), "{id}");
    assert_eq!(Value::from(octets.len() - dodf.used), wanted["padding_octets"], "{id}");
    for (entry, wanted) in dodf.entries.iter().zip(entries) {
        assert_eq!(entry.octets, octets[entry.at..entry.at + entry.octets.len()], "{id}");
        let object = match &entry.object {
            DodfObject::Other { tag } => {
                assert_eq!((*tag, &wanted["skipped"]), (0xA0, &Value::Bool(true)), "{id}");
                continue;
            }
            DodfObject::File(object) => object,
        };
        assert_eq!(object.shape.to_string(), wanted["shape"], "{id}");
        assert_eq!(object.label(), text(wanted, "label"), "{id}");
        let places: Vec<_> = [("first", &object.common_label), ("second", &object.application_name)]
            .iter()
            .filter(|(_, label)| label.is_some())
            .map(|(place, _)| Value::from(*place))
            .collect();
        assert_eq!(Value::from(places), wanted["label_in"], "{id}");
        assert_eq!(object.oid.unwrap().to_string(), wanted["oid"], "{id}");
        assert_eq!(Value::from(entry.double_wrapped_oid), wanted["double_wrapped_oid"], "{id}");
        let flags = &wanted["common"];
        assert_eq!(object.private, flags["private"] == true, "{id}");
        assert_eq!(object.modifiable, flags["modifiable"] == true, "{id}");
        assert_eq!(object.auth_id, text(flags, "auth_id").map(hex), "{id}");
        compare_path(id, &object.path, wanted);
        assert_eq!(object.double_wrapped_oid, entry.double_wrapped_oid, "{id}");
        assert_eq!(object.to_octets(), entry.octets, "{id}");
    }
}

fn compare_path(id: &Value, path: &Pkcs15Path, wanted: &Value) {
    assert_eq!(path.path.to_octets(), hex(text(wanted, "path").unwrap()), "{id}");
    assert_eq!(Value::from(path.path.is_absolute()), wanted["absolute"], "{id}");
    assert_eq!(path.path.last().unwrap().to_string(), wanted["target_fid"], "{id}");
    assert_eq!(path.range, None, "{id}");
}

fn at(path: &str) -> Path {
    path.parse().unwrap()
}

/// The octets of the card sheet, section A.5; its builder reproduces a card's own octets (V6) byte for byte.
#[test]
fn both_shapes_are_written_octet_for_octet() {
    let dm = |shape| DataObject::new(shape, ObjectId::DM_BOOTSTRAP, "DM Bootstrap", at("6431"));
    let cp = DataObject::new(Shape::OidDo, ObjectId::CP_BOOTSTRAP, "Bootstrap", at("6431"));
    let mut part = cp.clone();
    part.path.range = Some(PathRange { index: 0, length: 0x123 });
    let mut private = dm(Shape::OpaqueDo);
    (private.private, private.auth_id) = (true, Some(vec![1]));
    let mut both = DataObject::new(Shape::OpaqueDo, ObjectId::CP_CONFIG1, "Config1", at("6432"));
    (both.private, both.modifiable, both.auth_id) = (true, true, Some(vec![1]));
    let lwm2m = DataObject::new(Shape::OidDo, ObjectId::LWM2M_BOOTSTRAP, "LwM2M Bootstrap", at("6432"));
    for (object, wanted) in [
        (lwm2m, "A125300030110C0F4C774D324D20426F6F747374726170A10E300C0604672B0901300404026432"),
        (dm(Shape::OidDo), "A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431"),
        (dm(Shape::OpaqueDo), "3020300E0C0C444D20426F6F74737472617030060604672B0701A106300404026431"),
        (private, "302730150C0C444D20426F6F7473747261700302078004010130060604672B0701A106300404026431"),
        (cp, "A11F3000300B0C09426F6F747374726170A10E300C0604672B0501300404026431"),
        (part, "A1263000300B0C09426F6F747374726170A11530130604672B0501300B0402643102010080020123"),
        (both, "302230100C07436F6E66696731030206C004010130060604672B0502A106300404026432"),
    ] {
        assert_eq!(object.to_octets(), hex(wanted));
        let read = Dodf::decode(&hex(wanted)).unwrap();
        assert_eq!(read.entries[0].object, DodfObject::File(object));
    }
    let odf = OdfEntry::data_objects(Pkcs15Path::whole(at("6430")));
    assert_eq!(odf.to_octets(), hex("A706300404026430"));
    let dir = DirEntry::pkcs15(at("3F00/7F50"));
    assert_eq!(dir.to_octets(), hex("611D4F0CA000000063504B43532D31355007504B43532D313551043F007F50"));
    assert_eq!(
        DirEntry { label: None, ..dir }.to_octets(),
        hex("61144F0CA000000063504B43532D313551043F007F50")
    );
}

#[test]
fn oddities_of_the_field_are_read() {
    // Path length under tag 02 (seen in an implementation), label in both sequences, a flag octet of zero bits, and 00
    // as the padding.
    let odd = |flags: &str| {
        let file = "A128 3006 0C0141 FLAGS 3003 0C0142 A119 3017 0604672B0701 300F 04063F007F506431 020104 02020123 0000";
        hex(&file.replace("FLAGS", flags))
    };
    assert!(Dodf::decode(&odd("030108")).is_err(), "nine unused bits");
    let odd = odd("030100");
    let read = Dodf::decode(&odd).unwrap();
    let DodfObject::File(object) = &read.entries[0].object else { panic!() };
    assert_eq!((object.label(), object.application_name.as_deref()), (Some("A"), Some("B")));
    assert_eq!(object.path.range, Some(PathRange { index: 4, length: 0x123 }));
    assert_eq!(object.path.span(0x127), Ok(4..0x127));
    assert!(object.path.span(0x126).is_err());
    assert_eq!(read.used, odd.len() - 2);
    // An opaqueDO without application OID, and one whose value stands in the entry.
    assert!(matches!(
        Dodf::decode(&hex("300E30003000A1083006040464316432")).unwrap().entries[0].object,
        DodfObject::File(DataObject { oid: None, .. })
    ));
    assert!(matches!(
        Dodf::decode(&hex("300A30003000A104A0020500")).unwrap().entries[0].object,
        DodfObject::Other { tag: 0x30 }
    ));
}

#[test]
fn token_info_is_der() {
    let info = TokenInfo { serial: vec![0x98, 0x10], label: "bootgate".into() };
    assert_eq!(info.to_octets(), hex("3015020100040298108008626F6F746761746503020780"));
}

#[test]
fn every_prefix_is_read_or_refused() {
    for file in [
        "A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431",
        "302730150C0C444D20426F6F7473747261700302078004010130060604672B0701A106300404026431",
    ] {
        let octets = hex(file);
        assert!(Dodf::decode(&octets[..0]).unwrap().entries.is_empty());
        for end in 1..octets.len() {
            assert!(Dodf::decode(&octets[..end]).is_err(), "{end} of {file}");
            // The same cut in a file that FF fills up: the lengths reach into the padding.
            let mut padded = octets[..end].to_vec();
            padded.resize(octets.len() + 40, 0xFF);
            let _ = Dodf::decode(&padded);
        }
    }
    let odf = hex("A706300404026430");
    for end in 1..odf.len() {
        assert!(Odf::decode(&odf[..end]).is_err(), "{end}");
    }
    let dir = hex("611D4F0CA000000063504B43532D31355007504B43532D313551043F007F50");
    for end in 0..dir.len() {
        assert!(DirEntry::decode(&dir[..end]).is_err(), "{end}");
    }
}

prop_compose! {
    fn objects()(
        opaque in any::<bool>(),
        arc in 0u32..,
        labels in (proptest::option::of("\\PC{0,40}"), proptest::option::of("\\PC{0,40}")),
        flags in any::<(bool, bool)>(),
        double_wrapped_oid in any::<bool>(),
        auth_id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..4)),
        fids in proptest::collection::vec(any::<u16>(), 1..=4),
        range in proptest::option::of(any::<(u32, u32)>()),
    ) -> DataObject {
        DataObject {
            shape: if opaque { Shape::OpaqueDo } else { Shape::OidDo },
            oid: Some(format!("2.23.43.7.{arc}").parse().unwrap()),
            double_wrapped_oid,
            common_label: labels.0,
            application_name: labels.1,
            private: flags.0,
            modifiable: flags.1,
            auth_id,
            path: Pkcs15Path {
                path: Path::new(fids.into_iter().map(crate::wire::Fid)),
                range: range.map(|(index, length)| PathRange { index, length }),
            },
        }
    }
}

proptest! {
    #[test]
    fn data_objects_survive_a_round_trip(list in proptest::collection::vec(objects(), 0..4), padding in 0usize..20) {
        let mut file = Vec::new();
        list.iter().for_each(|o| o.encode(&mut file));
        let used = file.len();
        file.resize(used + padding, 0xFF);
        let read = Dodf::decode(&file).unwrap();
        prop_assert_eq!(read.used, used);
        let objects: Vec<_> = read.entries.into_iter().map(|e| e.object).collect();
        prop_assert_eq!(objects, list.into_iter().map(DodfObject::File).collect::<Vec<_>>());
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..64), outer in any::<u8>()) {
        let _ = Odf::decode(&octets);
        let _ = Dodf::decode(&octets);
        let _ = DirEntry::decode(&octets);
        // The same behind a head that fits, so that the inner decoders are reached.
        let length = u8::try_from(octets.len()).unwrap();
        for tag in [0xA1, 0x30, 0xA7, 0x61, outer] {
            let mut file = vec![tag, length];
            file.extend_from_slice(&octets);
            let _ = Odf::decode(&file);
            let _ = Dodf::decode(&file);
            let _ = DirEntry::decode(&file);
        }
    }

    #[test]
    fn one_octet_changed_never_panics(object in objects(), place in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut file = object.to_octets();
        let place = place.index(file.len());
        file[place] = octet;
        let _ = Dodf::decode(&file);
    }
}
