//! Pushes that others sent, and ours.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::wire::{
    ef::packed_imsi,
    mac::Key,
    vectors::{self, hex},
};

/// The sets of the shared vectors that hold no push of their own.
const NOT_WSP: [&str; 5] =
    ["pap-401", "pap-badmessage-2000", "pap-push-1001", "pap-push-2001-expired", "smpp-kannel-session"];

fn json(folder: &std::path::Path, name: &str) -> Json {
    serde_json::from_slice(&vectors::read(folder, name, "json")).unwrap()
}

/// The octets of the push in a set: alone, composed, or in the user data of its messages.
fn push_of(folder: &std::path::Path, name: &str, case: &Json) -> Option<Vec<u8>> {
    if let Some(composed) = case["wsp_composed"].as_str() {
        return Some(hex(composed));
    }
    let text = String::from_utf8(vectors::read(folder, name, "hex")).unwrap();
    let lines: Vec<Vec<u8>> = text.lines().map(hex).collect();
    match case["kind"].as_str().unwrap() {
        "wsp" => Some(lines[0].clone()),
        // The segments of these stand in order.
        "udh-segments" => {
            Some(lines.iter().flat_map(|l| l[usize::from(l[0]) + 1..].iter().copied()).collect())
        }
        // Both have a head of known length in front of the user data; the user data is counted by its length octet.
        "tpdu-deliver" => {
            let octets = &lines[0];
            let udl = usize::try_from(case["tpdu"][0]["udl"].as_u64().unwrap()).unwrap();
            let user_data = &octets[octets.len() - udl..];
            Some(user_data[usize::from(user_data[0]) + 1..].to_vec())
        }
        _ => None,
    }
}

#[test]
fn shared_pushes() {
    let Some(folder) = vectors::folder("push") else { return };
    let names = vectors::names(&folder, "json");
    assert_eq!(names.len(), 27);
    let (mut found, mut signed, mut skipped) = (0, 0, BTreeSet::new());
    for name in names {
        let case = json(&folder, &name);
        let Some(octets) = push_of(&folder, &name, &case) else {
            skipped.insert(name);
            continue;
        };
        let wanted = &case["expect"];
        let push = Push::decode(&octets).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(hex(wanted["tid"].as_str().unwrap()), [push.tid], "{name}");
        assert_eq!(hex(wanted["pdu_type"].as_str().unwrap()), [push.kind as u8], "{name}");
        assert_eq!(wanted["body_length"], push.body.len(), "{name}");
        assert_eq!(wanted["wsp_length"], octets.len(), "{name}");
        assert_eq!(push.to_octets(), octets, "{name}: written as it came");
        let headers = hex(wanted["headers_hex"].as_str().unwrap());
        assert_eq!(wanted["headers_length"], headers.len(), "{name}");
        let body_at = octets.len() - push.body.len();
        assert_eq!(octets[body_at - headers.len()..body_at], headers, "{name}");

        let fields = &case["checks"]["tshark"]["fields"];
        if let Some(media) = fields["wsp.header.content_type"].as_str() {
            assert_eq!(push.content_type.media().name(), Some(media), "{name}");
        }
        if let Some(application) = fields["wsp.header.x_wap_application_id"].as_str() {
            assert_eq!(push.application().unwrap().uri(), application, "{name}");
        }
        if let Some(length) = fields["wsp.header.content_length"].as_str() {
            let value = push.field(FieldCode::CONTENT_LENGTH).unwrap();
            assert_eq!(value.as_integer(), length.parse().ok(), "{name}");
        }
        if fields["wsp.header.push_flag"].is_string() {
            assert_eq!(push.push_flag(), Some(PushFlag(0x06)), "{name}");
        }
        signed += check_mac(&name, wanted, &push);
        every_truncation(&octets, body_at);
        found += 1;
    }
    assert_eq!((found, signed), (22, 9));
    assert_eq!(skipped, NOT_WSP.map(str::to_owned).into());
}

/// Checks SEC and MAC against the key that a set names; how many were checked.
fn check_mac(name: &str, wanted: &Json, push: &Push) -> usize {
    let Some(sec) = wanted["sec"].as_u64() else {
        assert_eq!(push.presented(), None, "{name}");
        return 0;
    };
    let presented = push.presented().unwrap();
    assert_eq!(presented.sec.map(|s| u64::from(s.0)), Some(sec), "{name}");
    assert_eq!(presented.mac.as_deref(), wanted["mac"].as_str(), "{name}");
    let Some(mac) = presented.mac else { return 0 };
    let key = hex(wanted["mac_key"]["key_hex"].as_str().unwrap());
    let fits = Key::new(&[&key]).sign(&push.body).matches(&mac);
    assert_eq!(wanted["mac_ok"].as_bool(), Some(fits), "{name}");
    match wanted["mac_key"]["type"].as_str().unwrap() {
        "imsi-bcd" => {
            let imsi = wanted["mac_key"]["value"].as_str().unwrap().parse().unwrap();
            assert_eq!(packed_imsi(&imsi), key, "{name}");
        }
        _ => assert_eq!(wanted["mac_key"]["value"].as_str().unwrap().as_bytes(), key, "{name}"),
    }
    1
}

/// Within the headers a cut is an error, within the body a shorter body.
fn every_truncation(octets: &[u8], body_at: usize) {
    for end in 0..octets.len() {
        let cut = Push::decode(&octets[..end]);
        assert_eq!(cut.is_ok(), end >= body_at, "{end}");
    }
}

/// MACs of the provisioning documents of the shared vectors, and the whole push where one stands with them.
#[test]
fn shared_provisioning_pushes() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut macs, mut pushes) = (0, 0);
    for name in vectors::names(&folder, "json") {
        let case = json(&folder, &name);
        let Some(sec) = case["sec"].as_u64().and_then(|n| u8::try_from(n).ok()).map(Sec) else { continue };
        let document = vectors::read(&folder, &name, "wbxml");
        let key = hex(case["hmac_key_hex"].as_str().unwrap());
        let mac = Key::new(&[&key]).sign(&document);
        assert_eq!(hex(case["hmac_sha1_hex"].as_str().unwrap()), mac.octets(), "{name}");
        macs += 1;
        let Some(pdu) = case["wsp_push_pdu_hex"].as_str().map(hex) else { continue };
        let push = Push::decode(&pdu).unwrap();
        assert_eq!(push.to_octets(), pdu, "{name}");
        assert_eq!(push.body, document, "{name}");
        let presented = push.presented().unwrap();
        assert_eq!(
            presented,
            Presented { sec: Some(sec), mac: case["mac_text"].as_str().map(str::to_owned) }
        );
        if case["expect"] == "authentic" {
            let authentication = Authentication { sec, mac: presented.mac.map(|_| mac) };
            let ours = Push::client_provisioning(push.tid, Some(&authentication), document);
            assert_eq!(ours.to_octets(), pdu, "{name}: as we build it");
        }
        pushes += 1;
    }
    assert_eq!((macs, pushes), (13, 13));
}

#[test]
fn shared_dm_pushes() {
    let Some(folder) = vectors::folder("dm") else { return };
    let case = json(&folder, "wsp-push-boot-networkid");
    let body = vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
    let macs = json(&folder, "boot-mac");
    let macs = macs["vectors"].as_array().unwrap();
    assert_eq!(macs.len(), 3);
    for vector in macs {
        let key = hex(vector["key_hex"].as_str().unwrap());
        assert_eq!(Key::new(&[&key]).sign(&body).to_string(), vector["mac"].as_str().unwrap());
    }
    let imsi = "262011234567890".parse().unwrap();
    let mac = Key::new(&[&packed_imsi(&imsi)]).sign(&body);
    let push =
        Push::dm_bootstrap(1, Some(&Authentication { sec: Sec::NETWPIN, mac: Some(mac) }), body.clone());
    let octets = push.to_octets();
    assert_eq!(case["pdu_len"], octets.len());
    assert_eq!(octets[..octets.len() - body.len()], hex(case["wsp_header_hex"].as_str().unwrap()));
    assert_eq!(Push::decode(&octets).unwrap(), push);

    let case = json(&folder, "pkg0-spec-example-header");
    let octets = Push::notification(1, vec![]).to_octets();
    assert_eq!(octets, hex(case["wsp_hex"].as_str().unwrap()));
}

#[test]
fn a_signed_document_has_the_form_that_devices_read() {
    let mac = Key::new(&[b"1234"]).sign(b"\x03\x0B\x6A");
    let push = Push::client_provisioning(
        1,
        Some(&Authentication { sec: Sec::USERPIN, mac: Some(mac) }),
        b"\x03\x0B\x6A".to_vec(),
    );
    let mut wanted = hex("01062F 1F2D B6 9181 92");
    wanted.extend_from_slice(mac.to_string().as_bytes());
    wanted.extend_from_slice(&hex("00 030B6A"));
    assert_eq!(push.to_octets(), wanted);

    let without_mac =
        Push::client_provisioning(1, Some(&Authentication { sec: Sec::USERPINMAC, mac: None }), vec![]);
    assert_eq!(without_mac.to_octets(), hex("010605 1F03B69183"));
    assert_eq!(without_mac.presented(), Some(Presented { sec: Some(Sec::USERPINMAC), mac: None }));
    assert_eq!(Push::client_provisioning(1, None, vec![]).to_octets(), hex("010601B6"));
}

#[test]
fn content_types_come_in_every_form() {
    for (headers, media, form, parameters) in [
        ("B6", "application/vnd.wap.connectivity-wbxml", ContentForm::Constrained, 0),
        ("01C4", "application/vnd.syncml.notification", ContentForm::General, 0),
        ("03AE81EA", "application/vnd.wap.sic", ContentForm::General, 1),
        ("1F03B69183", "application/vnd.wap.connectivity-wbxml", ContentForm::GeneralQuoted, 1),
        ("03 02030A", "application/vnd.wap.emn+wbxml", ContentForm::General, 0),
        ("746578742F706C61696E00", "text/plain", ContentForm::Constrained, 0),
        ("0D 746578742F706C61696E00 81EA", "text/plain", ContentForm::General, 1),
        ("06 B6 53454300 81", "application/vnd.wap.connectivity-wbxml", ContentForm::General, 1),
    ] {
        let octets = [hex("0106"), vec![u8::try_from(hex(headers).len()).unwrap()], hex(headers)].concat();
        let push = Push::decode(&octets).unwrap_or_else(|e| panic!("{headers}: {e}"));
        assert_eq!(push.content_type.media().name(), Some(media));
        assert_eq!(push.content_type.form(), form);
        assert_eq!(push.content_type.parameters().len(), parameters, "{headers}");
        assert_eq!(push.to_octets(), octets);
    }
    let long = ContentType::new(MediaType::Code(MediaCode(0x030A)));
    assert_eq!(long.to_octets(), hex("03 02 030A"));
    let named = ContentType::new(MediaType::Text(Text::new("Text/VND.wap.si").unwrap()));
    assert!(named.media().is(MediaCode(0x2D)) && !named.media().is(MediaCode::SIC));
}

#[test]
fn a_mac_may_be_quoted_and_sec_may_be_text() {
    let push = Push::decode(&hex("0106 0C 0B B6 53454300 3200 92224600")).unwrap();
    assert_eq!(
        push.presented(),
        Some(Presented { sec: Some(Sec::USERNETWPIN), mac: Some("F".to_owned()) }),
        "{push:?}"
    );
}

#[test]
fn hostile_lengths_fail_cleanly() {
    for bad in [
        "",
        "01",
        "0106",
        "010600",                           // no content type
        "0105 01B6",                        // another PDU
        "0106 8FFFFFFF7F B6",               // headers of 4 GiB
        "0106 9FFFFFFF7F B6",               // a uintvar of 33 bits
        "0106 808080808080 B6",             // one of six octets
        "0106 02B6",                        // headers longer than the PDU
        "0106 06 1F8FFFFFFF7F",             // content type of 4 GiB
        "0106 02 1FB6",                     // a length that is none
        "0106 02 05B6",                     // content type longer than the headers
        "0106 01 1E",                       //
        "0106 01 41",                       // text without end
        "0106 03 B6AF1E",                   // value longer than the headers
        "0106 02 B600",                     // no field
        "0106 02 B67F",                     // no page
        "0106 04 03 B6 80 05",              // Q
        "0106 05 04 B6 917F00",             // quote without text
        "0106 05 B6 C3 7F 0100",            // quote before a control character
        "0106 0B 0A 09 FFFFFFFFFFFFFFFFFF", // a number of nine octets
    ] {
        assert!(Push::decode(&hex(bad)).is_err(), "{bad}");
    }
    let many = [hex("0106 8101 B6"), [0x8D, 0x80].repeat(64)].concat();
    assert!(Push::decode(&many).is_ok());
    let many = [hex("0106 8103 B6"), [0x8D, 0x80].repeat(65)].concat();
    assert!(matches!(Push::decode(&many), Err(DecodeError::Limit { at: 133, got: 65, .. })));
    let many = [hex("0106 23 1F21 B6"), [0x91, 0x81].repeat(16)].concat();
    assert!(Push::decode(&many).is_ok());
    let many = [hex("0106 25 1F23 B6"), [0x91, 0x81].repeat(17)].concat();
    assert!(matches!(Push::decode(&many), Err(DecodeError::Limit { at: 38, got: 17, .. })));
}

#[test]
fn fields_behind_a_page_switch_are_other_fields() {
    let push = Push::decode(&hex("0106 0B B6 7F20 AF87 01 AF84 02 8D85")).unwrap();
    assert_eq!(push.application(), Some(ApplicationId::Code(ApplicationCode::MMS_UA)));
    assert_eq!(push.field(FieldCode::CONTENT_LENGTH), None);
    assert!(push.application().unwrap().is(ApplicationCode::MMS_UA));
    let named = ApplicationId::Uri("x-wap-application:SyncML.DM".to_owned());
    assert!(named.is(ApplicationCode::SYNCML_DM) && !named.is(ApplicationCode::WML_UA));
    assert!(ApplicationId::Uri("wml.ua".to_owned()).is(ApplicationCode::WML_UA));
    assert!(ApplicationId::Uri("x-oma-application:ulp.ua".to_owned()).is(ApplicationCode(0x10)));
}

#[test]
fn debug_hides_the_body() {
    let push = Push::client_provisioning(1, None, b"secret".to_vec());
    let shown = format!("{push:?}");
    assert!(shown.contains("6 octets") && !shown.contains("115"), "{shown}");
}

fn any_text() -> impl Strategy<Value = Text> {
    proptest::collection::vec(1u8.., 1..24).prop_filter_map("a text", |octets| Text::new(octets).ok())
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::integer),
        (0u64..200).prop_map(Value::integer),
        any_text().prop_map(Value::text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::octets),
    ]
}

fn any_media() -> impl Strategy<Value = MediaType> {
    prop_oneof![
        any::<u32>().prop_map(|n| MediaType::Code(MediaCode(n))),
        (0u32..0x80).prop_map(|n| MediaType::Code(MediaCode(n))),
        any_text().prop_map(MediaType::Text),
    ]
}

fn any_content_type() -> impl Strategy<Value = ContentType> {
    let parameter = (1u32..0x200, any_value());
    (any_media(), proptest::collection::vec(parameter, 0..6), any::<bool>()).prop_map(
        |(media, parameters, quoted)| {
            let plain = ContentType::new(media);
            let with = parameters
                .into_iter()
                .fold(plain, |c, (code, value)| c.with_parameter(ParameterCode(code), value));
            if quoted { with.with_quoted_length() } else { with }
        },
    )
}

fn any_field() -> impl Strategy<Value = Field> {
    prop_oneof![
        (0u8..0x80, any_value()).prop_map(|(n, value)| Field::known(FieldCode::new(n).unwrap(), value)),
        ("[!-~]{1,12}", any_value())
            .prop_map(|(name, value)| Field::Named { name: Token::new(&name).unwrap(), value }),
        any::<u8>().prop_map(Field::Page),
    ]
}

proptest! {
    #[test]
    fn pushes_survive_a_round_trip(
        tid in any::<u8>(),
        confirmed in any::<bool>(),
        content_type in any_content_type(),
        fields in proptest::collection::vec(any_field(), 0..8),
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let kind = if confirmed { PushKind::ConfirmedPush } else { PushKind::Push };
        let push = Push { tid, kind, content_type, fields, body };
        let mut out = vec![0xA5];
        push.encode(&mut out);
        let octets = &out[1..];
        prop_assert_eq!(&Push::decode(octets).unwrap(), &push);
        for end in 0..octets.len() - push.body.len() {
            prop_assert!(Push::decode(&octets[..end]).is_err());
        }
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Push::decode(&octets);
        let _ = Push::decode(&[&[1, 6, 40][..], &octets].concat());
    }
}
