//! Notifications of other servers, and of our own making, as the phone takes or refuses them.

use super::*;
use crate::{
    ident::SharedSecret,
    phone::{BootstrapKind, BootstrapResult, device, value},
    wire::{
        Encode,
        package0::Trigger,
        prov::{Characteristic, ProvDoc},
        syncml::{Alert, AlertCode, Command, Message, auth},
        vectors,
        wsp::{ApplicationCode, MediaCode, Push},
    },
};

const NONCE: &[u8] = b"nonceS1";

struct Zeros;

impl Random for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

/// A phone with accounts of these servers, each with password `srvpw` and nonce `nonceS1` of the server.
fn phone(servers: &[&str]) -> Phone {
    let auth = |level: &str, name: &str, secret: &str, nonce: &[u8]| {
        Characteristic::new("APPAUTH")
            .with("AAUTHLEVEL", level)
            .with("AAUTHTYPE", "DIGEST")
            .with("AAUTHNAME", name)
            .with("AAUTHSECRET", secret)
            .with("AAUTHDATA", value::base64_text(nonce))
    };
    let account = |server: &&str| {
        Characteristic::new("APPLICATION")
            .with("APPID", "w7")
            .with("PROVIDER-ID", *server)
            .with("ADDR", "http://dm.example/dm")
            .with_characteristic(auth("APPSRV", "dev1", "devpw", b"nonceC1"))
            .with_characteristic(auth("CLIENT", server, "srvpw", NONCE))
    };
    let document = ProvDoc { version: None, characteristics: servers.iter().map(account).collect() };
    let mut phone = Phone::new(&device::tests::identity()).unwrap();
    let result = phone.receive(BootstrapKind::Cp, &document.encode(Syntax::Wbxml).unwrap());
    assert!(matches!(result, BootstrapResult::Accepted { .. }), "{result:?}");
    phone
}

fn notification(server: &str, password: &str, nonce: &[u8]) -> Vec<u8> {
    let secret: SharedSecret = password.parse().unwrap();
    let session = SessionNumber(0x0ABC.try_into().unwrap());
    let trigger = Trigger::new(server.parse().unwrap(), session).unwrap();
    Package0::sign(trigger, &UserDigest::new(server, &secret), nonce).to_octets()
}

fn alert(body: &[u8]) -> (Message, AlertCode) {
    let message = Message::decode(Syntax::Wbxml, body).unwrap();
    let code = message.commands.iter().find_map(|c| match c {
        Command::Alert(Alert { code, .. }) => Some(*code),
        _ => None,
    });
    (message, code.unwrap())
}

/// Notifications that another server made and another client took or refused.
#[test]
fn the_shared_notifications() {
    let Some(folder) = vectors::folder("dm") else { return };
    let phone = phone(&["com.example.dm", "com.test.dm"]);
    let names: Vec<String> =
        vectors::names(&folder, "json").into_iter().filter(|n| n.starts_with("pkg0-")).collect();
    let (mut taken, mut refused, mut heads) = (0, 0, 0);
    for name in &names {
        let json: serde_json::Value = serde_json::from_slice(&vectors::read(&folder, name, "json")).unwrap();
        let text = |key: &str| json[key].as_str();
        let fields = &json["fields"];
        let Some(message) = text("message_hex") else {
            // Digest left open: the head in front of it, and what the phone reads of the trigger.
            let mut octets = vectors::hex(text("wsp_hex").unwrap());
            octets.extend([0; 16]);
            octets.extend(vectors::hex(text("trigger_hex").unwrap()));
            let push = Push::decode(&octets).unwrap();
            assert!(push.content_type.media().is(MediaCode::SYNCML_NOTIFICATION));
            assert!(push.application().unwrap().is(ApplicationCode::SYNCML_DM));
            assert_eq!(
                phone.receive_notification(&push.body, &[ZeroNonce::Octets]),
                Err(NotificationRefusal::UnknownServer {
                    server_id: fields["server_id"].as_str().unwrap().parse().unwrap()
                })
            );
            heads += 1;
            continue;
        };
        let got = phone.receive_notification(&vectors::hex(message), &[ZeroNonce::Octets]);
        if vectors::hex(text("nonce_hex").unwrap()) != NONCE {
            let server_id = text("server_id").unwrap().parse().unwrap();
            assert_eq!(got, Err(NotificationRefusal::WrongDigest { server_id }), "{name}");
            refused += 1;
            continue;
        }
        let got = got.unwrap();
        assert_eq!(got.server_id.as_str(), text("server_id").unwrap());
        assert_eq!(got.session.to_string(), fields["session_id"].as_str().unwrap());
        assert_eq!(got.ui_mode as u64, fields["ui_mode"].as_u64().unwrap());
        assert_eq!(got.initiator as u64, fields["initiator"].as_u64().unwrap());
        assert_eq!(got.zero_nonce, None);
        let mut session = phone.start_notified_session(&got, Syntax::Wbxml, &Zeros).unwrap();
        let (message, code) = alert(&session.first().unwrap().body);
        assert_eq!(code, AlertCode::SERVER_INITIATED, "{name}");
        assert_eq!(message.header.session_id, got.session.to_string(), "{name}");
        taken += 1;
    }
    assert_eq!((names.len(), taken, refused, heads), (5, 3, 1, 1));
}

#[test]
fn a_session_that_was_asked_for_says_so_and_one_that_was_not_does_not() {
    let phone = phone(&["acme.dm"]);
    let notified = phone.receive_notification(&notification("acme.dm", "srvpw", NONCE), &[]).unwrap();
    let mut session = phone.start_notified_session(&notified, Syntax::Wbxml, &Zeros).unwrap();
    let (message, code) = alert(&session.first().unwrap().body);
    assert_eq!((message.header.session_id.as_str(), code), ("ABC", AlertCode::SERVER_INITIATED));
    let digest = UserDigest::new("dev1", &"devpw".parse().unwrap());
    assert!(auth::verify_md5(&digest, b"nonceC1", &message.header.cred.unwrap().data));
    let mut own = phone.start_session(&"acme.dm".parse().unwrap(), 1, Syntax::Wbxml, &Zeros).unwrap();
    assert_eq!(alert(&own.first().unwrap().body).1, AlertCode::CLIENT_INITIATED);
}

/// Zero is tried when the stored nonce does not fit, in the forms that the phone knows, and the phone's own credentials
/// begin with it too.
#[test]
fn the_nonce_zero_brings_both_sides_together_again() {
    let phone = phone(&["acme.dm"]);
    for (sent, known, taken) in [
        (ZeroNonce::Octets, &[ZeroNonce::Octets][..], true),
        (ZeroNonce::Characters, &[ZeroNonce::Octets], false),
        (ZeroNonce::Characters, &[ZeroNonce::Octets, ZeroNonce::Characters], true),
        (ZeroNonce::Octets, &[], false),
    ] {
        let octets = notification("acme.dm", "srvpw", sent.octets());
        let got = phone.receive_notification(&octets, known);
        if !taken {
            let server_id = "acme.dm".parse().unwrap();
            assert_eq!(got, Err(NotificationRefusal::WrongDigest { server_id }), "{sent:?}");
            continue;
        }
        let notified = got.unwrap();
        assert_eq!(notified.zero_nonce, Some(sent));
        let mut session = phone.start_notified_session(&notified, Syntax::Wbxml, &Zeros).unwrap();
        let (message, _) = alert(&session.first().unwrap().body);
        let digest = UserDigest::new("dev1", &"devpw".parse().unwrap());
        assert!(auth::verify_md5(&digest, sent.octets(), &message.header.cred.unwrap().data));
    }
}

#[test]
fn each_refusal_is_named() {
    let phone = phone(&["acme.dm"]);
    let refused = |octets: &[u8]| {
        phone.receive_notification(octets, &[ZeroNonce::Octets, ZeroNonce::Characters]).unwrap_err()
    };
    let good = notification("acme.dm", "srvpw", NONCE);
    assert!(phone.receive_notification(&good, &[]).is_ok());
    let server_id: ServerId = "acme.dm".parse().unwrap();
    let wrong = NotificationRefusal::WrongDigest { server_id: server_id.clone() };
    assert_eq!(refused(&notification("acme.dm", "other", NONCE)), wrong);
    assert_eq!(refused(&notification("acme.dm", "srvpw", b"other")), wrong);
    let other = refused(&notification("beta.dm", "srvpw", NONCE));
    assert_eq!(other.to_string(), "the phone has no account of server beta.dm");
    // One bit of what is signed, and of the digest.
    for at in [0, 16 + 5, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(phone.receive_notification(&changed, &[ZeroNonce::Octets]).is_err(), "{at}");
    }
    let mut later = good.clone();
    later[16] = 0x03;
    later[17] = 0x40 | later[17] & 0x3F;
    assert_eq!(refused(&later).to_string(), "version 1.3; this phone follows 1.1 and 1.2");
    for end in 0..good.len() {
        assert!(matches!(refused(&good[..end]), NotificationRefusal::Malformed(_)), "{end}");
    }
    // An account without a secret of its server.
    let mut bare = Phone::new(&device::tests::identity()).unwrap();
    let account = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "acme.dm")
        .with("ADDR", "http://dm.example/dm");
    let document = ProvDoc { version: None, characteristics: vec![account] };
    bare.receive(BootstrapKind::Cp, &document.encode(Syntax::Wbxml).unwrap());
    assert_eq!(bare.receive_notification(&good, &[]), Err(NotificationRefusal::NoSecret { server_id }));
}
