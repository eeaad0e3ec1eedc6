//! What one room signs the other verifies: a payload goes over the air under every method, and the phone, which knows
//! nothing of the signer, takes it from those who have the key and from nobody else.

use std::process::{Command, Output};

use bootgate::{
    bootstrap::{
        Payload, PayloadKind,
        mac::{Sec, sign},
        push,
    },
    ident::{Imsi, Pin, Timestamp},
    lab::rehearsal::identity,
    phone::{BootstrapResult, Identity, Method, Phone, PushRefusal, PushResult},
    wire::{
        Encode as _,
        wdp::{Limits, Outcome, Ports, Reassembly, Segment},
        wsp::Push,
    },
};
use serde_json::Value;

use super::cp_and_dm_trees::{CONSUMER, IOT, payloads};

const IMSI: &str = "262011234567890";
const SECS: [Sec; 4] = [Sec::NetwPin, Sec::UserPin, Sec::UserNetwPin, Sec::UserPinMac];

fn phone(imsi: &str) -> Phone {
    let identity = identity(&"490154203237518".parse().unwrap());
    Phone::new(&Identity { imsi: Some(imsi.parse().unwrap()), ..identity }).unwrap()
}

/// The octets of the push, and what the user is told to enter; none when the kind has no such method.
fn pushed(payload: &Payload, sec: Sec) -> Option<(Vec<u8>, Option<Pin>)> {
    let imsi: Imsi = IMSI.parse().unwrap();
    let pin = "0481516".parse().unwrap();
    let signature = sign(payload.kind, sec, Some(&imsi), Some(&pin), &payload.octets).ok()?;
    Some((push(1, payload, Some(&signature)).to_octets(), signature.user_pin))
}

#[test]
fn every_method_of_both_kinds() {
    let mut held = 0;
    for payload in [CONSUMER, IOT].into_iter().flat_map(payloads) {
        for sec in SECS {
            let Some((octets, pin)) = pushed(&payload, sec) else {
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
        let bare = push(1, &payload, None);
        let refused = phone(IMSI).receive_push(&bare, &mut |_| None);
        assert_eq!(refused, PushResult::Refused { reason: PushRefusal::NoSec });
    }
    assert_eq!(held, 2 * (4 + 3));
}

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

fn bootgate(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    let Output { status, stdout, stderr } =
        command.args(args).env_remove("BOOTGATE_CONFIG").output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// `profile build` of the consumer's profile.
fn build(kind: &str, more: &[&str]) -> Ran {
    bootgate(&[&["profile", "build", PROFILE, "--as", kind, "--imei", IMEI], more].concat())
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.exit, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn take(octets: &[u8], pin: Option<&str>) -> (PushResult, Phone) {
    let pin: Option<Pin> = pin.map(|p| p.parse().unwrap());
    let mut phone = phone(IMSI);
    let result = phone.receive_push(&Push::decode(octets).unwrap(), &mut |_| pin.clone());
    (result, phone)
}

/// The command line makes the push, `decode` finds its MAC right, the phone takes it.
#[test]
fn a_push_from_the_command_line_is_taken() {
    let mut taken = 0;
    for kind in ["cp", "dm"] {
        for sec in ["netwpin", "userpin", "usernetwpin", "userpinmac"] {
            let args = ["--sec", sec, "--imsi", IMSI, "--wsp", "--format", "json"];
            let pin: &[&str] = if sec == "netwpin" { &[] } else { &["--pin", "random", "--pin-length", "9"] };
            let ran = build(kind, &[&args[..], pin].concat());
            if (kind, sec) == ("dm", "userpinmac") {
                assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
                assert!(ran.err.contains("USERPINMAC is no method of the DM bootstrap"), "{}", ran.err);
                continue;
            }
            let report = json(&ran);
            let hex = report["wsp_hex"].as_str().unwrap();
            assert_eq!(report["push"]["size"].as_u64().unwrap(), octets(hex).len() as u64);
            let header = report["push"]["header_hex"].as_str().unwrap();
            assert!(hex.starts_with(header) && header.starts_with("0106"), "{header}");
            // The DM client is named, and nobody for a document.
            let application = report["push"]["application"].as_str();
            assert_eq!(application, (kind == "dm").then_some("x-wap-application:syncml.dm"));
            let pin = report["user_pin"].as_str();
            assert_eq!(report["user_pin_drawn"], pin.is_some(), "{sec}");
            let digits = match sec {
                "netwpin" => None,
                "userpinmac" => Some(18),
                _ => Some(9),
            };
            assert_eq!(pin.map(str::len), digits, "{sec}");

            let (PushResult::Authenticated { method, bootstrap, .. }, phone) = take(&octets(hex), pin) else {
                panic!("{kind} {sec}")
            };
            assert!(matches!(bootstrap, BootstrapResult::Accepted { .. }), "{bootstrap:?}");
            assert_eq!((method.asks_for_pin(), phone.accounts().len()), (pin.is_some(), 1));
            assert!(
                matches!(take(&octets(hex), Some("9999999999")).0, PushResult::Refused { .. })
                    || sec == "netwpin"
            );

            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("push.hex");
            std::fs::write(&file, hex).unwrap();
            let mut args = vec!["decode", file.to_str().unwrap(), "--imsi", IMSI];
            args.extend(pin.iter().flat_map(|pin| ["--pin", pin]));
            let said = bootgate(&args);
            assert_eq!(said.exit, 0, "{}", said.out);
            assert!(said.out.contains("the MAC fits"), "{}", said.out);
            taken += 1;
        }
    }
    assert_eq!(taken, 4 + 3);
}

#[test]
fn segments_are_put_together_again() {
    for (width, header) in
        [("--segments", "0b05040b8423f00003070"), ("--segments=16", "0c05040b8423f008040007")]
    {
        let ran =
            build("cp", &["--imsi", IMSI, "--pin", "48151623", "--wsp", "--transaction-id", "7", width]);
        assert_eq!(ran.exit, 0, "{}", ran.err);
        assert!(ran.err.contains("transaction 07, 8 short messages"), "{}", ran.err);
        assert!(ran.out.lines().all(|line| line.starts_with(header)), "{}", ran.out);
        let mut reassembly = Reassembly::new(Limits { datagrams: 1, octets: 10_000 });
        let mut whole = None;
        for line in ran.out.lines().rev() {
            assert!(line.len() <= 2 * 140);
            let segment = Segment::decode(&octets(line)).unwrap();
            if let Outcome::Complete(datagram) = reassembly.on("", segment, Timestamp::from_millis(0)) {
                whole = Some(datagram);
            }
        }
        let whole = whole.unwrap();
        assert_eq!((whole.ports, whole.data[0]), (Some(Ports::PUSH), 7));
        let taken = take(&whole.data, Some("48151623")).0;
        assert!(matches!(taken, PushResult::Authenticated { method: Method::Both, .. }), "{taken:?}");
    }
}

/// Nothing that anybody could forge is made as a push, unless it is asked for by name.
#[test]
fn a_push_that_proves_nothing_is_refused() {
    for (more, said) in [
        (
            &[][..],
            "USERNETWPIN needs a PIN (--pin, or --pin random to have one drawn) and the IMSI of the device's card (--imsi)",
        ),
        (&["--pin", "48151623"], "USERNETWPIN needs the IMSI of the device's card (--imsi)"),
        (&["--sec", "netwpin"], "NETWPIN needs the IMSI"),
        (&["--sec", "netwpin", "--imsi", IMSI, "--pin", "random"], "NETWPIN has no PIN"),
        (&["--sec", "netwpin", "--imsi", IMSI, "--pin", "48151623"], "NETWPIN has no PIN"),
        (&["--sec", "none", "--pin", "48151623"], "method none signs nothing"),
        (
            &["--sec", "userpinmac", "--pin-length", "4"],
            "a PIN of 4 digits is none for USERPINMAC; expected 5 to 16",
        ),
        (&["--pin", "48151623", "--pin-length", "8"], "expected one of the two"),
    ] {
        let ran = build("cp", &[&["--wsp"], more].concat());
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let text = std::fs::read_to_string(PROFILE).unwrap();
    std::fs::write(&file, text.replace("[security]\nmethod = \"usernetwpin\"\n", "")).unwrap();
    let cards_only = ["profile", "build", file.to_str().unwrap(), "--as", "cp", "--imei", IMEI, "--wsp"];
    let ran = bootgate(&cards_only);
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("for a push name a method with --sec"), "{}", ran.err);

    let asked = json(&build("cp", &["--sec", "none", "--wsp", "--format", "json"]));
    let hex = asked["wsp_hex"].as_str().unwrap();
    assert!(hex.starts_with("010601b6"), "{hex}");
    assert_eq!(asked["warnings"][0]["code"], "unauthenticated");
    assert_eq!(take(&octets(hex), None).0, PushResult::Refused { reason: PushRefusal::NoSec });
}

#[test]
fn weak_choices_are_warned_of() {
    let codes = |more: &[&str]| -> Vec<String> {
        let report = json(&build("cp", &[&["--format", "json", "--imsi", IMSI], more].concat()));
        let warnings = report["warnings"].as_array().unwrap();
        warnings.iter().map(|w| w["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&["--pin", "48151623"]), [""; 0]);
    assert_eq!(codes(&["--pin", "4815"]), ["short-pin"]);
    assert_eq!(codes(&["--pin", "12345678"]), ["guessable-pin"]);
    assert_eq!(codes(&["--sec", "netwpin"]), ["netwpin-alone"]);
    assert_eq!(
        codes(&["--sec", "userpin", "--pin", "1111"]),
        ["userpin-alone", "short-pin", "guessable-pin"]
    );
    assert_eq!(codes(&["--sec", "userpinmac", "--pin", "24680"]), ["short-half", "guessable-pin"]);
    let ran = build("cp", &["--imsi", IMSI, "--pin", "4815"]);
    assert!(
        ran.err.contains("warning       a PIN of 4 digits is found from one captured message"),
        "{}",
        ran.err
    );
}

/// A profile for which no DM bootstrap can be pushed is none for a DM bootstrap, unless a card is what it is for.
#[test]
fn userpinmac_is_no_method_of_a_dm_bootstrap() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let text = std::fs::read_to_string(PROFILE).unwrap();
    std::fs::write(&file, text.replace("method = \"usernetwpin\"", "method = \"userpinmac\"")).unwrap();
    let with = |kind: &str, more: &[&str]| {
        let args = ["profile", "build", file.to_str().unwrap(), "--as", kind, "--imei", IMEI];
        bootgate(&[&args[..], more].concat())
    };
    for more in [&[][..], &["--pin", "48151623"], &["--wsp"], &["--pin-length", "8", "--wsp"]] {
        let ran = with("dm", more);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{more:?}");
        let said = "USERPINMAC is no method of the DM bootstrap; expected netwpin, userpin or usernetwpin; name another with --sec, or none for a card";
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert_eq!(with("dm", &["--sec", "none"]).exit, 0);
    assert_eq!(with("dm", &["--sec", "userpin", "--pin", "48151623", "--wsp"]).exit, 0);
    let ran = with("cp", &["--pin-length", "8", "--wsp"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.err.contains("for a push    SEC=3\n"), "{}", ran.err);
}

/// A profile that says how long a PIN is has one drawn for each payload.
#[test]
fn a_profile_has_pins_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let text = std::fs::read_to_string(PROFILE).unwrap();
    let text = text.replace("method = \"usernetwpin\"", "method = \"usernetwpin\"\npin-length = 6");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let args = ["profile", "build", file, "--as", "cp", "--imei", IMEI, "--imsi", IMSI];
    let pin = || {
        let report = json(&bootgate(&[&args[..], &["--format", "json"]].concat()));
        assert_eq!(
            (&report["warnings"][0]["code"], &report["user_pin_drawn"]),
            (&"short-pin".into(), &true.into())
        );
        report["user_pin"].as_str().unwrap().to_owned()
    };
    let pins: Vec<String> = (0..4).map(|_| pin()).collect();
    assert!(pins.iter().all(|p| p.len() == 6) && pins.iter().any(|p| *p != pins[0]), "{pins:?}");
    let ran = bootgate(&args);
    assert!(ran.err.contains("user enters   ") && ran.err.contains("told this once"), "{}", ran.err);
    assert_eq!(ran.err.matches("a PIN of 6 digits").count(), 1, "{}", ran.err);
    let check = bootgate(&["profile", "check", file]);
    assert_eq!(check.exit, 0);
    assert!(
        check.out.contains("warning: a PIN of 6 digits is found from one captured message"),
        "{}",
        check.out
    );
}
