//! The vectors that all implementations share: what the field sends is sound, and what is not is told.

#![cfg(test)]

use super::*;

#[test]
fn shared_pushes_are_sound() {
    let Some(folder) = vectors::folder("push") else { return };
    let mut kinds = BTreeMap::new();
    for name in vectors::names(&folder, "json") {
        let case = json(&folder, &name);
        let text = vectors::read(&folder, &name, "hex");
        let pieces = read(&text, Input::Any).unwrap();
        match case["kind"].as_str() {
            Some("smpp-session") => {
                session(&name, &case, &pieces);
                *kinds.entry("smpp").or_insert(0) += 1;
                continue;
            }
            Some("pap-http") => {
                exchange(&name, &case, &pieces);
                *kinds.entry("http").or_insert(0) += 1;
                continue;
            }
            _ => {}
        }
        // Its body is an octet shorter than its own length says.
        if name == "kannel-ppg-dm-notification" {
            unsound(&name, &pieces, &Options::default());
            *kinds.entry("wrong").or_insert(0) += 1;
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
    let all = [
        ("cp", 3),
        ("http", 4),
        ("smpp", 1),
        ("sms", 2),
        ("udh", 10),
        ("wbxml", 3),
        ("wrong", 1),
        ("wsp", 3),
    ];
    assert_eq!(kinds, BTreeMap::from(all));
    assert_eq!(kinds.values().sum::<usize>(), vectors::names(&folder, "json").len());
}

/// Each PDU has the name, length, status and number that the vector says; the stream as a whole gives the pushes in it.
fn session(name: &str, case: &Json, pieces: &[Vec<u8>]) {
    let stream = vec![pieces.concat()];
    for pieces in [pieces, &stream] {
        let explanation = explain(pieces, &Options::default()).unwrap();
        check_cover(&explanation, pieces);
        // A notification that its sender made an octet short.
        let wrong = problems(&explanation).into_iter().filter(|p| p.contains("wrong: ")).count();
        assert_eq!(wrong, 1, "{name}\n{explanation}");
        let mut found = Vec::new();
        for spans in explanation.parts.iter().filter(|p| p.kind == Some(Kind::Smpp)).map(|p| &p.spans) {
            let said = |span: &Span| span.value.clone().unwrap_or_default();
            for (at, span) in spans.iter().enumerate().filter(|(_, s)| s.name == "command_id") {
                let status = spans[at + 1].hex.clone().unwrap();
                found.push((said(span), said(&spans[at - 1]), status, said(&spans[at + 2])));
            }
        }
        let expected = case["expect"].as_array().unwrap().iter().map(|e| {
            let text = |key: &str| e[key].as_str().map_or_else(|| e[key].to_string(), str::to_owned);
            (text("pdu"), text("length"), text("status"), text("seq"))
        });
        assert_eq!(found, expected.collect::<Vec<_>>(), "{name}");
        let together = explanation.parts.iter().filter(|p| p.title.starts_with("datagram of"));
        assert_eq!(together.count(), 1, "{name}\n{explanation}");
        assert!(!said(&explanation).contains("secret"), "the password of the bind");
    }
    let shown = explain(pieces, &shown()).unwrap();
    assert!(said(&shown).contains("password = \"secret\""), "{shown}");
}

/// Status of the answer, element and code in it; what is no XML is not taken for it.
fn exchange(name: &str, case: &Json, pieces: &[Vec<u8>]) {
    assert_eq!(pieces.len(), 2, "{name}");
    let explanation = explain(pieces, &Options::default()).unwrap();
    check_cover(&explanation, pieces);
    assert!(explanation.parts.iter().all(|p| p.kind == Some(Kind::Http)), "{name}\n{explanation}");
    let expect = &case["expect"];
    let answer = &explanation.parts[1];
    let status = answer.spans.iter().find(|s| s.name == "status line").and_then(|s| s.value.clone());
    assert!(status.unwrap().contains(&format!(" {} ", expect["http_status"])), "{name}");
    let listing = explanation.to_string();
    if let Some(element) = expect["pap_element"].as_str() {
        assert!(answer.spans.iter().any(|s| s.name == format!("<{element}>")), "{name}\n{listing}");
        let code = expect["pap_code"].to_string();
        assert!(listing.contains(&format!("code=\"{code}\": {code} ")), "{name}\n{listing}");
    }
    assert!(!said(&explanation).contains("password=bar"), "{name}");
    // The same octets in one piece, as a capture has them.
    let stream = vec![pieces.concat()];
    let whole = explain(&stream, &Options::default()).unwrap();
    check_cover(&whole, &stream);
    assert_eq!(whole.is_sound(), explanation.is_sound(), "{name}\n{whole}");
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
