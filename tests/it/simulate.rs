//! `decode --simulate`: what a phone makes of an artefact, with its reason, and the tree that it leaves.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use base64::Engine as _;
use bootgate::wire::{
    Encode as _,
    wdp::{Ports, Reference, split},
    wsp::Push,
};
use serde_json::Value;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMSI: &str = "262011234567890";
const PIN: &str = "48151623";

fn bootgate(args: &[&str], input: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(args).env_remove("BOOTGATE_CONFIG").stdin(Stdio::piped());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert!(ran.stderr.is_empty() || args[0] == "profile", "{}", String::from_utf8_lossy(&ran.stderr));
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

/// A payload as hexadecimal lines.
fn built(args: &[&str]) -> String {
    let numbers = ["--imei", "490154203237518", "--imsi", IMSI];
    let (exit, out) = bootgate(&[&["profile", "build", PROFILE], &numbers[..], args].concat(), "");
    assert_eq!(exit, 0, "{out}");
    out
}

fn simulate(input: &str, args: &[&str]) -> (i32, String) {
    bootgate(&[&["decode", "--hex", "--simulate", "-"], args].concat(), input)
}

fn json(input: &str, args: &[&str]) -> (i32, Value) {
    let (exit, out) = simulate(input, &[args, &["--format", "json"]].concat());
    (exit, serde_json::from_str(&out).unwrap())
}

/// The reasons of the steps, and whether each was accepted.
fn steps(shown: &Value) -> Vec<(bool, String)> {
    let steps = shown["simulation"]["steps"].as_array().unwrap();
    steps.iter().map(|s| (s["accepted"] == true, s["why"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_push_that_proves_itself_is_taken_and_its_tree_is_shown() {
    for kind in ["cp", "dm"] {
        let push = built(&["--as", kind, "--sec", "usernetwpin", "--pin", PIN, "--wsp"]);
        let (exit, out) = simulate(&push, &["--pin", PIN, "--imsi", IMSI]);
        assert_eq!(exit, 0, "{out}");
        let method = if kind == "cp" { "USERNETWPIN" } else { "USERPIN_NETWORKID" };
        let taken = format!("pushed bootstrap: accepted: proved by {method}, the user entered the PIN");
        for line in ["On a phone", taken.as_str(), "account acme.dm", "AAuthSecret"] {
            assert!(out.contains(line), "{line}\n{out}");
        }
        let (exit, shown) = json(&push, &["--pin", PIN, "--imsi", IMSI]);
        assert_eq!((exit, shown["simulation"]["accepted"].as_bool()), (0, Some(true)));
        assert_eq!(shown["simulation"]["accounts"][0]["server_id"], "acme.dm");
        let leaves = shown["simulation"]["tree"].as_array().unwrap();
        let secrets: Vec<_> =
            leaves.iter().filter(|l| l["uri"].as_str().unwrap().ends_with("AAuthSecret")).collect();
        assert!(!secrets.is_empty() && secrets.iter().all(|l| l["value"] == "***"), "{secrets:?}");
    }
}

#[test]
fn each_refusal_has_its_reason_and_what_is_missing() {
    let push = built(&["--as", "cp", "--sec", "userpin", "--pin", PIN, "--wsp"]);
    for (args, why) in [(&["--pin", "11112222"][..], "none of 3 PINs fits"), (&[], "--pin")] {
        let (exit, shown) = json(&push, args);
        let steps = steps(&shown);
        assert_eq!((exit, steps.len(), steps[0].0), (1, 1, false), "{steps:?}");
        assert!(steps[0].1.contains(why), "{steps:?}");
        assert_eq!(shown["simulation"]["accounts"].as_array().unwrap().len(), 0);
    }
    let network = built(&["--as", "cp", "--sec", "netwpin", "--wsp"]);
    let (exit, shown) = json(&network, &[]);
    assert_eq!(exit, 1);
    assert!(steps(&shown)[0].1.contains("--imsi"), "{shown}");
    let open = built(&["--as", "cp", "--sec", "none", "--wsp"]);
    let (exit, shown) = json(&open, &["--pin", PIN, "--imsi", IMSI]);
    assert_eq!(exit, 1);
    assert!(steps(&shown)[0].1.contains("no SEC"), "{shown}");
    // Something that no phone is sent.
    let (exit, shown) = json("00A4000C023F00", &[]);
    assert_eq!((exit, steps(&shown)[0].0), (1, false));
}

#[test]
fn one_phone_gets_them_all_in_order() {
    // A document, and another one of the same provisioning context.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profile.toml");
    let text = std::fs::read_to_string(PROFILE).unwrap();
    std::fs::write(&file, text.replacen("# prov-url", "prov-url", 1)).unwrap();
    let document = || {
        let build = ["profile", "build", file.to_str().unwrap(), "--as", "cp", "--imei", "490154203237518"];
        bootgate(&build, "").1
    };
    let (one, two) = (document(), document());
    let (exit, shown) = json(&format!("{}\n{}\n", one.trim(), two.trim()), &[]);
    let both = steps(&shown);
    assert_eq!((exit, both.len(), both[0].0, both[1].0), (1, 2, true, false), "{both:?}");
    assert!(both[1].1.contains("bootstrapped for the provisioning server"), "{both:?}");
}

#[test]
fn short_messages_are_put_together_in_any_order() {
    let lines = built(&["--as", "cp", "--sec", "userpin", "--pin", PIN, "--wsp", "--segments"]);
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.reverse();
    let (exit, shown) = json(&lines.join("\n"), &["--pin", PIN]);
    assert_eq!((exit, steps(&shown).len(), steps(&shown)[0].0), (0, 1, true), "{shown}");
    let (exit, shown) = json(&lines[1..].join("\n"), &["--pin", PIN]);
    let why = steps(&shown);
    assert_eq!((exit, why[0].0), (1, false));
    assert!(why[0].1.contains("never came"), "{why:?}");
}

/// A document that a person has as XML is explained with its places and reaches the phone all the same.
#[test]
fn xml_is_explained_and_reaches_the_phone() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["cp", "dm"] {
        let file = folder.path().join(format!("{kind}.xml"));
        let numbers = ["--imei", "490154203237518", "--as", kind, "--xml", "-o", file.to_str().unwrap()];
        assert_eq!(bootgate(&[&["profile", "build", PROFILE], &numbers[..]].concat(), "").0, 0);
        let (exit, out) = bootgate(&["decode", "--simulate", file.to_str().unwrap()], "");
        assert_eq!(exit, 0, "{out}");
        for words in ["(XML)", "line 2, column", "accepted: ", "ServerID = acme.dm", "AAuthSecret = ***"] {
            assert!(out.contains(words), "{words}\n{out}");
        }
        // The same with an end tag lost.
        let text = std::fs::read_to_string(&file).unwrap();
        let end = text.rfind("</").unwrap();
        std::fs::write(&file, &text[..end]).unwrap();
        let (exit, shown) =
            bootgate(&["decode", "--simulate", "--format", "json", file.to_str().unwrap()], "");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let spans = shown["parts"][0]["spans"].as_array().unwrap();
        let wrong: Vec<&Value> = spans.iter().filter(|s| !s["problem"].is_null()).collect();
        assert_eq!((exit, wrong.len(), steps(&shown)[0].0), (1, 1, false), "{wrong:?}");
        assert!(wrong[0]["problem"]["text"].as_str().unwrap().ends_with("is missing"), "{wrong:?}");
        assert!(wrong[0]["place"]["line"].is_number(), "{wrong:?}");
    }
}

/// A signed push, as it is on the air.
fn signed_push() -> Vec<u8> {
    let digits = built(&["--as", "cp", "--sec", "userpin", "--pin", PIN, "--wsp"]);
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// The body of a PAP push, as an initiator posts it.
fn pap(content_type: &str, coding: &str, content: &[u8]) -> Vec<u8> {
    let control = "<?xml version=\"1.0\"?><pap><push-message push-id=\"1@pi\"><address \
                   address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg\"/></push-message></pap>";
    let head = format!(
        "--b42\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--b42\r\nContent-Type: {content_type}\r\n{coding}\r\n"
    );
    [head.as_bytes(), content, b"\r\n--b42--\r\n"].concat()
}

/// What a program posts to a gateway reaches the phone, as a body, as a request, and coded.
#[test]
fn the_content_of_a_pap_push_reaches_the_phone() {
    let push = Push::decode(&signed_push()).unwrap();
    let mac = push.presented().unwrap().mac.unwrap();
    let kind = format!("application/vnd.wap.connectivity-wbxml; SEC=1; MAC={mac}");
    let coded = base64::engine::general_purpose::STANDARD.encode(&push.body);
    let bodies =
        [pap(&kind, "", &push.body), pap(&kind, "Content-Transfer-Encoding: base64\r\n", coded.as_bytes())];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push.mime");
    let simulate = |octets: &[u8], pin: &str| {
        std::fs::write(&file, octets).unwrap();
        let args = ["decode", "--simulate", "--format", "json", "--pin", pin, file.to_str().unwrap()];
        let (exit, out) = bootgate(&args, "");
        (exit, serde_json::from_str::<Value>(&out).unwrap())
    };
    for body in bodies {
        let request = format!(
            "POST /pap HTTP/1.1\r\nHost: ppg\r\nContent-Type: multipart/related; boundary=b42; type=\"application/xml\"\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        for octets in [body.clone(), [request.as_bytes(), &body].concat()] {
            let (exit, shown) = simulate(&octets, PIN);
            assert_eq!((exit, steps(&shown).len()), (0, 1), "{shown}");
            assert_eq!(shown["simulation"]["accounts"][0]["server_id"], "acme.dm");
            let (exit, shown) = simulate(&octets, "11112222");
            assert!(exit == 1 && steps(&shown)[0].1.contains("none of 3 PINs fits"), "{shown}");
        }
    }
    // No gateway could make a push of this, and a control entity alone is for no device.
    let (exit, shown) = simulate(&pap("application/vnd.wap.connectivity-wbxml; SEC=9", "", &push.body), PIN);
    assert!(exit == 1 && steps(&shown)[0].1.contains("no gateway can push this"), "{shown}");
    let (exit, shown) = simulate(b"<pap><statusquery-message push-id=\"1\"/></pap>", PIN);
    assert!(exit == 1 && steps(&shown)[0].1.starts_with("nothing in it is for a device"), "{shown}");
}

/// A PDU with its header.
fn pdu(command: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    [[length, command, 0, sequence].map(u32::to_be_bytes).concat(), body.to_vec()].concat()
}

/// A submit_sm from 9876 to 491711234567.
fn submit(sequence: u32, esm_class: u8, coding: u8, message: &[u8], optional: &[u8]) -> Vec<u8> {
    let addresses = b"\0\x02\x019876\0\x01\x01491711234567\0";
    let fields = [esm_class, 0, 0, 0, 0, 1, 0, coding, 0, u8::try_from(message.len()).unwrap()];
    pdu(4, sequence, &[addresses, &fields[..], message, optional].concat())
}

/// A capture of a link: segments by header and by parameters, answers and receipts between them, in one piece and as lines.
#[test]
fn the_short_messages_of_an_smpp_capture_reach_the_phone() {
    let push = signed_push();
    let segments = split(Ports::PUSH, Reference::Short(7), 255, &push).unwrap();
    let by_header = segments.iter().map(|s| submit(1, 0x40, 0xF5, &s.to_octets(), b""));
    let total = u8::try_from(segments.len()).unwrap();
    let by_parameters = (1..).zip(&segments).map(|(n, s)| {
        let ports = [0x02, 0x0A, 0, 2, 0x23, 0xF0, 0x02, 0x0B, 0, 2, 0x0B, 0x84];
        let sar = [0x02, 0x0C, 0, 2, 0, 7, 0x02, 0x0E, 0, 1, total, 0x02, 0x0F, 0, 1, n];
        submit(1, 0, 4, &s.data, &[&ports[..], &sar].concat())
    });
    let payload = {
        let length = u16::try_from(push.len()).unwrap().to_be_bytes();
        let ports = [0x02, 0x0A, 0, 2, 0x23, 0xF0, 0x02, 0x0B, 0, 2, 0x0B, 0x84, 0x04, 0x24];
        submit(1, 0, 4, b"", &[&ports[..], &length, &push].concat())
    };
    let answer = pdu(0x8000_0004, 1, b"m1\0");
    let receipt = {
        let addresses = b"\0\x01\x01491711234567\0\x02\x019876\0";
        let text = b"id:m1 stat:DELIVRD err:000";
        let fields = [4, 0, 0, 0, 0, 0, 0, 0, 0, u8::try_from(text.len()).unwrap()];
        pdu(5, 9, &[addresses, &fields[..], text].concat())
    };
    for pdus in [by_header.collect::<Vec<_>>(), by_parameters.collect(), vec![payload]] {
        let mut lines = Vec::new();
        for pdu in pdus.iter().rev() {
            lines.extend([hex(pdu), hex(&answer)]);
        }
        lines.push(hex(&receipt));
        for input in [lines.join("\n"), lines.concat()] {
            let (exit, shown) = json(&input, &["--pin", PIN]);
            assert_eq!((exit, steps(&shown).len(), steps(&shown)[0].0), (0, 1, true), "{shown}");
        }
        if pdus.len() > 1 {
            let (exit, shown) = json(&lines[2..].join("\n"), &["--pin", PIN]);
            let why = steps(&shown);
            assert!(exit == 1 && why[0].1.contains("never came"), "{why:?}");
        }
    }
    // Text is for the user, and answers are for nobody.
    for (pdu, why) in [
        (submit(1, 0, 0, b"hello", b""), "text: the phone shows it to its user"),
        (submit(1, 0, 4, &push[..100], b""), "neither a user data header nor ports"),
        (answer, "nothing in it is for a device"),
    ] {
        let (exit, shown) = json(&hex(&pdu), &[]);
        assert!(exit == 1 && steps(&shown)[0].1.starts_with(why), "{shown}");
    }
}
