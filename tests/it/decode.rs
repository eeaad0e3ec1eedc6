//! Artefacts of our own, whole and broken, as somebody pastes them into a terminal: what is said of them, what is hidden, and
//! the exit status.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use bootgate::{
    ident::Imsi,
    wire::{
        Encode as _, Syntax,
        ef::packed_imsi,
        mac::Key,
        prov::{Characteristic, ProvDoc},
        sms::{Address, Dcs, Submit, UserData},
        wdp::{Ports, Reference, split},
        wsp::{Authentication, Push, Sec},
    },
};
use serde_json::Value;

const PIN: &str = "4815162342";
const IMSI: &str = "262011234567890";
const SECRET: &str = "Marked-Secret-7f3a";

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

fn decode(args: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bootgate"))
        .arg("decode")
        .args(args)
        .env_remove("BOOTGATE_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// An account with a secret in it.
fn document() -> Vec<u8> {
    let account = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "acme.dm")
        .with(
            "NAME",
            "Acme Device Management for everything that Acme makes, sells, rents out or looks after",
        )
        .with_characteristic(Characteristic::new("APPADDR").with("ADDR", "https://dm.acme.example:443/dm"))
        .with_characteristic(
            Characteristic::new("APPAUTH")
                .with("AAUTHLEVEL", "APPSRV")
                .with("AAUTHTYPE", "DIGEST")
                .with("AAUTHNAME", "490154203237518")
                .with("AAUTHSECRET", SECRET),
        );
    let document = ProvDoc { version: Some("1.1".to_owned()), characteristics: vec![account] };
    document.encode(Syntax::Wbxml).unwrap()
}

fn push(sec: Sec, key: &[&[u8]]) -> Push {
    let document = document();
    let mac = Key::new(key).sign(&document);
    Push::client_provisioning(1, Some(&Authentication { sec, mac: Some(mac) }), document)
}

/// The short messages of a push, as a modem is given them.
fn messages(push: &Push) -> Vec<String> {
    let segments = split(Ports::PUSH, Reference::Short(0x2A), 255, &push.to_octets()).unwrap();
    let to = Address::international(&"+491711234567".parse().unwrap());
    let message = |segment: bootgate::wire::wdp::Segment| {
        let user_data = UserData::octets(Dcs::DATA_CLASS_1, Some(segment.udh), segment.data).unwrap();
        format!("00{}", hex(&Submit::new(to.clone(), user_data).to_octets()))
    };
    segments.into_iter().map(message).collect()
}

#[test]
fn a_signed_push_is_followed_inwards_and_its_check_value_checked() {
    let octets = push(Sec::USERPIN, &[PIN.as_bytes()]).to_octets();
    let ran = decode(&["--pin", PIN, "-"], hex(&octets).as_bytes());
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with(&format!("WSP push, {} octets\n", octets.len())), "{}", ran.out);
    for line in [
        "0001  06                      PDU type = Push  [WAP-230 8.2.1]",
        "media type = 36: application/vnd.wap.connectivity-wbxml",
        "SEC = 1: USERPIN",
        "public identifier = 000B: -//WAPFORUM//DTD PROV 1.0//EN",
        "<parm> = PROVIDER-ID: acme.dm",
        "<parm> = AAUTHSECRET: ***",
        "USERPIN: the MAC fits; key: the PIN in ASCII",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    assert!(!ran.out.contains('\x1b'), "no colours into a pipe");

    let wrong = decode(&["--pin", "99999999", "-"], hex(&octets).as_bytes());
    assert_eq!(wrong.exit, 1);
    assert!(wrong.out.contains("USERPIN: the MAC does not fit"), "{}", wrong.out);
    let unchecked = decode(&["-"], hex(&octets).as_bytes());
    assert_eq!(unchecked.exit, 0);
    assert!(unchecked.out.contains("the MAC was not checked: give the PIN with --pin"), "{}", unchecked.out);
}

#[test]
fn the_mistakes_of_signers_are_named() {
    let imsi: Imsi = IMSI.parse().unwrap();
    let packed = packed_imsi(&imsi);
    for (sec, key, said) in [
        (Sec::NETWPIN, vec![IMSI.as_bytes()], "it was made with: the IMSI in ASCII digits"),
        (
            Sec::USERNETWPIN,
            vec![PIN.as_bytes()],
            "it was made with: the PIN in ASCII, which is the key of USERPIN",
        ),
        (
            Sec::USERNETWPIN,
            vec![PIN.as_bytes(), b":", &packed],
            "it was made with: the PIN in ASCII, a colon, the packed IMSI, which is the key of USERNETWPIN",
        ),
        (
            Sec::USERPIN,
            vec![&packed, PIN.as_bytes()],
            "it was made with: the packed IMSI, then the PIN in ASCII, which is the key of USERNETWPIN",
        ),
        (Sec::NETWPIN, vec![b"another"], "none of "),
    ] {
        let octets = push(sec, &key).to_octets();
        let ran = decode(&["--pin", PIN, "--imsi", IMSI, "--hex", "-"], hex(&octets).as_bytes());
        assert_eq!(ran.exit, 1, "{said}");
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
        assert!(!ran.out.contains(IMSI) && !ran.out.contains(PIN), "a key must not be printed");
    }
    let right = push(Sec::USERNETWPIN, &[&packed, PIN.as_bytes()]).to_octets();
    assert_eq!(decode(&["--pin", PIN, "--imsi", IMSI, "-"], hex(&right).as_bytes()).exit, 0);
}

#[test]
fn segments_come_in_any_order_out_of_a_log() {
    let messages = messages(&push(Sec::USERPIN, &[PIN.as_bytes()]));
    assert_eq!(messages.len(), 3);
    let log = |order: &[usize]| -> String {
        let line = |n: &usize| format!("2026-11-22 10:11:1{n} DEBUG: AT2[bay 0]: --> {}\n", messages[*n]);
        order.iter().map(line).collect::<String>() + "2026-11-22 10:11:19 DEBUG: done\n"
    };
    let ran = decode(&["--pin", PIN, "-"], log(&[2, 0, 1]).as_bytes());
    assert_eq!(ran.exit, 0, "{}", ran.out);
    for line in [
        "1: short message, segment 3 of 3",
        "2: short message, segment 1 of 3",
        "datagram of 3 segments with reference 2A",
        "USERPIN: the MAC fits",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    assert!(!ran.out.contains(SECRET), "{}", ran.out);

    let missing = decode(&["--pin", PIN, "-"], log(&[2, 0]).as_bytes());
    assert_eq!(missing.exit, 1);
    assert!(missing.out.contains("wrong: segment 2 of 3 with reference 2A is missing"), "{}", missing.out);
    assert!(missing.out.contains("<parm> = PROVIDER-ID: acme.dm"), "as far as it goes: {}", missing.out);
}

#[test]
fn secrets_are_hidden_until_they_are_asked_for() {
    let pushed = push(Sec::USERPIN, &[PIN.as_bytes()]);
    let mut lines = messages(&pushed).join("\n");
    lines.push('\n');
    let digits = hex(SECRET.as_bytes());
    for (args, input) in [
        (vec!["-"], hex(&document()).into_bytes()),
        (vec!["-"], document()),
        (vec!["--as", "cp", "-"], document()[..document().len() - 12].to_vec()),
        (vec!["-"], lines.into_bytes()),
        (vec!["-"], hex(&pushed.to_octets()).into_bytes()),
    ] {
        let hidden = decode(&args, &input);
        let json = decode(&[&["--format", "json"], &args[..]].concat(), &input);
        for out in [&hidden.out, &json.out] {
            assert!(!out.contains(&SECRET[..8]) && !out.contains(&digits[..16]), "{out}");
        }
        // One of these is cut within the secret.
        let shown = decode(&[&["--show-secrets"], &args[..]].concat(), &input);
        assert!(shown.out.contains(&SECRET[..8]) && !hidden.out.contains(&SECRET[..8]), "{}", shown.out);
    }
    let verify = decode(&["-"], b"00 20 00 0A 08 34 38 31 35 31 36 32 33");
    assert!(verify.out.contains("VERIFY PIN") && verify.out.contains("key 0A (ADM1)"), "{}", verify.out);
    assert!(!verify.out.contains("34 38 31") && verify.out.contains("(8 octets hidden)"), "{}", verify.out);
}

#[test]
fn json_says_where_everything_is() {
    let octets = document();
    let ran = decode(&["--format", "json", "-"], &octets);
    assert_eq!(ran.exit, 0);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["ok"], true);
    let part = &json["parts"][0];
    assert_eq!(
        (part["kind"].as_str(), part["length"].as_u64()),
        (Some("cp"), u64::try_from(octets.len()).ok())
    );
    let spans = part["spans"].as_array().unwrap();
    let mut at = 0;
    for span in spans.iter().filter(|s| s["hex"].is_string() || s["masked"] == true) {
        assert_eq!(span["offset"], at, "{span}");
        at += span["length"].as_u64().unwrap();
    }
    assert_eq!(at, u64::try_from(octets.len()).unwrap());
    assert_eq!(spans[0]["name"], "version");
    assert_eq!(spans[0]["clause"], "WAP-192 5.4");

    let broken = decode(&["--format", "json", "--as", "cp", "-"], &octets[..octets.len() - 1]);
    assert_eq!(broken.exit, 1);
    let json: Value = serde_json::from_str(&broken.out).unwrap();
    assert_eq!(json["ok"], false);
    let spans = json["parts"][0]["spans"].as_array().unwrap();
    let problem = spans.iter().find(|s| s["problem"].is_object()).unwrap();
    assert_eq!(problem["offset"], u64::try_from(octets.len() - 1).unwrap());
    assert_eq!(problem["problem"]["severity"], "wrong");
}

#[test]
fn files_of_a_card_and_answers_of_it_are_known() {
    for (input, said) in [
        (
            "61 1D 4F 0C A0 00 00 00 63 50 4B 43 53 2D 31 35 50 07 50 4B 43 53 2D 31 35 51 04 3F 00 7F 50 FF FF",
            "value = PKCS#15",
        ),
        ("A7 06 30 04 04 02 64 30 FF FF", "objects of class dataObjects"),
        (
            "A1 22 30 00 30 0E 0C 0C 44 4D 20 42 6F 6F 74 73 74 72 61 70 A1 0E 30 0C 06 04 67 2B 07 01 30 04 04 02 64 31",
            "2.23.43.7.1 (DM bootstrap)",
        ),
        (
            "62 16 82 02 41 21 83 02 64 30 8A 01 05 8B 03 6F 06 02 80 02 00 78 88 00",
            "descriptor = transparent file, shareable",
        ),
        ("98940002001234567829", "89490020002143658792"),
        ("08 29 26 10 21 43 65 87 09", "IMSI 262011234567890"),
        ("63C2", "wrong key, tries left in the last digit): 2 left"),
        ("A7 06 30 04 04 02 64 30 90 00", "status word = 9000 (done)"),
    ] {
        let ran = decode(&["-"], input.as_bytes());
        assert_eq!(ran.exit, 0, "{input}\n{}{}", ran.out, ran.err);
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
}

/// A capture as it is pasted: a request with its body as it came, and PDUs in hexadecimal digits.
#[test]
fn what_a_push_travels_in_is_followed_inwards() {
    let pushed = push(Sec::USERPIN, &[PIN.as_bytes()]);
    let mac = Key::new(&[PIN.as_bytes()]).sign(&document());
    let control = "<?xml version=\"1.0\"?><pap><push-message push-id=\"1@pi\"><address address-value=\"WAPPUSH=+491711234567/TYPE=PLMN@ppg\"/></push-message></pap>";
    let body = [
        format!("--b\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--b\r\nContent-Type: application/vnd.wap.connectivity-wbxml; SEC=1; MAC={mac}\r\n\r\n").into_bytes(),
        document(),
        b"\r\n--b--\r\n".to_vec(),
    ]
    .concat();
    let head = format!(
        "POST /pap?password=Geheim1 HTTP/1.1\r\nHost: ppg\r\nAuthorization: Basic R2VoZWltMQ==\r\nContent-Type: multipart/related; boundary=b; type=\"application/xml\"\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for (args, input, first) in [
        (vec!["--pin", PIN, "-"], [head.into_bytes(), body.clone()].concat(), "HTTP message"),
        (vec!["--pin", PIN, "--as", "pap", "-"], body.clone(), "multipart body"),
        (vec!["--pin", PIN, "-"], hex(&body).into_bytes(), "multipart body"),
    ] {
        let ran = decode(&args, &input);
        assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
        for said in [first, "number +491711234567", "<parm> = PROVIDER-ID: acme.dm", "USERPIN: the MAC fits"]
        {
            assert!(ran.out.contains(said), "{said}\n{}", ran.out);
        }
        assert!(
            !ran.out.contains("Geheim1") && !ran.out.contains("R2VoZ") && !ran.out.contains(SECRET),
            "{}",
            ran.out
        );
    }
    // A bind, then the push as three submissions, in a dump.
    let pdu = |command: u8, rest: &[u8]| {
        let length = u8::try_from(16 + rest.len()).unwrap();
        [&[0, 0, 0, length, 0, 0, 0, command, 0, 0, 0, 0, 0, 0, 0, 1], rest].concat()
    };
    let mut stream = pdu(9, b"acme\0Geheim1\0\0\x34\0\0\0");
    let parts = split(Ports::PUSH, Reference::Short(0x2A), 255, &pushed.to_octets()).unwrap();
    for part in &parts {
        let data = part.to_octets();
        let head = [
            b"\0\x02\x019876\0\x01\x01491711234567\0\x43\0\0\0\0\x01\0\xF5\0".as_slice(),
            &[u8::try_from(data.len()).unwrap()],
        ];
        stream.extend(pdu(4, &[&head.concat()[..], &data].concat()));
    }
    let dump: String = (stream.chunks(16).enumerate())
        .map(|(n, line)| {
            format!(
                "{:04x}  {}\n",
                16 * n,
                line.iter().map(|o| format!(" {o:02x}")).collect::<String>().trim()
            )
        })
        .collect();
    for input in [dump.into_bytes(), stream.clone()] {
        let ran = decode(&["--pin", PIN, "-"], &input);
        assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
        for said in
            ["password = ***", "esm_class = store and forward", "datagram of", "USERPIN: the MAC fits"]
        {
            assert!(ran.out.contains(said), "{said}\n{}", ran.out);
        }
        assert!(!ran.out.contains("Geheim1") && !ran.out.contains(&hex(b"Geheim1")), "{}", ran.out);
        let json = decode(&["--format", "json", "--pin", PIN, "-"], &input);
        let json: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((json["parts"][0]["kind"].as_str(), json["ok"].as_bool()), (Some("smpp"), Some(true)));
        assert!(!json.to_string().contains(&hex(b"Geheim1")));
    }
}

#[test]
fn what_cannot_be_explained_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artefact");
    std::fs::write(&path, document()).unwrap();
    assert_eq!(decode(&[path.to_str().unwrap()], b"").exit, 0);

    for (args, input, exit, said) in [
        (
            vec!["-"],
            "DEADBEEFDEADBEEF",
            1,
            "not recognised as anything that can be explained; say what it is with one of: sms, udh",
        ),
        (vec!["-"], "no octets in here", 1, "no hexadecimal digits of 4 octets or more in the text"),
        (vec!["-"], "", 1, "the input is empty"),
        (vec!["-"], "0106B", 1, "line 1 has an odd number of hexadecimal digits (5)"),
        (vec!["--as", "obex", "-"], "0106", 2, "not a kind of artefact; expected one of: sms"),
        (vec!["--imsi", "26201x", "-"], "0106", 2, "--imsi: "),
        (vec!["/nowhere/at/all"], "", 2, "cannot read /nowhere/at/all"),
    ] {
        let ran = decode(&args, input.as_bytes());
        assert_eq!(ran.exit, exit, "{said}\n{}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{said}\n{}", ran.err);
        assert!(!ran.err.contains("26201x"), "an IMSI must not stand in an error");
    }
}

/// A capture is no stream, and the way to one is told.
#[test]
fn what_a_capture_holds_is_asked_for() {
    let capture = [&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0][..], &[0; 16]].concat();
    let ran = decode(&["-"], &capture);
    assert_eq!(ran.exit, 1, "{}", ran.out);
    assert!(ran.err.contains("a capture of packets") && ran.err.contains("tshark -r FILE"), "{}", ran.err);
}
