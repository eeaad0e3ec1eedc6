//! Tests of the codec: the shared vectors, what the field sends, what strangers may send.

use proptest::prelude::*;

use super::*;
use crate::wire::{
    any_infoset::{Octets, any_prov, any_syncml},
    infoset::{MAX_DEPTH, MAX_NODES, MAX_OCTETS, MAX_TEXT, Node},
    vectors::{self, hex},
    xml,
};

fn re_encoded(document: &Document) -> Vec<u8> {
    let octets = encode(document).unwrap();
    assert_eq!(decode(&octets).unwrap(), *document, "{:?}", document.root);
    octets
}

fn negative(folder: &std::path::Path, name: &str) -> bool {
    let json: serde_json::Value = serde_json::from_slice(&vectors::read(folder, name, "json")).unwrap();
    json["negative"] == true
}

/// Provisioning documents: what we read equals their XML, what we write is read back, and some come out octet by octet.
#[test]
fn shared_provisioning_documents() {
    let Some(cp) = vectors::folder("cp") else { return };
    let (mut pairs, mut identical) = (0, Vec::new());
    for name in vectors::names(&cp, "xml") {
        let octets = vectors::read(&cp, &name, "wbxml");
        let document = decode(&octets).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(document.version, Document::V1_3, "{name}");
        assert_eq!(document.public_id, PublicId::PROV, "{name}");
        let text = xml::parse(&vectors::read(&cp, &name, "xml")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(document.root == vectors::normalised(&text), "{name}: {document:?}");
        if re_encoded(&document) == octets {
            identical.push(name);
        }
        pairs += 1;
    }
    // The rest have a string table, a value written as pieces, or a switched page that was not needed.
    assert_eq!(
        identical,
        [
            "derived-netwpin-even-imsi",
            "derived-usernetwpin-4711",
            "derived-userpinmac-5",
            "gecko-cht-userpin-0000",
            "lg-otaf-auto-badmac",
            "lg-otaf-manual-userpin-1234",
            "libwbxml-prov-005",
            "vmg-mobifone-userpin-1111",
        ]
    );
    assert_eq!(pairs, 24);
    let mut negatives = 0;
    for name in vectors::names(&cp, "json") {
        if negative(&cp, &name) {
            let octets = vectors::read(&cp, &name, "wbxml");
            assert!(matches!(decode(&octets), Err(DecodeError::Truncated { .. })), "{name}");
            negatives += 1;
        }
    }
    assert_eq!(negatives, 1);
}

/// Management messages and a tree: the same, and most come out octet by octet.
#[test]
fn shared_management_messages() {
    let Some(dm) = vectors::folder("dm") else { return };
    let (mut pairs, mut identical) = (0, Vec::new());
    for name in vectors::names(&dm, "wbxml") {
        let octets = vectors::read(&dm, &name, "wbxml");
        let document = decode(&octets).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text = xml::parse(&vectors::read(&dm, &name, "xml")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(vectors::normalised(&document.root) == vectors::normalised(&text), "{name}: {document:?}");
        // Motorola's and Funambol's string table (the public identifier) lacks the NUL.
        let mut ours = re_encoded(&document);
        if octets.get(4) == Some(&0x1D) && ours.get(4) == Some(&0x1E) && ours.get(34) == Some(&0x00) {
            ours[4] = 0x1D;
            ours.remove(34);
        }
        if ours == octets {
            identical.push(name);
        }
        for end in 0..octets.len() {
            assert!(decode(&octets[..end]).is_err(), "{end} octets");
        }
        pairs += 1;
    }
    // The rest have a string table, empty strings, or an empty element with the content bit.
    assert_eq!(identical.len(), 17, "{identical:?}");
    assert_eq!(pairs, 24);
}

fn attribute(octets: &str, name: &str) -> String {
    let octets = hex(octets);
    let root = decode(&octets).unwrap_or_else(|e| panic!("{octets:02X?}: {e}")).root;
    for end in 0..octets.len() {
        assert!(decode(&octets[..end]).is_err(), "{end} octets");
    }
    root.attribute(name).unwrap_or("(none)").to_owned()
}

/// Each line is a form that was seen in live traffic, or that the specification allows.
#[test]
fn what_the_field_sends_is_read() {
    for (octets, name, value) in [
        // WBXML 1.1, 1.2 and 1.3.
        ("010B6A00 85 46 01", "version", "1.0"),
        ("020B6A00 85 46 01", "version", "1.0"),
        ("030B6A00 85 46 01", "version", "1.0"),
        // A token and an empty string behind it; a token with text behind it; pieces in any order.
        ("030B6A00 87 1006AB0300 01", "value", "GSM-GPRS"),
        ("030B6A00 85 460331 2E3000 01", "version", "1.01.0"),
        ("030B6A00 87 1106890331 00 01", "value", "APN1"),
        ("030B6A05 4E41503100 87 0706 8300 035F00 9A 8301 01", "value", "NAP1_PAPAP1"),
        // Three ways to have nothing.
        ("030B6A00 87 14 01", "value", "(none)"),
        ("030B6A00 87 1406 01", "value", ""),
        ("030B6A00 87 14060300 01", "value", ""),
        // Pages switched between a name and its value, and page 1 for both.
        ("030B6A00 87 00013300000600019301 ", "value", "DIGEST"),
        ("030B6A00 87 00013306939092 01", "value", "DIGEST,BASIC"),
        ("030B6A00 87 00013306 9192 01", "value", "HTTP-BASIC"),
        // A comma list over two pages; a switch that means nothing.
        ("030B6A00 87 0706 9A 0001 90 0000 9B 01", "value", "PAP,CHAP"),
        ("030B6A00 C5 46 0001 0000 01 0000 01", "version", "1.0"),
        // Tokens of two implementations that no specification has.
        ("030B6A00 86 5D 01", "type", "DNS-ADDRINFO"),
        ("030B6A00 87 1006BC 01", "value", "WLAN"),
        // A value with a character by number; octets as a value.
        ("030B6A00 87 0706 0281 6A 01", "value", "ê"),
        ("030B6A00 87 0706 C3024142 01", "value", "AB"),
        // ISO-8859-1, US-ASCII, unknown.
        ("030B0400 87 070603E900 01", "value", "é"),
        ("030B0300 87 0706034100 01", "value", "A"),
        ("030B0000 87 070603C3A900 01", "value", "é"),
        // Names from the string table, the second one without NUL.
        ("030B6A03 610062 87 0400 034100 0402 034200 01", "a", "A"),
        ("030B6A03 610062 87 0400 034100 0402 034200 01", "b", "B"),
        // The public identifier as text, at an offset.
        (
            "0300026A20 7800 2D2F2F574150464F52554D2F2F4454442050524F5620312E302F2F454E00 85 46 01",
            "version",
            "1.0",
        ),
        // Processing instructions before, in and behind the root.
        ("030B6A03 706900 430400034100 01 C5 46 01 43040001 01 43040001", "version", "1.0"),
    ] {
        // What comes behind the root may be missing, so prefixes are not tried there.
        if octets.ends_with("43040001") {
            assert_eq!(decode(&hex(octets)).unwrap().root.attribute(name), Some(value));
        } else {
            assert_eq!(attribute(octets, name), value, "{octets}");
        }
    }
}

#[test]
fn tags_without_a_token_and_pieces_of_text() {
    // LITERAL_AC on page 1 (MetInf), text in pieces with an entity, an opaque value in between.
    let octets = hex(
        "02A4016A05 616200C3A9 6D 0001 C4 00 0403 037600 01 036100 0226 8301 C30100 036200 01 0000 6B 01 01",
    );
    let document = decode(&octets).unwrap();
    let mut literal = Element::new(Vocabulary::MetInf, "ab").with_attribute("é", "v").with_text("a&b");
    literal.children.push(Node::Opaque(vec![0]));
    let literal = literal.with_text("b");
    let root = Element::new(Vocabulary::SyncMl, "SyncML")
        .with_child(literal)
        .with_child(Element::new(Vocabulary::SyncMl, "SyncBody"));
    assert_eq!(document.root, root);
    re_encoded(&document);
}

#[test]
fn what_says_nothing_about_its_type_is_read_as_expected() {
    for (octets, expected) in [
        ("03016A00 05", Vocabulary::Prov),
        ("02016A00 2D", Vocabulary::SyncMl),
        ("02016A00 0A", Vocabulary::DevInf),
    ] {
        assert!(decode(&hex(octets)).is_err());
        let document = decode_expecting(&hex(octets), expected).unwrap();
        assert_eq!(document.root.vocabulary, expected);
        assert_eq!(encode(&document).unwrap(), hex(octets));
    }
    // What it does say counts.
    assert_eq!(
        decode_expecting(&hex("030B6A00 05"), Vocabulary::SyncMl).unwrap().root.name,
        "wap-provisioningdoc"
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (octets, at, says) in [
        ("000B6A00 05", 0, "WBXML version"),
        ("040B6A00 05", 0, "expected 01, 02 or 03"),
        ("03556A00 05", 1, "0x55 is not a document type"),
        ("03016A00 05", 1, "document type"),
        ("0300006A02 7800 05", 1, "\"x\" is not a document type"),
        ("0300056A02 7800 05", 1, "offset 5 is outside the string table of 2 octets"),
        ("030B8F6800 05", 2, "MIBenum 2024"),
        ("030B6A FFFFFFFFFF", 3, "more than 32 bits"),
        ("030B6A00 01", 4, "END before the root"),
        ("030B6A00 036100", 4, "text before the root"),
        ("030B6A00 3F", 4, "3F is not assigned in code page 0"),
        ("030B6A00 0009 05", 6, "05 is not assigned in code page 9"),
        ("030B6A00 0009 0400", 6, "offset 0 is outside"),
        ("030B6A00 45 40 01", 5, "extension"),
        ("030B6A00 87 0706 C000 01", 7, "extension"),
        ("030B6A00 87 4D 01", 5, "4D is not assigned in attribute code page 0"),
        ("030B6A00 87 0706 8D 01", 7, "8D is not assigned in attribute code page 0"),
        ("030B6A00 87 9A 01", 5, "9A stands where an attribute should begin"),
        ("030B6A00 87 034100 01", 5, "03 stands where an attribute should begin"),
        ("030B6A00 87 0708 01", 6, "name stands twice"),
        ("030B6A00 87 0706 C30100 01", 7, "NUL"),
        ("030B6A00 87 0706 0200 01", 7, "U+0000 is not a character"),
        ("030B6A00 87 0706 0283B000 01", 7, "U+D800 is not a character"),
        ("030B6A00 87 0706 03FF00 01", 8, "not UTF-8"),
        ("030B6A00 87 0706 8300 01", 7, "outside the string table"),
        ("030B6A01 00 87 0400 01", 6, "literal name"),
        ("030B6A00 05 05", 5, "behind the end"),
    ] {
        match decode(&hex(octets)) {
            Ok(document) => panic!("{octets} was read as {document:?}"),
            Err(e) => {
                assert_eq!(e.at(), at, "{octets}: {e}");
                assert!(e.to_string().contains(says), "{octets}: {e}");
            }
        }
    }
}

#[test]
fn nothing_grows_without_bound() {
    let document = |body: &[u8]| decode(&[&hex("030B6A00 45"), body].concat());
    let limited = |result: Result<Document, DecodeError>| match result {
        Err(DecodeError::Limit { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limited(document(&[0x46; 1000])), MAX_DEPTH);
    assert_eq!(limited(document(&[0x06; MAX_NODES + 1])), MAX_NODES);
    assert_eq!(limited(document(&vec![0; MAX_OCTETS])), MAX_OCTETS);
    // 64 KiB of string table, referred to again and again by two octets: as text, as value, as name.
    let table = vec![b'a'; 0x1_0000];
    let with_table = |body: &[u8]| decode(&[&hex("030B6A 848000"), &*table, body].concat());
    assert_eq!(limited(with_table(&[&[0x45][..], &[0x83, 0x00].repeat(1000)].concat())), MAX_TEXT);
    assert_eq!(
        limited(with_table(&[&[0x87, 0x07, 0x06][..], &[0x83, 0x00].repeat(1000)].concat())),
        MAX_TEXT
    );
    assert_eq!(limited(with_table(&[&[0x45][..], &[0x04, 0x00].repeat(1000)].concat())), MAX_TEXT);
    // Lengths that no document has.
    for octets in ["030B6A 8FFFFFFF7F 05", "030B6A00 45 C3 8FFFFFFF7F 01", "030B6A04 61"] {
        assert!(matches!(decode(&hex(octets)), Err(DecodeError::Truncated { .. })), "{octets}");
    }
    // 33 attributes.
    let names: Vec<u8> = (0x41..0x62).flat_map(|c| [c, 0]).collect();
    let attributes: Vec<u8> = (0..33).flat_map(|n| [0x04, n * 2]).collect();
    let octets = [&hex("030B6A 42")[..], &names, &[0x85], &attributes, &[0x01]].concat();
    assert_eq!(limited(decode(&octets)), 32);
    // What was read may not be written larger than it can be read.
    let mut deep = Element::new(Vocabulary::Prov, "characteristic");
    for _ in 0..MAX_DEPTH {
        deep = Element::new(Vocabulary::Prov, "characteristic").with_child(deep);
    }
    assert!(matches!(encode(&Document::new(deep)), Err(EncodeError::Limit { limit: MAX_DEPTH, .. })));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let prov = |name: &str| Element::new(Vocabulary::Prov, name);
    let foreign = prov("parm").with_child(Element::new(Vocabulary::MetInf, "Type"));
    assert!(
        matches!(encode(&Document::new(foreign)), Err(EncodeError::Foreign { name, .. }) if name == "Type")
    );
    let mut wrong = Document::new(prov("parm"));
    wrong.public_id = PublicId::SYNCML_1_2;
    assert!(matches!(encode(&wrong), Err(EncodeError::Foreign { .. })));
    for (element, place) in
        [(prov("parm").with_text("a\0"), "parm"), (prov("parm").with_attribute("value", "a\0"), "value")]
    {
        assert!(matches!(
            encode(&Document::new(element)),
            Err(EncodeError::Character { place: p, code: 0, .. }) if p == place
        ));
    }
    for element in [prov(""), prov("a\0b"), prov("parm").with_attribute("", "x")] {
        assert!(matches!(encode(&Document::new(element)), Err(EncodeError::Name { .. })));
    }
    let twice = prov("parm").with_attribute("name", "NAME").with_attribute("name", "URI");
    assert!(matches!(encode(&Document::new(twice)), Err(EncodeError::Twice { .. })));
}

proptest! {
    #[test]
    fn provisioning_documents_survive(root in any_prov(Octets::Some)) {
        let document = Document::new(root);
        prop_assert_eq!(decode(&encode(&document).unwrap()).unwrap(), document);
    }

    #[test]
    fn syncml_documents_survive(root in any_syncml(Octets::Some), numbered in any::<bool>()) {
        let mut document = Document::new(root);
        if numbered {
            document.public_id = PublicId::SYNCML_1_1;
        }
        prop_assert_eq!(decode(&encode(&document).unwrap()).unwrap(), document);
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&octets);
        for head in ["030B6A00", "03016A05 4E41503100", "02A4016A00 6D", "0300016A20 0D", "030B6A00 C6 55 01 C7"] {
            let _ = decode_expecting(&[hex(head), octets.clone()].concat(), Vocabulary::Prov);
        }
    }

    /// What is read at all can be written and read again.
    #[test]
    fn a_changed_document_is_read_or_refused(
        root in any_prov(Octets::Some),
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut octets = encode(&Document::new(root)).unwrap();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(document) = decode(&octets) {
            prop_assert_eq!(decode(&encode(&document).unwrap()).unwrap(), document);
        }
    }
}
