//! Explanations of what the field sends: no octet without a name, no complaint about what is right, a complaint about what
//! is not, no secret that was not asked for.

mod documents;

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

#[test]
fn shared_pushes_are_sound() {
    let Some(folder) = vectors::folder("push") else { return };
    let mut kinds = BTreeMap::new();
    for name in vectors::names(&folder, "json") {
        let case = json(&folder, &name);
        if matches!(case["kind"].as_str(), Some("smpp-session" | "pap-http")) {
            continue;
        }
        let text = vectors::read(&folder, &name, "hex");
        let pieces = read(&text, Input::Any).unwrap();
        // Its body is an octet shorter than its own length says.
        if name == "kannel-ppg-dm-notification" {
            unsound(&name, &pieces, &Options::default());
            continue;
        }
        let explanation = sound(&name, &pieces, &Options::default());
        *kinds.entry(explanation.parts[0].kind.unwrap().word()).or_insert(0) += 1;
        let mut turned = pieces.clone();
        turned.reverse();
        let other = sound(&name, &turned, &Options::default());
        assert_eq!(other.parts.last().unwrap().length, explanation.parts.last().unwrap().length, "{name}");

        // The key that the set names.
        let key = &case["expect"]["mac_key"];
        let value = key["value"].as_str().unwrap_or("");
        let mut options = Options::default();
        match key["type"].as_str() {
            Some("ascii") => options.pin = Some(value.parse().unwrap()),
            Some("imsi-bcd") => options.imsi = Some(value.parse().unwrap()),
            _ => continue,
        }
        let composed = case["wsp_composed"].as_str().map(|c| vec![hex(c)]).unwrap_or(pieces);
        let checked = sound(&name, &composed, &options);
        assert!(matches!(checked.authentication.unwrap().verdict, Verdict::Fits { .. }), "{name}");
        // Another PIN and another IMSI.
        options.pin = options.pin.map(|_| "987654".parse().unwrap());
        options.imsi = options.imsi.map(|_| "001010123456789".parse().unwrap());
        let refused = unsound(&name, &composed, &options);
        assert!(matches!(refused.authentication.unwrap().verdict, Verdict::FitsNothing { .. }), "{name}");
    }
    assert_eq!(kinds, BTreeMap::from([("cp", 3), ("sms", 2), ("udh", 10), ("wbxml", 3), ("wsp", 3)]));
}

#[test]
fn shared_provisioning_documents() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut good, mut bad, mut pushes, mut secrets) = (0, 0, 0, 0);
    for name in vectors::names(&folder, "wbxml") {
        let case = json(&folder, &name);
        let octets = vec![vectors::read(&folder, &name, "wbxml")];
        if case["negative"] == true {
            // As the decoder sees it.
            let refused = crate::wire::wbxml::decode(&octets[0]).is_err();
            let explanation = explain(&octets, &taken_for(Kind::Cp)).unwrap();
            check_cover(&explanation, &octets);
            assert_eq!(explanation.is_sound(), !refused, "{name}\n{explanation}");
            bad += 1;
            continue;
        }
        let explanation = sound(&name, &octets, &Options::default());
        assert_eq!(explanation.parts[0].kind, Some(Kind::Cp), "{name}");
        let all = sound(&name, &octets, &shown());
        assert!(all.parts[0].spans.iter().all(|s| !s.masked), "{name}");
        if let Ok(xml) = std::fs::read_to_string(folder.join(format!("{name}.xml"))) {
            let hidden = said(&explanation);
            for secret in secrets_of(&xml) {
                let digits: String = secret.bytes().map(|b| format!("{b:02X}")).collect();
                assert!(!hidden.contains(&secret) && !hidden.contains(&digits), "{name}\n{hidden}");
                assert!(said(&all).contains(&secret), "{name} {secret}");
                secrets += 1;
            }
        }
        good += 1;
        if let Some(pdu) = case["wsp_push_pdu_hex"].as_str().map(|p| vec![hex(p)]) {
            let options = Options {
                pin: case["pin"].as_str().map(|p| p.parse().unwrap()),
                imsi: case["imsi"].as_str().map(|i| i.parse().unwrap()),
                ..Options::default()
            };
            let explanation = explain(&pdu, &options).unwrap();
            check_cover(&explanation, &pdu);
            let verdict = explanation.authentication.clone().unwrap().verdict;
            assert_eq!(
                case["expect"] == "authentic",
                matches!(verdict, Verdict::Fits { .. }),
                "{name} {verdict}"
            );
            assert_eq!(explanation.is_sound(), case["expect"] == "authentic", "{name}\n{explanation}");
            if let Some(wrong) = case["wrong_mac_when_imsi_is_used_as_ascii"].as_str() {
                let mac = case["mac_text"].as_str().unwrap();
                let octets = String::from_utf8_lossy(&pdu[0]).find(mac).map(|_| {
                    let at = pdu[0].windows(40).position(|w| w == mac.as_bytes()).unwrap();
                    let mut changed = pdu[0].clone();
                    changed[at..at + 40].copy_from_slice(wrong.as_bytes());
                    changed
                });
                let explanation = unsound(&name, &[octets.unwrap()], &options);
                assert_eq!(
                    explanation.authentication.unwrap().verdict,
                    Verdict::FitsAnother {
                        expected: "the IMSI as EF(IMSI) packs it, without length",
                        key: "the IMSI in ASCII digits",
                        method: None
                    }
                );
            }
            pushes += 1;
        }
    }
    assert_eq!((good, bad, pushes, secrets), (24, 1, 13, 24));
}

#[test]
fn shared_dm_messages() {
    let Some(folder) = vectors::folder("dm") else { return };
    let (mut documents, mut notifications) = (0, 0);
    for name in vectors::names(&folder, "wbxml") {
        let octets = vec![vectors::read(&folder, &name, "wbxml")];
        let explanation = sound(&name, &octets, &Options::default());
        assert_eq!(explanation.parts[0].kind, Some(Kind::Dm), "{name}");
        sound(&name, &octets, &shown());
        documents += 1;
    }
    for name in vectors::names(&folder, "json").iter().filter(|n| n.starts_with("pkg0-")) {
        let case = json(&folder, name);
        let octets = match case["message_hex"].as_str() {
            Some(message) => vec![hex(message)],
            None => {
                let trigger = format!("{:032}{}", 0, case["trigger_hex"].as_str().unwrap());
                let sms = format!(
                    "{}{}{trigger}",
                    case["udh_hex"].as_str().unwrap(),
                    case["wsp_hex"].as_str().unwrap()
                );
                sound(name, &[hex(&sms)], &Options::default());
                vec![hex(&trigger)]
            }
        };
        let explanation = sound(name, &octets, &Options::default());
        assert_eq!(explanation.parts[0].kind, Some(Kind::Package0), "{name}");
        notifications += 1;
    }
    assert_eq!((documents, notifications), (24, 5));
    // What these are known to hold.
    for (name, secret) in [
        ("boot-plain-add", "devpw"),
        ("boot-plain-add", "srvpw"),
        ("boot-inbox-tnds-opaque", "srvpw"),
        ("boot-inbox-tnds-opaque", "devpw"),
    ] {
        let octets = vec![vectors::read(&folder, name, "wbxml")];
        let digits: String = secret.bytes().map(|b| format!("{b:02X}")).collect();
        let hidden = said(&explain(&octets, &Options::default()).unwrap());
        assert!(!hidden.contains(secret) && !hidden.contains(&digits), "{name}");
        assert!(said(&explain(&octets, &shown()).unwrap()).contains(secret), "{name}");
    }
    let case = json(&folder, "wsp-push-boot-networkid");
    let body = vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
    let push = [hex(case["wsp_header_hex"].as_str().unwrap()), body].concat();
    let options = Options { imsi: Some("262011234567890".parse().unwrap()), ..Options::default() };
    let explanation = sound("wsp-push-boot-networkid", &[push], &options);
    assert!(matches!(explanation.authentication.unwrap().verdict, Verdict::Fits { .. }));
}

#[test]
fn shared_card_files() {
    let (mut found, mut bad) = (BTreeMap::new(), 0);
    for group in ["iccid-imsi", "odf-dodf", "fcp", "dir", "create-file", "sw-2g-select", "read-flow"] {
        let Some(cases) = vectors::vectors(&format!("card/{group}.json")) else { return };
        for case in &cases {
            let id = case["id"].as_str().unwrap_or(group);
            let mut check = |kind: Kind, octets: &str, is_error: bool| {
                let octets = vec![hex(octets)];
                let explanation = explain(&octets, &taken_for(kind)).unwrap();
                check_cover(&explanation, &octets);
                *found.entry(kind.word()).or_insert(0) += 1;
                bad += usize::from(is_error);
                if is_error {
                    assert!(!explanation.is_sound(), "{id}\n{explanation}");
                } else {
                    assert!(explanation.is_sound(), "{id}\n{explanation}");
                    assert_eq!(recognise(&octets[0]), Some(kind), "{id}");
                }
            };
            let octets = case["hex"].as_str().unwrap_or("");
            let kind = match (group, case["file"].as_str()) {
                ("iccid-imsi", _) if id.contains("iccid") => Kind::Iccid,
                ("iccid-imsi", _) => Kind::Imsi,
                ("odf-dodf", Some("ODF")) => Kind::Odf,
                ("odf-dodf", _) => Kind::Dodf,
                ("fcp", _) if octets.starts_with("62") => Kind::Fcp,
                // A free record holds nothing that could be wrong.
                ("dir", _) if id != "N-dir-free" => Kind::Dir,
                ("create-file", _) => Kind::Apdu,
                ("sw-2g-select", _) if id.starts_with("SW-") => Kind::Response,
                ("read-flow", _) => {
                    for step in case["steps"].as_array().unwrap() {
                        check(Kind::Apdu, step["c"].as_str().unwrap(), false);
                        check(Kind::Response, step["r"].as_str().unwrap(), false);
                    }
                    continue;
                }
                _ => continue,
            };
            // Some directories are wrong only in what they lead to.
            let parsed = case["level"].as_str().is_none_or(|level| level == "parse");
            if case["expect"] == "error" && !parsed {
                continue;
            }
            check(kind, octets, case["expect"] == "error");
        }
    }
    assert_eq!(
        found,
        BTreeMap::from([
            ("apdu", 41),
            ("dir", 6),
            ("dodf", 11),
            ("fcp", 15),
            ("iccid", 3),
            ("imsi", 5),
            ("odf", 7),
            ("response", 42)
        ])
    );
    assert_eq!(bad, 14);
}

/// Every document, message and file that the shared vectors hold as octets, with what it is.
fn shared_artefacts() -> Vec<(String, Kind, Vec<u8>)> {
    let mut out = Vec::new();
    for (folder, kind) in [("cp", Kind::Cp), ("dm", Kind::Dm)] {
        let Some(folder) = vectors::folder(folder) else { return out };
        for name in vectors::names(&folder, "wbxml") {
            out.push((name.clone(), kind, vectors::read(&folder, &name, "wbxml")));
        }
    }
    let Some(folder) = vectors::folder("push") else { return out };
    for name in vectors::names(&folder, "json") {
        let case = json(&folder, &name);
        let kind = match case["kind"].as_str().unwrap() {
            "wsp" => Kind::Wsp,
            "udh-segments" => Kind::Udh,
            "tpdu-deliver" => Kind::Sms,
            _ => continue,
        };
        for (n, octets) in
            read(&vectors::read(&folder, &name, "hex"), Input::Text).unwrap().into_iter().enumerate()
        {
            out.push((format!("{name} {n}"), kind, octets));
        }
    }
    out
}

/// A cut is found at the place of the cut, and nothing panics on the way. (Within the data of a user data header a cut only
/// shortens the data.)
#[test]
fn every_truncation_is_said() {
    let artefacts = shared_artefacts();
    for (name, kind, octets) in &artefacts {
        let step = 1 + octets.len() / 200;
        for end in (0..octets.len()).step_by(step) {
            let cut = vec![octets[..end].to_vec()];
            let explanation = explain(&cut, &taken_for(*kind)).unwrap();
            check_cover(&explanation, &cut);
            if matches!(kind, Kind::Cp | Kind::Dm | Kind::Sms) {
                assert!(!explanation.is_sound(), "{name} {end}\n{explanation}");
            }
        }
    }
    if !artefacts.is_empty() {
        assert_eq!(artefacts.len(), 25 + 24 + 3 + 24 + 2);
    }
}

/// Changed octets neither panic nor leave an octet without a name, and what the decoder refuses is never called sound.
#[test]
fn changed_octets_are_explained() {
    let artefacts = shared_artefacts();
    for (n, (name, kind, octets)) in artefacts.iter().enumerate() {
        for place in (n % 7..octets.len()).step_by(1 + octets.len() / 30) {
            for change in [0x01, 0x40, 0x80, 0xFF] {
                let mut changed = octets.clone();
                changed[place] ^= change;
                let pieces = vec![changed];
                let explanation = explain(&pieces, &taken_for(*kind)).unwrap();
                check_cover(&explanation, &pieces);
                let refused = match kind {
                    Kind::Cp | Kind::Dm => {
                        crate::wire::wbxml::decode_expecting(&pieces[0], vocabulary(*kind)).is_err()
                    }
                    Kind::Wsp => crate::wire::wsp::Push::decode(&pieces[0]).is_err(),
                    Kind::Sms => crate::wire::sms::Pdu::decode(&pieces[0]).is_err(),
                    _ => false,
                };
                assert!(!refused || !explanation.is_sound(), "{name} {place} {change:02X}\n{explanation}");
            }
        }
    }
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

/// References to a string table can make far more text than there are octets.
#[test]
fn a_string_table_does_not_amplify() {
    let mut octets = hex("030B6A");
    crate::wire::uintvar::write(20_000, &mut octets);
    octets.extend(vec![b'a'; 19_999]);
    octets.push(0);
    octets.extend(hex("45C655 01"));
    for _ in 0..2000 {
        octets.extend(hex("87 11 06 8300 8300 01"));
    }
    octets.extend(hex("0101"));
    let explanation = explain(&[octets.clone()], &taken_for(Kind::Cp)).unwrap();
    check_cover(&explanation, &[octets]);
    assert!(said(&explanation).len() < 8 * 1024 * 1024);
}

#[test]
fn every_kind_has_a_word() {
    assert_eq!(Kind::all().count(), 18);
    for kind in Kind::all() {
        assert_eq!(kind.word().parse(), Ok(kind));
        assert!(!kind.title().is_empty());
    }
    assert_eq!("pap".parse::<Kind>(), Err(UnknownKind));
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

fn any_kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::all().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_octets_are_covered(octets in proptest::collection::vec(any::<u8>(), 0..200), kind in any_kind()) {
        let pieces = vec![octets];
        check_cover(&explain(&pieces, &taken_for(kind)).unwrap(), &pieces);
        if let Ok(explanation) = explain(&pieces, &Options::default()) {
            check_cover(&explanation, &pieces);
        }
    }

    #[test]
    fn octets_behind_a_good_beginning_are_covered(
        beginning in proptest::sample::select(vec![
            ("030B6A00", Kind::Cp), ("030B6A0541424300", Kind::Cp), ("02A4016A00", Kind::Dm), ("010630", Kind::Wsp),
            ("01061F1F08B6", Kind::Wsp), ("0B05040B8423F0", Kind::Udh), ("0605040B8423F0", Kind::Udh),
            ("440081000422016031654390", Kind::Sms), ("51000081000050", Kind::Sms), ("6240", Kind::Fcp),
            ("61204F", Kind::Dir), ("A1223000", Kind::Dodf), ("A7063004", Kind::Odf), ("00D60000", Kind::Apdu),
        ]),
        octets in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let (head, kind) = beginning;
        let pieces = vec![[hex(head), octets].concat()];
        check_cover(&explain(&pieces, &taken_for(kind)).unwrap(), &pieces);
    }

    /// What we build has nothing wrong with it.
    #[test]
    fn documents_of_ours_are_sound(
        parms in proptest::collection::vec(("[A-Z-]{1,12}", proptest::option::of("[ -~]{0,20}")), 0..20),
    ) {
        use crate::wire::{Syntax, prov::{Characteristic, ProvDoc}};
        let all = parms.into_iter().fold(Characteristic::new("APPLICATION"), |c, (name, value)| match value {
            Some(value) => c.with(name, value),
            None => c.with_flag(name),
        });
        let document = ProvDoc { version: Some("1.1".to_owned()), characteristics: vec![all] };
        let octets = vec![document.encode(Syntax::Wbxml).unwrap()];
        sound("ours", &octets, &Options::default());
    }

    #[test]
    fn any_text_is_read(input in proptest::collection::vec(any::<u8>(), 0..120), words in "[0-9A-Fa-f :%x\\\\|\\[\\]-]{0,80}") {
        let _ = read(&input, Input::Any);
        let _ = read(&input, Input::Text);
        let _ = read(words.as_bytes(), Input::Any);
    }
}

#[test]
fn what_only_carries_an_artefact_is_not_taken_for_one() {
    for (octets, name) in [
        (b"HTTP/1.1 202 Accepted\r\nContent-Type: application/xml\r\n\r\n<pap/>".to_vec(), "HTTP"),
        (b"POST /wappush HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec(), "HTTP"),
        (hex("00000010000000150000000000000001"), "SMPP"),
        (hex("00000010800000150000000000000001"), "SMPP"),
        (hex("80000710002000"), "OBEX"),
    ] {
        let refused = explain(std::slice::from_ref(&octets), &Options::default()).unwrap_err();
        assert!(matches!(refused, Unrecognised::Envelope(why) if why.contains(name)), "{name} {refused:?}");
        // Whoever knows better is believed.
        assert!(explain(&[octets], &taken_for(Kind::Sms)).is_ok());
    }
    // A length that is not its own.
    assert_eq!(recognise::envelope(&hex("00000011000000150000000000000001")), None);
    let Some(folder) = vectors::folder("push") else { return };
    for name in ["pap-401", "pap-push-1001", "smpp-kannel-session"] {
        let pieces = read(&vectors::read(&folder, name, "hex"), Input::Text).unwrap();
        let refused = explain(&pieces, &Options::default()).unwrap_err();
        assert!(matches!(refused, Unrecognised::Envelope(_)), "{name} {refused:?}");
    }
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
    let good = "030B6A00 C5 45 03 312E3100 01 C6 50 03 4100 01 87 07 06 03 6100 03 6200 01 01 01";
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
