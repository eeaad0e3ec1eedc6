//! Notifications that others made, and ours.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::wire::{
    vectors::{self, hex},
    wdp::{Ports, Segment},
    wsp::{ApplicationCode, Push},
};

fn session(n: u16) -> SessionNumber {
    SessionNumber(NonZeroU16::new(n).unwrap())
}

fn credential(server_id: &str, password: &str) -> UserDigest {
    UserDigest::new(server_id, &password.parse().unwrap())
}

fn check_fields(name: &str, wanted: &Json, trigger: &Trigger) {
    assert_eq!(wanted["version"], trigger.version().times_ten(), "{name}");
    assert_eq!(wanted["ui_mode"], trigger.ui_mode as u8, "{name}");
    assert_eq!(wanted["initiator"], trigger.initiator as u8, "{name}");
    assert_eq!(wanted["session_id"], trigger.session.to_string(), "{name}");
    assert_eq!(wanted["server_id_len"], trigger.server_id().as_str().len(), "{name}");
    assert_eq!(hex(wanted["vendor_hex"].as_str().unwrap_or("")), trigger.vendor, "{name}");
    assert_eq!(trigger.future(), 0, "{name}");
}

#[test]
fn shared_notifications() {
    let Some(folder) = vectors::folder("dm") else { return };
    let (mut accepted, mut refused, mut triggers) = (0, 0, 0);
    for name in vectors::names(&folder, "json").iter().filter(|n| n.starts_with("pkg0-")) {
        let case: Json = serde_json::from_slice(&vectors::read(&folder, name, "json")).unwrap();
        let octets = hex(case["trigger_hex"].as_str().unwrap());
        let trigger = Trigger::decode(&octets).unwrap();
        check_fields(name, &case["fields"], &trigger);
        assert_eq!(trigger.to_octets(), octets, "{name}: written as it came");
        for end in 0..octets.len() {
            assert!(Trigger::decode(&octets[..end]).is_err(), "{name} {end}");
        }
        let mut ours = Trigger::new(trigger.server_id().clone(), trigger.session).unwrap();
        ours.ui_mode = trigger.ui_mode;
        ours.initiator = trigger.initiator;
        assert_eq!(ours.with_version(trigger.version()), trigger, "{name}: as we build it");
        triggers += 1;

        let Some(message) = case["message_hex"].as_str().map(hex) else {
            assert_eq!(case["fields"]["server_id"], trigger.server_id().as_str());
            let udh = hex(case["udh_hex"].as_str().unwrap());
            let segment = Segment::decode(&udh).unwrap();
            let wanted = Ports::Wide { destination: 2948, originator: 49154 };
            assert_eq!(segment.udh.ports(), Some(wanted));
            let push = Push::decode(&hex(case["wsp_hex"].as_str().unwrap())).unwrap();
            assert!(push.application().unwrap().is(ApplicationCode::SYNCML_DM));
            continue;
        };
        let package0 = Package0::decode(&message).unwrap();
        assert_eq!(package0.to_octets(), message, "{name}");
        assert_eq!(package0.trigger, trigger, "{name}");
        let server_id = case["server_id"].as_str().unwrap();
        assert_eq!(server_id, trigger.server_id().as_str(), "{name}");
        let server = credential(server_id, case["password"].as_str().unwrap());
        let nonce = hex(case["nonce_hex"].as_str().unwrap());
        assert_eq!(Package0::sign(trigger, &server, &nonce), package0, "{name}");
        assert_eq!(package0.check(&server, &nonce, &[]), Fit::Nonce, "{name}");
        // What the device of these sets holds.
        let zero = [ZeroNonce::Octets, ZeroNonce::Characters];
        match package0.check(&server, b"nonceS1", &zero) {
            Fit::Nonce => accepted += 1,
            Fit::No => refused += 1,
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(package0.check(&credential(server_id, "other"), &nonce, &zero), Fit::No, "{name}");
        assert_eq!(package0.check(&credential("other", "srvpw"), &nonce, &zero), Fit::No, "{name}");
        for octet in 0..message.len() {
            let mut changed = message.clone();
            changed[octet] ^= 1;
            if let Ok(changed) = Package0::decode(&changed) {
                assert_eq!(changed.check(&server, &nonce, &zero), Fit::No, "{name} {octet}");
            }
        }
        for end in 0..message.len() {
            assert!(Package0::decode(&message[..end]).is_err(), "{name} {end}");
        }
    }
    assert_eq!((triggers, accepted, refused), (5, 3, 1));
}

/// The body of one from the field is an octet shorter than its own length says.
#[test]
fn a_server_identifier_that_was_cut_is_refused() {
    let octets =
        hex("2de46143016a29441c325fee961fe50f 02f80000009e7213 57415645434f4d2d52444d2d534552564552");
    let error = Package0::decode(&octets).unwrap_err();
    assert_eq!(error, DecodeError::Truncated { what: "server identifier", at: 42, needed: 1 });
    let trigger = Trigger::decode(&[&octets[16..], b"S"].concat()).unwrap();
    assert_eq!((trigger.ui_mode, trigger.initiator), (UiMode::UserInteraction, Initiator::Server));
    assert_eq!(trigger.session.to_string(), "9E72");
}

#[test]
fn a_session_has_the_name_that_its_header_will_have() {
    assert_eq!(session(0x0ABC).to_string(), "ABC");
    assert_eq!(session(1).to_string(), "1");
    assert_eq!(Version::V1_2.to_string(), "1.2");
    assert_eq!(Version::new(1024), None);
    let zero = hex("02D8000000000001 61");
    assert!(matches!(Trigger::decode(&zero), Err(DecodeError::Invalid { at: 5, .. })));
    for bad in ["02D8000000000100", "02D8000000000101 20", "02D8000000000101 FF"] {
        assert!(Trigger::decode(&hex(bad)).is_err(), "{bad}");
    }
    assert_eq!(
        Trigger::new("ä".repeat(128).parse().unwrap(), session(1)).unwrap_err(),
        TriggerError { got: 256 }
    );
}

#[test]
fn both_readings_of_the_zero_nonce_are_known() {
    let server = credential("acme.dm", "secret");
    let trigger = Trigger::new("acme.dm".parse().unwrap(), session(7)).unwrap();
    for form in [ZeroNonce::Octets, ZeroNonce::Characters] {
        let package0 = Package0::sign(trigger.clone(), &server, form.octets());
        let both = [ZeroNonce::Octets, ZeroNonce::Characters];
        assert_eq!(package0.check(&server, b"nonce", &both), Fit::ZeroNonce(form));
        assert_eq!(package0.check(&server, b"nonce", &[]), Fit::No);
        assert_eq!(package0.check(&server, form.octets(), &both), Fit::Nonce);
    }
}

proptest! {
    #[test]
    fn notifications_survive_a_round_trip(
        digest in any::<[u8; 16]>(),
        head in any::<[u8; 5]>(),
        number in 1u16..,
        name in "[A-Za-z0-9.:ä-ü-]{1,100}",
        vendor in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let octets = [
            &digest[..],
            &head,
            &number.to_be_bytes(),
            &[u8::try_from(name.len()).unwrap()],
            name.as_bytes(),
            &vendor,
        ]
        .concat();
        let package0 = Package0::decode(&octets).unwrap();
        prop_assert_eq!(package0.to_octets(), octets);
        prop_assert_eq!(&package0.trigger.vendor, &vendor);
        prop_assert_eq!(package0.trigger.server_id().as_str(), name);
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Package0::decode(&octets);
    }
}
