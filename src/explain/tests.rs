//! Explanations of what the field sends: no octet without a name, no complaint about what is right, a complaint about what
//! is not, no secret that was not asked for.

mod documents;
mod hostile;
mod push_protocols;
mod shared;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::wire::vectors::{self, hex};

fn shown() -> Options {
    Options { secrets: Secrets::Shown, ..Options::default() }
}

fn taken_for(kind: Kind) -> Options {
    Options { kind: Some(kind), ..Options::default() }
}

/// Each octet of each part is in exactly one field, and fields stand in the groups that they belong to.
fn check_cover(explanation: &Explanation, pieces: &[Vec<u8>]) {
    for (n, part) in explanation.parts.iter().enumerate() {
        let mut at = 0;
        let mut groups: Vec<(usize, usize)> = Vec::new();
        for span in &part.spans {
            while groups.last().is_some_and(|(depth, _)| *depth >= span.depth) {
                groups.pop();
            }
            assert_eq!(groups.len(), span.depth, "{span:?}");
            if let Some((_, end)) = groups.last() {
                assert!(span.offset + span.length <= *end, "{span:?} goes beyond its group");
            }
            assert_eq!(span.offset, at, "{span:?}");
            if span.hex.is_none() && !span.masked {
                groups.push((span.depth, span.offset + span.length));
                continue;
            }
            at += span.length;
            // Lines that were joined are no pieces of their own.
            let own = pieces.get(n).filter(|own| own.len() == part.length);
            if let (Some(octets), Some(own)) = (&span.hex, own) {
                assert_eq!(hex(octets), own[span.offset..span.offset + span.length], "{span:?}");
            }
        }
        assert_eq!(at, part.length, "{}", part.title);
    }
}

fn sound(name: &str, pieces: &[Vec<u8>], options: &Options) -> Explanation {
    let explanation = explain(pieces, options).unwrap_or_else(|e| panic!("{name}: {e}"));
    check_cover(&explanation, pieces);
    assert!(explanation.is_sound(), "{name}\n{explanation}");
    explanation
}

fn unsound(name: &str, pieces: &[Vec<u8>], options: &Options) -> Explanation {
    let explanation = explain(pieces, options).unwrap_or_else(|e| panic!("{name}: {e}"));
    check_cover(&explanation, pieces);
    assert!(!explanation.is_sound(), "{name}\n{explanation}");
    explanation
}

fn json(folder: &std::path::Path, name: &str) -> Json {
    serde_json::from_slice(&vectors::read(folder, name, "json")).unwrap()
}

/// Everything that was said, in both forms.
fn said(explanation: &Explanation) -> String {
    format!("{explanation}\n{}", serde_json::to_string(explanation).unwrap())
}

/// The values that a document holds under the name of a secret.
fn secrets_of(xml: &str) -> Vec<String> {
    let names = ["AUTHSECRET", "AAUTHSECRET", "AAUTHDATA", "PXAUTH-PW", "BASAUTH-PW", "PROXY-PW"];
    let value = |name: &&str| {
        let begin = format!("name=\"{name}\" value=\"");
        let mut rest = xml;
        let mut found = Vec::new();
        while let Some(at) = rest.find(&begin) {
            rest = &rest[at + begin.len()..];
            found.push(rest[..rest.find('"').unwrap()].to_owned());
        }
        found
    };
    names.iter().flat_map(value).filter(|v| v.len() > 3).collect()
}

fn vocabulary(kind: Kind) -> crate::wire::infoset::Vocabulary {
    match kind {
        Kind::Cp => crate::wire::infoset::Vocabulary::Prov,
        _ => crate::wire::infoset::Vocabulary::SyncMl,
    }
}

fn document() -> Vec<u8> {
    hex("030B6A00 45 C600015501 87360000060377370001 8700013200000603 5365637265744F6E65 0001 01 01")
}

/// Segments of a push of that document, by short messages.
fn segments(total: usize) -> Vec<Vec<u8>> {
    use crate::wire::{
        Encode,
        sms::{Address, Dcs, Submit, UserData},
        wdp::{Ports, Reference, split},
        wsp::Push,
    };
    let filler = "x".repeat(128 * (total - 1));
    let long =
        [hex("030B6A0045C6000155018736000006037737000187070603"), filler.into_bytes(), hex("00010101")]
            .concat();
    let push = Push::client_provisioning(1, None, if total == 1 { document() } else { long });
    let parts = split(Ports::PUSH, Reference::Short(7), 255, &push.to_octets()).unwrap();
    assert_eq!(parts.len(), total);
    let to = Address::international(&"+491711234567".parse().unwrap());
    let message = |s: crate::wire::wdp::Segment| {
        let user_data = UserData::octets(Dcs::DATA_CLASS_1, Some(s.udh), s.data).unwrap();
        Submit::new(to.clone(), user_data).to_octets()
    };
    parts.into_iter().map(message).collect()
}

fn problems(explanation: &Explanation) -> Vec<String> {
    let spans = explanation.parts.iter().flat_map(|p| &p.spans);
    let of_spans =
        spans.filter_map(|s| s.problem.as_ref().map(|p| format!("{:04X} {}: {p}", s.offset, s.name)));
    of_spans.chain(explanation.problems.iter().map(Problem::to_string)).collect()
}

#[test]
fn secrets_are_hidden_wherever_they_stand() {
    let secret = "SecretOne";
    let digits = "5365637265744F6E65";
    for (name, octets) in [
        ("inline", document()),
        // The value before the name.
        ("value first", hex(&format!("030B6A00 45 C65501 87 0603{digits}00 000132 01 01 01"))),
        (
            "by name",
            hex(&format!("030B6A00 45 C65501 87 0503 4141555448534543524554 00 0603{digits}00 01 01 01")),
        ),
        ("string table", hex(&format!("030B6A0A {digits}00 45 C65501 87 000132 0000 068300 01 01 01"))),
        (
            "within another string",
            hex(&format!("030B6A0B 41{digits}00 45 C65501 87 000132 0000 068301 01 01 01")),
        ),
        ("without a name", hex(&format!("030B6A00 45 C65501 87 0603{digits}00 01 01 01"))),
        ("cut in the value", hex(&format!("030B6A00 45 C65501 87 000132 0000 0603{digits}"))),
        ("cut behind the value", hex(&format!("030B6A00 45 C65501 87 000132 0000 0603{digits}00"))),
        ("proxy", hex(&format!("030B6A00 45 C65101 87 3E 0603{digits}00 01 01 01"))),
    ] {
        let octets = vec![octets];
        let explanation = explain(&octets, &taken_for(Kind::Cp)).unwrap();
        check_cover(&explanation, &octets);
        let hidden = said(&explanation);
        assert!(!hidden.contains(secret) && !hidden.contains(digits), "{name}\n{hidden}");
        let options = Options { kind: Some(Kind::Cp), ..shown() };
        assert!(said(&explain(&octets, &options).unwrap()).contains(secret), "{name}");
    }
    for (name, octets) in [
        // An item whose data stands before its target; a credential; a tree as text; a nonce.
        (
            "item",
            format!(
                "02A4016A00 6D6B45 54 4F03{digits}0001 6E5703 2E2F782F41417574685365637265740001 01 01 01 01 01"
            ),
        ),
        ("cred", format!("02A4016A00 6D6C 4E 4F03{digits}0001 01 01 01")),
        (
            "opaque",
            format!(
                "02A4016A00 6D6B45 54 6E5703 2E2F782F41417574685365637265740001 01 4FC309{digits}01 01 01 01 01"
            ),
        ),
        ("cut", format!("02A4016A00 6D6B45 54 6E5703 2E2F782F41417574685365637265740001 01 4FC309{digits}")),
        ("xml", format!("02A4016A00 6D6B45 54 4F03 41417574685365637265743E {digits}0001 01 01 01 01")),
        ("nonce", format!("02A4016A00 6D6B 69 49 5A 0001 50 03{digits}0001 01 01 01 01 01")),
        (
            "node",
            format!(
                "02A4016A00 6D6B45 54 4F 0002 60 64 6603 41417574685365637265740001 7603{digits}0001 01 01 01 01 01 01 01"
            ),
        ),
    ] {
        let octets = vec![hex(&octets)];
        let explanation = explain(&octets, &taken_for(Kind::Dm)).unwrap();
        check_cover(&explanation, &octets);
        let hidden = said(&explanation);
        assert!(!hidden.contains(secret) && !hidden.contains(digits), "{name}\n{hidden}");
        let options = Options { kind: Some(Kind::Dm), ..shown() };
        assert!(said(&explain(&octets, &options).unwrap()).contains(secret), "{name}");
    }
    for (kind, octets) in [
        (Kind::Apdu, format!("0020000A09{digits}")),
        (Kind::Apdu, format!("00D6001012 41{digits}414141414141414141")),
        (Kind::Response, format!("414141{digits}414141414141414141 9000")),
        (Kind::Udh, format!("0605040B8423F0 0106 0A 746578742F706C61696E00 414141{digits}4141414141")),
        (Kind::Udh, format!("0B05040B8423F00003070201 {digits}")),
        (Kind::Udh, format!("06050412341234 414141{digits}414141414141")),
    ] {
        let pieces = vec![hex(&octets)];
        let hidden = said(&explain(&pieces, &taken_for(kind)).unwrap());
        assert!(!hidden.contains(secret) && !hidden.contains(digits), "{octets}\n{hidden}");
    }
}

#[test]
fn what_is_wrong_is_said_at_its_octet() {
    for (kind, octets, wanted) in [
        (Kind::Cp, "040B6A00 4501", "0000 version: wrong: expected 01 to 03, for 1.1 to 1.3"),
        (
            Kind::Cp,
            "030B6A00 45 C6 7F 01 01 01",
            "0006 attribute: wrong: 7F is not assigned in attribute code page 0",
        ),
        (
            Kind::Cp,
            "030B6A00 45 C655 01 87 11 06 83 05 01 01 01",
            "000B value from the string table: wrong: offset 5 is outside the string table",
        ),
        (Kind::Cp, "030B6A00 45 4A 01 01", "0005 tag: wrong: 0A is not assigned in tag code page 0"),
        (Kind::Cp, "030B6A00 45 01 45 01", "0006 behind the root element: wrong: the document ended before"),
        (Kind::Cp, "030B6A00 45 C655 01 87 11 11 01 01 01", "0008 <parm>: wrong: name stands twice"),
        (Kind::Wsp, "0105 01 B6", "0001 PDU type: wrong: expected 06 (Push) or 07 (ConfirmedPush)"),
        (
            Kind::Wsp,
            "0106 04 B6 8D 8583",
            "0005 value of Content-Length: wrong: says 5 octets; the body has 0",
        ),
        (Kind::Wsp, "0106 09 B6", "0003 headers: wrong: should be 9 octets; 1 are there"),
        (
            Kind::Udh,
            "05 0003 07 02 03",
            "0005 number of this segment: wrong: expected 1 to 2; a device ignores this element",
        ),
        (Kind::Udh, "04 0504 0B84", "0002 length: wrong: should be 4 octets; 2 are there"),
        (
            Kind::Udh,
            "06 05040B8423F0 030B6A004501",
            "0007 version: wrong: a WBXML document where a WSP push should begin: a device does not know what it is",
        ),
        (
            Kind::Sms,
            "0100 0081 0004 0D 0605040B8423F0 010601B64501",
            "0007 user data header length: wrong: this looks like a user data header, but the first octet has no 40 (TP-UDHI): a device shows it as text",
        ),
        (
            Kind::Sms,
            "4100 0081 0000 09 0605040B8423F0 01",
            "000E text: wrong: a push is 8-bit data (coding 04 or F5); this coding says text",
        ),
        (Kind::Sms, "0100 0081 0004 06 010601B64501", ""),
        (
            Kind::Package0,
            "00000000000000000000000000000000 0180000000000161 61",
            "0010 version, user interaction, initiator, future use: wrong: version 6; expected 11, or 12 as some send",
        ),
        (Kind::Apdu, "00A40004023F", "0005 data: wrong: should be 2 octets; 1 are there"),
        (
            Kind::Fcp,
            "6204 83026430",
            "0002 tag: wrong: FCP template at offset 2: no file descriptor (tag 82)",
        ),
        (Kind::Dir, "6105 4F03A00000 FF", ""),
        (Kind::Odf, "A706 3004 0402643062", "0008 tag: wrong: expected A0 to AF"),
        (Kind::Iccid, "9868308146200231837A", "0000 ICCID"),
        (Kind::Imsi, "082182608200002080", "0001 parity and first digit: wrong"),
    ] {
        let pieces = vec![hex(octets)];
        let explanation = explain(&pieces, &taken_for(kind)).unwrap();
        check_cover(&explanation, &pieces);
        let said = problems(&explanation);
        assert!(
            said.iter().any(|p| p.starts_with(wanted)) || wanted.is_empty(),
            "{octets}: wanted {wanted}\n{said:#?}\n{explanation}"
        );
    }
}

#[test]
fn segments_are_put_together_and_judged() {
    let four = segments(4);
    let whole = sound("four", &four, &Options::default());
    assert_eq!(whole.parts.len(), 5);
    let orders = [[3, 1, 2, 0], [0, 1, 2, 3], [1, 3, 0, 2]];
    for order in orders {
        let turned: Vec<Vec<u8>> = order.iter().map(|n| four[*n].clone()).collect();
        let explanation = sound("order", &turned, &Options::default());
        assert_eq!(explanation.parts[4].spans, whole.parts[4].spans);
    }
    let twice = sound("twice", &[&four[..], &four[1..2]].concat(), &Options::default());
    assert!(problems(&twice).iter().any(|p| p.ends_with("a repetition of an earlier segment")));

    let missing = unsound("missing", &[four[0].clone(), four[2].clone()], &Options::default());
    assert_eq!(missing.problems, [Problem::wrong("segments 2, 4 of 4 with reference 07 are missing")]);
    assert_eq!(missing.parts[2].title, "beginning of the datagram with reference 07, 1 of 4 segments");

    let three = segments(3);
    let clash = unsound("clash", &[&four[..1], &three[..]].concat(), &Options::default());
    assert!(problems(&clash).iter().any(|p| p.contains("says 4 segments; a device drops the earlier ones")));
    assert_eq!(clash.parts.last().unwrap().title, "datagram of 3 segments with reference 07");
    let mut changed = four[1].clone();
    *changed.last_mut().unwrap() ^= 1;
    let clash = unsound("data", &[&four[..], &[changed]].concat(), &Options::default());
    assert!(problems(&clash).iter().any(|p| p.contains("has other data")));
}

#[test]
fn several_pieces_may_be_one_artefact_or_several() {
    let octets = document();
    let (head, tail) = octets.split_at(20);
    let broken = sound("broken into lines", &[head.to_vec(), tail.to_vec()], &Options::default());
    assert_eq!(broken.parts.len(), 1);
    let trace = [hex("00A40004023F00"), hex("6118"), hex("9000"), octets.clone()];
    let explanation = sound("trace", &trace, &Options::default());
    let kinds: Vec<_> = explanation.parts.iter().map(|p| p.kind.unwrap()).collect();
    assert_eq!(kinds, [Kind::Apdu, Kind::Response, Kind::Response, Kind::Cp]);
    let mixed = explain(&[hex("9000"), hex("DEADBEEFDEADBEEF")], &Options::default()).unwrap();
    assert_eq!(mixed.parts[1].kind, None);
    assert_eq!(explain(&[hex("DEADBEEFDEADBEEF")], &Options::default()), Err(Unrecognised::Nothing));
    let nothing = Unrecognised::Nothing.to_string();
    assert!(nothing.contains("sms, udh, wsp"), "{nothing}");
}

#[test]
fn settings_files_of_a_usim_are_explained() {
    let explained = |kind: &str, octets: &str| {
        let explanation = explain(&[hex(octets)], &taken_for(kind.parse().unwrap())).unwrap();
        (explanation.is_sound(), explanation.to_string())
    };
    for (kind, octets, says) in [
        ("acl", "01DD0908696E7465726E6574FFFF", "access point internet"),
        ("mmsicp", "AB08800101 8103612E62", "relay or server a.b"),
        ("mmsup", "800101 820286 80 FF", "delivery report yes"),
        ("nasconfig", "83013CFF", "minimum periodic search timer 60"),
        ("ims", "800100 81053C696D733E", "text <ims>"),
        ("gbabp", "0211110233330430303030FF", "key lifetime"),
        ("mmsn", "00FF01", "notification"),
        ("xcap", "A003810101", "object of XCAP"),
        ("mudmid", "FFFFFF", "padding"),
    ] {
        let (sound, text) = explained(kind, octets);
        assert!(sound && text.contains(says), "{kind}: {text}");
    }
    // What opens a key, and what may hold a password, stays hidden.
    assert!(!explained("gbabp", "0211110233330430303030FF").1.contains("1111"));
    assert!(!explained("xcap", "A0038101AB").1.contains("8101AB"));
    for (kind, octets) in
        [("acl", "02DD0908696E7465726E6574"), ("ims", "8105"), ("gbabp", "0511"), ("nasconfig", "8081")]
    {
        assert!(!explained(kind, octets).0, "{kind}");
    }
}

#[test]
fn every_kind_has_a_word() {
    assert_eq!(Kind::all().count(), 32);
    for kind in Kind::all() {
        assert_eq!(kind.word().parse(), Ok(kind));
        assert!(!kind.title().is_empty());
    }
    assert_eq!("obex".parse::<Kind>(), Err(UnknownKind));
}

#[test]
fn a_listing_has_columns_and_colours() {
    let explanation = explain(&[hex("0106 01 B6 030B6A004501")], &taken_for(Kind::Wsp)).unwrap();
    let plain = explanation.to_string();
    let lines: Vec<&str> = plain.lines().collect();
    assert_eq!(lines[0], "WSP push, 10 octets");
    assert_eq!(lines[1], "0000  01                      transaction identifier = 01  [WAP-230 8.2.1]");
    assert!(plain.contains("odd: neither SEC nor MAC"), "{plain}");
    assert!(!plain.contains('\x1b') && explanation.listing(Style::Colour).contains("\x1b[33m"));
    let json: Json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!(json["parts"][0]["spans"][0]["hex"], "01");
    assert_eq!(json["parts"][0]["kind"], "wsp");
}

#[test]
fn what_only_carries_an_artefact_is_not_taken_for_one() {
    let octets = hex("80000710002000");
    let refused = explain(std::slice::from_ref(&octets), &Options::default()).unwrap_err();
    assert!(matches!(refused, Unrecognised::Envelope(why) if why.contains("OBEX")), "{refused:?}");
    // Whoever knows better is believed.
    assert!(explain(&[octets], &taken_for(Kind::Sms)).is_ok());
}

#[test]
fn a_command_and_its_answer_are_two_artefacts() {
    let log = b"00000012 APDU: 00 A4 00 04 02 3F 00 \n00000345 SW: 62 04 82 02 78 21 90 00 \n";
    let explanation = explain(&read(log, Input::Any).unwrap(), &Options::default()).unwrap();
    let kinds: Vec<Option<Kind>> = explanation.parts.iter().map(|p| p.kind).collect();
    assert_eq!(kinds, [Some(Kind::Apdu), Some(Kind::Response)], "{explanation}");
}

#[test]
fn what_devices_stumble_over_is_odd() {
    for (document, what) in [
        // A version behind the token that is one.
        ("030B6A00 C5 46 03 312E3000 01 C655 01 01 01", "whole value already"),
        ("030B6A00 45 C6 55 03 4100 01 01 01", "whole value already"),
        ("030B6A00 45 C655 01 87 07 06 03 610A6200 01 01 01", "control character"),
        ("030B6A00 45 C655 01 87 07 06 03 61 02 07 00 01 01 01", "control character"),
    ] {
        let explanation = explain(&[hex(document)], &taken_for(Kind::Cp)).unwrap();
        assert!(problems(&explanation).iter().any(|p| p.contains(what)), "{document}\n{explanation}");
    }
    // Not so where the token is the name alone, or the value is in pieces.
    let good = "030B6A00 C5 45 03 312E3100 01 C6 50 03 4E415044454600 01 87 07 06 03 6100 03 6200 01 01 01";
    assert_eq!(problems(&explain(&[hex(good)], &taken_for(Kind::Cp)).unwrap()), Vec::<String>::new());
}

#[test]
fn what_an_artefact_says_does_not_move_the_terminal() {
    let document = hex("030B6A00 45 C655 01 87 07 06 03 61 1B5B324A 0A 62 00 01 01 01");
    let explanation = explain(&[document], &taken_for(Kind::Cp)).unwrap();
    for style in [Style::Plain, Style::Colour] {
        let listing = explanation.listing(style);
        assert!(listing.contains("a\\u{1b}[2J\\nb"), "{listing}");
        assert!(!listing.contains("\u{1b}[2J") && listing.lines().all(|l| !l.starts_with('b')), "{listing}");
    }
}

#[test]
fn a_characteristic_that_no_phone_knows_is_odd() {
    let xml = "<wap-provisioningdoc><characteristic type=\"NAPDFE\"/><characteristic type=\"PXLOGICAL\">\
               <characteristic type=\"PORT\"/></characteristic></wap-provisioningdoc>";
    let wbxml = hex("030B6A00 45 86 50 03 4E415044464500 01 01");
    for (octets, kind) in [(xml.as_bytes().to_vec(), Kind::CpXml), (wbxml, Kind::Cp)] {
        let explanation = explain(&[octets], &taken_for(kind)).unwrap();
        let said = problems(&explanation);
        let ignored = "no characteristic `NAPDFE` is known here; phones ignore it with all in it";
        assert!(said.len() == 1 && said[0].contains(ignored), "{said:?}");
        assert!(explanation.is_sound(), "{explanation}");
    }
}
