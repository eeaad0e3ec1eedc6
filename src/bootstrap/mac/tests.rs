//! MACs that others computed, and ours.

use serde_json::Value;

use super::*;
use crate::wire::vectors;

fn text<'v>(case: &'v Value, key: &str) -> Option<&'v str> {
    case[key].as_str()
}

#[test]
fn client_provisioning_vectors() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut authentic, mut rejected) = (0, 0);
    for name in vectors::names(&folder, "json") {
        let case: Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        let Some(sec) = case["sec"].as_u64() else { continue };
        let sec = Sec::from_number(u8::try_from(sec).unwrap()).unwrap();
        assert_eq!(Some(sec.name()), text(&case, "sec_name"), "{name}");
        let octets = vectors::read(&folder, &name, "wbxml");
        let imsi: Option<Imsi> = text(&case, "imsi").map(|i| i.parse().unwrap());
        let pin: Option<Pin> = text(&case, "pin").map(|p| p.parse().unwrap());
        let check = |pin: Option<&Pin>, octets: &[u8], mac: Option<&str>| {
            verify(PayloadKind::Cp, sec, imsi.as_ref(), pin, octets, mac)
        };
        let mac = text(&case, "mac_text");
        match text(&case, "expect").unwrap() {
            "authentic" => {
                assert_eq!(check(pin.as_ref(), &octets, mac), Ok(()), "{name}");
                authentic += 1;
                // Any other document is refused.
                let mut changed = octets.clone();
                *changed.last_mut().unwrap() ^= 1;
                assert_eq!(check(pin.as_ref(), &changed, mac), Err(MacError::Mismatch), "{name}");

                let given: Option<Pin> = match sec {
                    Sec::UserPinMac => {
                        pin.as_ref().map(|p| p.expose()[..p.expose().len() / 2].parse().unwrap())
                    }
                    _ => pin.clone(),
                };
                let signed = sign(PayloadKind::Cp, sec, imsi.as_ref(), given.as_ref(), &octets).unwrap();
                assert_eq!(signed.mac.map(|m| m.to_string()).as_deref(), mac, "{name}");
                assert_eq!(
                    signed.user_pin.as_ref().map(Pin::expose),
                    text(&case, "pin"),
                    "{name}: what the user enters"
                );
            }
            "reject" => {
                assert_eq!(check(pin.as_ref(), &octets, mac), Err(MacError::Mismatch), "{name}");
                rejected += 1;
            }
            other => panic!("{name}: {other}"),
        }
        // The key and the MAC itself.
        let half = pin
            .as_ref()
            .filter(|_| sec == Sec::UserPinMac)
            .map(|p| p.expose()[..p.expose().len() / 2].to_owned());
        let key = match &half {
            Some(half) => Key::new(&[half.as_bytes()]),
            None => key(PayloadKind::Cp, sec, imsi.as_ref(), pin.as_ref()).unwrap(),
        };
        let expected_key = vectors::hex(text(&case, "hmac_key_hex").unwrap());
        assert_eq!(key.sign(b""), Key::new(&[&expected_key]).sign(b""), "{name}");
        assert_eq!(key.sign(&octets).to_string(), text(&case, "hmac_sha1_hex").unwrap(), "{name}");
        if let Some(wrong) = text(&case, "wrong_mac_when_imsi_is_used_as_ascii") {
            assert_eq!(check(None, &octets, Some(wrong)), Err(MacError::Mismatch), "{name}");
        }
    }
    assert_eq!((authentic, rejected), (12, 1));
}

#[test]
fn imsi_packing_vectors() {
    let Some(folder) = vectors::folder("cp") else { return };
    let file: Value = serde_json::from_slice(&vectors::read(&folder, "imsi-packing", "json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        let imsi: Imsi = text(case, "imsi").unwrap().parse().unwrap();
        let expected = vectors::hex(text(case, "key_hex").unwrap());
        let key = key(PayloadKind::Cp, Sec::NetwPin, Some(&imsi), None).unwrap();
        assert_eq!(packed_imsi(&imsi), expected);
        assert_eq!(key.sign(b""), Key::new(&[&expected]).sign(b""));
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn dm_bootstrap_vectors() {
    let Some(folder) = vectors::folder("dm") else { return };
    let file: Value = serde_json::from_slice(&vectors::read(&folder, "boot-mac", "json")).unwrap();
    let octets = vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
    let imsi: Imsi = "262011234567890".parse().unwrap();
    let pin: Pin = "1234".parse().unwrap();
    let cases = file["vectors"].as_array().unwrap();
    for case in cases {
        let name = text(case, "sec").unwrap();
        let word = name.split(' ').next().unwrap_or(name);
        let sec = Sec::ALL.into_iter().find(|s| s.dm_name() == Some(word)).unwrap();
        let signed = sign(PayloadKind::Dm, sec, Some(&imsi), Some(&pin), &octets).unwrap();
        let mac = signed.mac.unwrap().to_string();
        assert_eq!(Some(mac.as_str()), text(case, "mac"), "{name}");
        assert_eq!(verify(PayloadKind::Dm, sec, Some(&imsi), Some(&pin), &octets, Some(&mac)), Ok(()));
        assert_eq!(signed.parameters(), format!("SEC={word}; MAC={mac}"));
        let expected = vectors::hex(text(case, "key_hex").unwrap());
        let key = key(PayloadKind::Dm, sec, Some(&imsi), Some(&pin)).unwrap();
        assert_eq!(key.sign(b""), Key::new(&[&expected]).sign(b""));
    }
    assert_eq!(cases.len(), 3);
}

#[test]
fn a_mac_is_40_upper_case_digits_and_is_read_in_either_case() {
    let pin: Pin = "4711".parse().unwrap();
    let signed = sign(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), b"octets").unwrap();
    let mac = signed.mac.unwrap().to_string();
    assert!(
        mac.len() == 40 && mac.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)),
        "{mac}"
    );
    assert_eq!(signed.content_type(), format!("application/vnd.wap.connectivity-wbxml; SEC=1; MAC={mac}"));
    for (presented, result) in [
        (Some(mac.as_str()), Ok(())),
        (Some(&mac.to_lowercase()), Ok(())),
        (Some(&mac[..39]), Err(MacError::Mismatch)),
        (Some(""), Err(MacError::Mismatch)),
        (None, Err(MacError::Missing)),
    ] {
        assert_eq!(verify(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), b"octets", presented), result);
    }
}

#[test]
fn what_a_method_needs_must_be_there() {
    let imsi: Imsi = "262011234567890".parse().unwrap();
    let pin = |text: &str| -> Pin { text.parse().unwrap() };
    let cp = |sec, imsi: Option<&Imsi>, digits: Option<&str>| {
        let pin = digits.map(pin);
        sign(PayloadKind::Cp, sec, imsi, pin.as_ref(), b"x").map(|s| s.parameters())
    };
    assert_eq!(cp(Sec::NetwPin, None, None), Err(MacError::NoImsi { sec: Sec::NetwPin }));
    assert_eq!(cp(Sec::UserPin, Some(&imsi), None), Err(MacError::NoPin { sec: Sec::UserPin }));
    assert_eq!(cp(Sec::UserNetwPin, None, Some("1234")), Err(MacError::NoImsi { sec: Sec::UserNetwPin }));
    assert_eq!(cp(Sec::UserNetwPin, Some(&imsi), None), Err(MacError::NoPin { sec: Sec::UserNetwPin }));
    assert!(matches!(cp(Sec::UserPinMac, None, Some("1234")), Err(MacError::PinLength { got: 4, .. })));
    assert!(matches!(
        cp(Sec::UserPinMac, None, Some(&"1".repeat(17))),
        Err(MacError::PinLength { got: 17, .. })
    ));
    assert_eq!(cp(Sec::UserPinMac, None, Some("12345")), Ok("SEC=3".into()));
    let dm = sign(PayloadKind::Dm, Sec::UserPinMac, None, Some(&pin("12345")), b"x");
    assert_eq!(dm.unwrap_err(), MacError::NotForDm { sec: Sec::UserPinMac });
    for wrong in ["123456789", "12345678901", "1234"] {
        let checked = verify(PayloadKind::Cp, Sec::UserPinMac, None, Some(&pin(wrong)), b"x", None);
        assert!(matches!(checked, Err(MacError::PinLength { .. })), "{wrong}");
    }
}

#[test]
fn nothing_prints_a_pin() {
    let pin: Pin = "48151623".parse().unwrap();
    let signed = sign(PayloadKind::Cp, Sec::UserPinMac, None, Some(&pin), b"x").unwrap();
    assert!(!format!("{signed:?}").contains("4815"));
    assert!(signed.user_pin.unwrap().expose().starts_with("48151623"));
}
