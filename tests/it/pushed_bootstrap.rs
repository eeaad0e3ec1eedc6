//! What one room signs the other verifies: a payload goes over the air under every method, and the phone, which knows
//! nothing of the signer, takes it from those who have the key and from nobody else.

use bootgate::{
    bootstrap::{
        Payload, PayloadKind,
        mac::{Sec, sign},
    },
    ident::{Imsi, Pin},
    lab::rehearsal::identity,
    phone::{BootstrapResult, Identity, Phone, PushRefusal, PushResult},
    wire::{
        Encode as _,
        wsp::{self, Authentication, Push},
    },
};

use super::cp_and_dm_trees::{CONSUMER, IOT, payloads};

const IMSI: &str = "262011234567890";
const SECS: [Sec; 4] = [Sec::NetwPin, Sec::UserPin, Sec::UserNetwPin, Sec::UserPinMac];

fn phone(imsi: &str) -> Phone {
    let identity = identity(&"490154203237518".parse().unwrap());
    Phone::new(&Identity { imsi: Some(imsi.parse().unwrap()), ..identity }).unwrap()
}

/// The octets of the push, and what the user is told to enter; none when the kind has no such method.
fn push(payload: &Payload, sec: Sec) -> Option<(Vec<u8>, Option<Pin>)> {
    let imsi: Imsi = IMSI.parse().unwrap();
    let pin = "0481516".parse().unwrap();
    let signature = sign(payload.kind, sec, Some(&imsi), Some(&pin), &payload.octets).ok()?;
    let authentication = Authentication { sec: wsp::Sec(signature.sec as u8), mac: signature.mac };
    let push = match payload.kind {
        PayloadKind::Dm => Push::dm_bootstrap,
        _ => Push::client_provisioning,
    };
    Some((push(1, Some(&authentication), payload.octets.clone()).to_octets(), signature.user_pin))
}

#[test]
fn every_method_of_both_kinds() {
    let mut held = 0;
    for payload in [CONSUMER, IOT].into_iter().flat_map(payloads) {
        for sec in SECS {
            let Some((octets, pin)) = push(&payload, sec) else {
                assert_eq!((payload.kind, sec), (PayloadKind::Dm, Sec::UserPinMac));
                continue;
            };
            let received = Push::decode(&octets).unwrap();
            let mut right = phone(IMSI);
            let PushResult::Authenticated { bootstrap, pins, .. } =
                right.receive_push(&received, &mut |_| pin.clone())
            else {
                panic!("{} {sec:?}", payload.kind)
            };
            assert!(matches!(bootstrap, BootstrapResult::Accepted { .. }), "{bootstrap:?}");
            assert_eq!((right.accounts().len(), pins), (1, u32::from(pin.is_some())));

            // Another subscriber, another PIN, another octet.
            let mut other = phone("262011234567891");
            let refused = other.receive_push(&received, &mut |_| pin.clone());
            let by_pin_alone = matches!(sec, Sec::UserPin | Sec::UserPinMac);
            assert_eq!(matches!(refused, PushResult::Refused { .. }), !by_pin_alone, "{refused:?}");
            if pin.is_some() {
                let refused = phone(IMSI).receive_push(&received, &mut |_| Some("04815160".parse().unwrap()));
                assert!(
                    matches!(refused, PushResult::Refused { reason: PushRefusal::WrongPin { tries: 3, .. } }),
                    "{refused:?}"
                );
            }
            let mut changed = received.clone();
            *changed.body.last_mut().unwrap() ^= 1;
            let mut changed_phone = phone(IMSI);
            let refused = changed_phone.receive_push(&changed, &mut |_| pin.clone());
            assert!(matches!(refused, PushResult::Refused { .. }), "{refused:?}");
            assert!(changed_phone.accounts().is_empty());
            held += 1;
        }
        // Nothing is taken that proves nothing.
        let bare = match payload.kind {
            PayloadKind::Dm => Push::dm_bootstrap(1, None, payload.octets.clone()),
            _ => Push::client_provisioning(1, None, payload.octets.clone()),
        };
        let refused = phone(IMSI).receive_push(&bare, &mut |_| None);
        assert_eq!(refused, PushResult::Refused { reason: PushRefusal::NoSec });
    }
    assert_eq!(held, 2 * (4 + 3));
}
