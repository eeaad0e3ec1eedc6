//! Cut, changed and random octets: every one keeps a name, nothing panics, and nothing grows without bound.

#![cfg(test)]

use super::*;

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
            "smpp-session" => Kind::Smpp,
            "pap-http" => Kind::Http,
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
            // A cut between two PDUs, or in front of the last line end of a body, is none that can be seen.
            if matches!(kind, Kind::Cp | Kind::Dm | Kind::Sms) || (*kind == Kind::Smpp && end > 0) {
                assert!(!explanation.is_sound(), "{name} {end}\n{explanation}");
            }
        }
    }
    if !artefacts.is_empty() {
        assert_eq!(artefacts.len(), 25 + 24 + 3 + 24 + 2 + 38 + 8);
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

/// Bodies in parts inside each other need no room on the stack and no time for each: those far inside are not explained.
#[test]
fn bodies_in_parts_do_not_nest_without_end() {
    let nested = |levels: usize| {
        let parts: String =
            (0..levels).map(|n| format!("--{n}\nContent-Type:multipart/a;boundary={}\n\n", n + 1)).collect();
        parts.into_bytes()
    };
    let over_http = |body: Vec<u8>| {
        let head = format!(
            "POST / HTTP/1.1\r\nContent-Type: multipart/related; boundary=0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    };
    for (kind, octets) in [(Kind::Multipart, nested(5000)), (Kind::Http, over_http(nested(5000)))] {
        let pieces = vec![octets];
        let explanation = unsound("nested", &pieces, &taken_for(kind));
        let controls = explanation.parts[0].spans.iter().filter(|s| s.name == "control entity").count();
        assert_eq!(controls, multipart::MAX_NESTING);
        assert!(explanation.to_string().contains("deeper is not read"), "{explanation}");
        assert!(said(&explanation).len() < 16 * pieces[0].len());
    }
}

/// A length of a body that no memory has is a number like any other.
#[test]
fn an_enormous_content_length_is_said() {
    for length in [usize::MAX, usize::MAX - 60, 1 << 40] {
        let text = format!(
            "POST /pap HTTP/1.1\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\nabc"
        );
        for pieces in [vec![text.clone().into_bytes()], vec![text.clone().into_bytes(); 2]] {
            for options in [Options::default(), taken_for(Kind::Http)] {
                let explanation = unsound("enormous", &pieces, &options);
                let wanted = format!("says {length} octets; the body has");
                assert!(explanation.to_string().contains(&wanted), "{explanation}");
            }
        }
    }
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
            ("61204F", Kind::Dir), ("A1223000", Kind::Dodf), ("A7063004", Kind::Odf), ("00D60000", Kind::Apdu), ("0000004000000004000000000000000100", Kind::Smpp), ("0000004000000005000000000000000100", Kind::Smpp),
            ("504F5354202F20485454502F312E310D0A", Kind::Http), ("2D2D620D0A583A20780D0A0D0A", Kind::Multipart), ("3C7061703E3C", Kind::Pap),
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
