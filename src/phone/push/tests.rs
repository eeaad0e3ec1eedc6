//! Pushes from the field and of our own making, as the phone takes or refuses them.

use super::*;
use crate::{
    ident::Imsi,
    phone::{Identity, device},
    wire::{
        Encode, Syntax,
        mac::Key,
        prov::{Characteristic, ProvDoc},
        vectors,
        wsp::{Authentication, ContentType, MediaType, ParameterCode, Text, Value},
    },
};

const IMSI: &str = "262011234567890";
/// The same, packed.
const PACKED: [u8; 8] = [0x29, 0x26, 0x10, 0x21, 0x43, 0x65, 0x87, 0x09];

fn phone_with(imsi: Option<&str>) -> Phone {
    let imsi: Option<Imsi> = imsi.map(|digits| digits.parse().unwrap());
    Phone::new(&Identity { imsi, ..device::tests::identity() }).unwrap()
}

fn document() -> Vec<u8> {
    let account = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "acme.dm")
        .with("ADDR", "http://dm.example/dm");
    ProvDoc { version: None, characteristics: vec![account] }.encode(Syntax::Wbxml).unwrap()
}

fn signed(sec: Sec, key: &[&[u8]]) -> Push {
    let mac = Key::new(key).sign(&document());
    Push::client_provisioning(1, Some(&Authentication { sec, mac: Some(mac) }), document())
}

/// Receives it with a user who enters these one after the other, and says how many were asked for.
fn receive(phone: &mut Phone, push: &Push, pins: &[&str]) -> (PushResult, usize) {
    let mut asked = 0;
    let result = phone.receive_push(push, &mut |request| {
        assert_eq!(request.tries_left, PIN_TRIES - u32::try_from(asked).unwrap());
        asked += 1;
        pins.get(asked - 1).map(|pin| pin.parse().unwrap())
    });
    (result, asked)
}

fn refusal(result: PushResult) -> PushRefusal {
    let PushResult::Refused { reason } = result else { panic!("{result:?}") };
    reason
}

/// Messages from the field with their keys; one of them has a check value that no PIN makes.
#[test]
fn the_shared_documents_with_check_values() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut authentic, mut refused, mut pins_entered) = (0, 0, 0);
    for name in vectors::names(&folder, "json") {
        let json: serde_json::Value = serde_json::from_slice(&vectors::read(&folder, &name, "json")).unwrap();
        let Some(pdu) = json["wsp_push_pdu_hex"].as_str() else { continue };
        let push = Push::decode(&vectors::hex(pdu)).unwrap();
        assert_eq!(push.body, vectors::read(&folder, &name, "wbxml"), "{name}");
        let mut phone = phone_with(json["imsi"].as_str());
        let pin = json["pin"].as_str();
        let before = phone.tree().clone();
        // Wrong twice, then right.
        let (result, asked) = receive(&mut phone, &push, &["0000000000", "99999", pin.unwrap_or("11111")]);
        if json["expect"] == "authentic" {
            let PushResult::Authenticated { method, pins, .. } = &result else {
                panic!("{name}: {result:?}")
            };
            assert_eq!(method.name(BootstrapKind::Cp), json["sec_name"].as_str().unwrap(), "{name}");
            assert_eq!(*pins, if method.asks_for_pin() { 3 } else { 0 }, "{name}");
            pins_entered += asked;
            authentic += 1;
        } else {
            assert_eq!(refusal(result), PushRefusal::WrongPin { method: "USERPIN", tries: 3 }, "{name}");
            refused += 1;
        }
        // One octet more, and nothing fits any more.
        let mut changed = push.clone();
        changed.body.push(0);
        let mut other = phone_with(json["imsi"].as_str());
        let pins = [pin.unwrap_or("11111"); 3];
        refusal(receive(&mut other, &changed, &pins).0);
        assert!(*other.tree() == before, "{name}");
    }
    assert_eq!((authentic, refused, pins_entered), (12, 1, 8 * 3));
}

/// A DM bootstrap message as it goes over the air, and the three ways in which it can be signed.
#[test]
fn the_shared_message_with_check_values() {
    let Some(folder) = vectors::folder("dm") else { return };
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&vectors::read(&folder, name, "json")).unwrap()
    };
    let wsp = json("wsp-push-boot-networkid");
    let body = vectors::read(&folder, "boot-inbox-tnds-opaque", "wbxml");
    let octets = [vectors::hex(wsp["wsp_header_hex"].as_str().unwrap()), body.clone()].concat();
    assert_eq!(octets.len(), usize::try_from(wsp["pdu_len"].as_u64().unwrap()).unwrap());
    let push = Push::decode(&octets).unwrap();
    let (result, asked) = receive(&mut phone_with(Some(IMSI)), &push, &[]);
    let PushResult::Authenticated { method: Method::Network, pins: 0, bootstrap } = result else {
        panic!("{result:?}")
    };
    assert!(matches!(bootstrap, BootstrapResult::Accepted { .. }), "{bootstrap:?}");
    assert_eq!(asked, 0);
    let other = receive(&mut phone_with(Some("262011234567891")), &push, &[]).0;
    assert_eq!(refusal(other), PushRefusal::WrongMac { method: "NETWORKID" });

    let macs = json("boot-mac");
    let mut checked = 0;
    for vector in macs["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let sec = match name {
            "networkid-imsi-semioctet" => Sec::NETWPIN,
            "userpin" => Sec::USERPIN,
            "userpin-networkid" => Sec::USERNETWPIN,
            other => panic!("{other}"),
        };
        let content_type = ContentType::new(MediaType::Code(MediaCode::SYNCML_DM_WBXML))
            .with_parameter(ParameterCode::SEC, Value::integer(u64::from(sec.0)))
            .with_parameter(
                ParameterCode::MAC,
                Value::text(Text::new(vector["mac"].as_str().unwrap()).unwrap()),
            );
        let push = Push::new(1, content_type, body.clone());
        let (result, _) = receive(&mut phone_with(Some(IMSI)), &push, &["1234"]);
        assert!(matches!(result, PushResult::Authenticated { .. }), "{name}: {result:?}");
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn every_method_has_its_own_key() {
    for (sec, right, wrong) in [
        (Sec::NETWPIN, &[&PACKED[..]][..], &[IMSI.as_bytes()][..]),
        (Sec::USERPIN, &[b"04711"], &[b"4711"]),
        (Sec::USERNETWPIN, &[&PACKED, b"04711"], &[b"04711", b":", &PACKED]),
    ] {
        let mut phone = phone_with(Some(IMSI));
        let (result, _) = receive(&mut phone, &signed(sec, wrong), &["04711"; 3]);
        refusal(result);
        assert!(phone.accounts().is_empty());
        let (result, _) = receive(&mut phone, &signed(sec, right), &["04711"]);
        assert!(matches!(result, PushResult::Authenticated { .. }), "{sec}: {result:?}");
        assert_eq!(phone.accounts().len(), 1);
    }
}

#[test]
fn a_pin_that_holds_its_check_value() {
    let push =
        Push::client_provisioning(1, Some(&Authentication { sec: Sec::USERPINMAC, mac: None }), document());
    let digits = |key: &str| -> String {
        let mac = Key::new(&[key.as_bytes()]).sign(&document());
        mac.octets().iter().take(key.len()).map(|o| char::from(b'0' + o % 10)).collect()
    };
    let pin = |key: &str| format!("{key}{}", digits(key));
    for (pins, taken) in [
        ([pin("24680"), String::from("0000"), String::from("0000")], true),
        // Four digits of key are too few; an odd number has no halves.
        ([pin("2468"), format!("{}1", pin("24680")), format!("24680{}", &digits("24681"))], false),
    ] {
        let pins: Vec<&str> = pins.iter().map(String::as_str).collect();
        let (result, _) = receive(&mut phone_with(None), &push, &pins);
        assert_eq!(matches!(result, PushResult::Authenticated { .. }), taken, "{result:?}");
    }
}

#[test]
fn the_user_has_three_tries_and_may_give_up() {
    let push = signed(Sec::USERPIN, &[b"1234"]);
    let mut phone = phone_with(None);
    let (result, asked) = receive(&mut phone, &push, &["1111", "2222", "3333", "1234"]);
    assert_eq!(refusal(result), PushRefusal::WrongPin { method: "USERPIN", tries: 3 });
    assert_eq!(asked, 3);
    let (result, _) = receive(&mut phone, &push, &["1111"]);
    assert_eq!(refusal(result), PushRefusal::NoPin { method: "USERPIN", tries: 1 });
    let (result, _) = receive(&mut phone, &push, &["1111", "2222", "1234"]);
    assert!(matches!(result, PushResult::Authenticated { pins: 3, .. }), "{result:?}");
}

#[test]
fn what_proves_nothing_is_refused_by_name() {
    let of = |sec: Option<Value>, mac: Option<&str>, media| {
        let mut content_type = ContentType::new(MediaType::Code(media));
        if let Some(sec) = sec {
            content_type = content_type.with_parameter(ParameterCode::SEC, sec);
        }
        if let Some(mac) = mac {
            content_type =
                content_type.with_parameter(ParameterCode::MAC, Value::text(Text::new(mac).unwrap()));
        }
        Push::new(1, content_type, document())
    };
    let (cp, dm) = (MediaCode::CONNECTIVITY_WBXML, MediaCode::SYNCML_DM_WBXML);
    let number = |n| Some(Value::integer(n));
    let text = |t: &str| Some(Value::text(Text::new(t).unwrap()));
    let forty = "0123456789ABCDEF0123456789ABCDEF01234567";
    for (push, said) in [
        (of(None, None, cp), "no SEC: "),
        (of(None, Some(forty), cp), "no SEC: "),
        (of(number(4), Some(forty), cp), "SEC is SEC 4; a bootstrap of this kind knows NETWPIN, "),
        (of(number(3), None, dm), "SEC is USERPINMAC; a bootstrap of this kind knows NETWORKID, "),
        (of(text("ROT13"), Some(forty), cp), "SEC is ROT13; "),
        (of(number(1), None, cp), "USERPIN needs a MAC and there is none"),
        (of(number(0), None, dm), "NETWORKID needs a MAC and there is none"),
        (of(number(0), Some("0123"), cp), "MAC has 4 characters"),
        (of(number(0), Some(&forty.replace('0', "g")), cp), "MAC has 40 characters, or not only"),
        (of(number(0), Some(forty), cp), "MAC is wrong under NETWPIN"),
        (of(text("NETWORKID"), Some(forty), dm), "MAC is wrong under NETWORKID"),
        (
            of(number(0), Some(forty), MediaCode::SYNCML_DM_XML),
            "the content type is application/vnd.syncml.dm+xml",
        ),
    ] {
        let (result, asked) = receive(&mut phone_with(Some(IMSI)), &push, &[]);
        let reason = refusal(result).to_string();
        assert!(reason.starts_with(said), "{reason}, not {said}");
        assert!(!reason.contains(IMSI) && asked == 0);
    }
    let (result, _) = receive(&mut phone_with(None), &signed(Sec::NETWPIN, &[&PACKED]), &[]);
    assert_eq!(refusal(result), PushRefusal::NoImsi { method: "NETWPIN" });
    // A phone of the kind that takes anything.
    let mut careless = phone_with(None).with_unauthenticated(Unauthenticated::Take);
    let (result, _) = receive(&mut careless, &of(None, None, cp), &[]);
    assert!(matches!(result, PushResult::Unauthenticated { .. }), "{result:?}");
    assert_eq!(careless.accounts().len(), 1);
    // Not even that one takes a check value that is wrong.
    let (result, _) = receive(&mut careless, &of(number(1), Some(forty), cp), &["1234"; 3]);
    assert_eq!(refusal(result), PushRefusal::WrongPin { method: "USERPIN", tries: 3 });
}

/// Digits in lower case, quotes, and names for numbers.
#[test]
fn other_spellings_are_read() {
    let mac = Key::new(&[&PACKED]).sign(&document()).to_string();
    for (sec, mac) in [
        (Value::text(Text::new("NETWPIN").unwrap()), mac.to_lowercase()),
        (Value::text(Text::new("0").unwrap()), format!("\"{mac}\"")),
        (Value::integer(0), format!("\"{mac}")),
    ] {
        let content_type =
            ContentType::new(MediaType::Text(Text::new("application/vnd.wap.connectivity-wbxml").unwrap()))
                .with_parameter(ParameterCode::SEC, sec)
                .with_parameter(ParameterCode::MAC, Value::text(Text::new(mac).unwrap()));
        let octets = Push::new(1, content_type, document()).to_octets();
        let (result, _) = receive(&mut phone_with(Some(IMSI)), &Push::decode(&octets).unwrap(), &[]);
        assert!(matches!(result, PushResult::Authenticated { .. }), "{result:?}");
    }
}
