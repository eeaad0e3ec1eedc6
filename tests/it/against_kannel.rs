//! Kannel as the operator has it: its Push Proxy Gateway, which loses what authenticates a bootstrap and is therefore not
//! handed one; and its sendsms, which carries all of it to the SMSC octet by octet.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use bootgate::{
    bootstrap::{
        Payload, PayloadKind,
        mac::{self, Sec},
        push,
    },
    wire::{Decode as _, Encode as _, Reader, wdp::Udh, wsp::Push},
};

use super::peers::{
    Process,
    kannel::{Got, Kannel},
};

const NUMBER: &str = "358401234567";
const PIN: &str = "48151623";

pub(super) struct Ran {
    pub(super) exit: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// bootgate in Kannel's network.
pub(super) fn bootgate(kannel: &Kannel, folder: &Path, args: &[&str]) -> Ran {
    let mut command: Command = kannel.inside(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(args).current_dir(folder).env_remove("BOOTGATE_CONFIG");
    command
        .env("PW", "ota")
        .env("PPG_PW", "bar")
        .env("WRONG", "x")
        .env("PIN", PIN)
        .env("BOOTGATE_LOG", "trace");
    let done = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    let ran = Ran { exit: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) };
    assert!(!ran.err.contains(PIN) && !ran.out.contains(PIN), "{}{}", ran.out, ran.err);
    ran
}

/// The push that segments carry, which came in order.
pub(super) fn joined(got: &[Got]) -> Vec<u8> {
    for (n, segment) in (1..).zip(got) {
        let udh = Udh::decode(&mut Reader::new(&segment.udh)).unwrap();
        assert_eq!(udh.ports(), Some(bootgate::wire::wdp::Ports::PUSH));
        let part = udh.concatenation().map_or((1, 1), |c| (c.sequence(), usize::from(c.total())));
        assert_eq!(part, (n, got.len()));
        assert!(segment.udh.len() + segment.data.len() <= 140);
        assert_eq!((segment.from.as_str(), segment.to.as_str()), ("9876", "+358401234567"));
    }
    got.iter().flat_map(|segment| segment.data.clone()).collect()
}

#[test]
fn kannel_carries_what_it_can_and_is_not_handed_what_it_would_lose() {
    let kannel = Kannel::start();
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| bootgate(&kannel, folder.path(), args);
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let built = run(&[
        "profile",
        "build",
        profile,
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--sec",
        "none",
        "-o",
        "cp.wbxml",
    ]);
    assert_eq!(built.exit, 0, "{}", built.err);
    let document = std::fs::read(folder.path().join("cp.wbxml")).unwrap();
    let payload = Payload { kind: PayloadKind::Cp, octets: document, losses: Vec::new() };
    let pin = PIN.parse().unwrap();
    let signature = mac::sign(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), &payload.octets).unwrap();
    let signed = ["--to", NUMBER, "--file", "cp.wbxml", "--sec", "userpin", "--pin", "env:PIN"];

    // By sendsms: every octet is ours, and every segment has its receipt.
    let sendsms = ["push", "send", "--sendsms", Kannel::SENDSMS, "--user", "ota", "--password", "env:PW"];
    let wait = ["--wait", "--listen", "127.0.0.1:0", "--timeout", "20s", "--format", "json"];
    let ran = run(&[&sendsms[..], &signed, &wait].concat());
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let got = kannel.got();
    assert!(got.len() > 3, "{got:?}");
    assert_eq!(report["short_messages"], got.len());
    assert_eq!(report["states"][0]["state"], "delivered");
    let octets = joined(&got);
    assert_eq!(octets, push(octets[0], &payload, Some(&signature)).to_octets());

    // By its PPG it would arrive without SEC and MAC: that is what Kannel does when it is told to.
    let ppg = ["push", "send", "--ppg", Kannel::PPG, "--user", "foo", "--password", "env:PPG_PW"];
    let before = kannel.got().len();
    let ran = run(&[&ppg[..], &["--keeps-authentication"], &signed].concat());
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    let lost = Push::decode(&joined(&kannel.wait_for_messages(before + 4)[before..])).unwrap();
    assert_eq!((lost.presented(), &lost.body), (None, &payload.octets));
    // So it is not handed one when it is known for what it is, or not known.
    let before = kannel.got().len();
    for kind in ["kannel", "standard"] {
        let ran = run(&[&ppg[..], &["--ppg-kind", kind], &signed].concat());
        assert_eq!(ran.exit, 77, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("sendsms"), "{}", ran.err);
    }

    // What nothing is lost of goes through it, without a field of our request in it.
    let si = [2, 5, 0x6A, 0, 0x45, 0xC6, 0x0C, 3, b'a', 0, 1, 3, b'b', 0, 1, 1];
    std::fs::write(folder.path().join("si.wbxml"), si).unwrap();
    let plain = ["--ppg-kind", "kannel", "--to", NUMBER, "--file", "si.wbxml", "--content-type"];
    let ran = run(&[&ppg[..], &plain, &["application/vnd.wap.sic"]].concat());
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    let taken = Push::decode(&joined(&kannel.wait_for_messages(before + 1)[before..])).unwrap();
    assert_eq!(taken.body, si);
    // Content-Length and Encoding-Version are Kannel's own.
    assert_eq!(taken.fields.len(), 2, "{taken:?}");

    // It does not tell where a push is, and says so in its own way to who asks.
    let asked = ["push", "status", "1@pi", "--ppg", Kannel::PPG, "--user", "foo", "--password", "env:PPG_PW"];
    let ran = run(&asked);
    assert_eq!(ran.exit, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("refuses: 2000 bad request"), "{}", ran.err);
    // Who is not known to it is told so.
    let wrong = ["push", "send", "--ppg", Kannel::PPG, "--user", "foo", "--password", "env:WRONG"];
    let ran = run(&[&wrong[..], &plain, &["application/vnd.wap.sic"]].concat());
    assert_eq!(ran.exit, 77, "{}{}", ran.out, ran.err);
    let wrong = ["push", "send", "--sendsms", Kannel::SENDSMS, "--user", "ota", "--password", "env:WRONG"];
    let ran = run(&[&wrong[..], &signed].concat());
    assert_eq!(ran.exit, 77, "{}{}", ran.out, ran.err);
    assert_eq!(kannel.got().len(), before + 1);
}

/// Our gateway with Kannel's sendsms as its way to devices, both in Kannel's network.
#[test]
fn our_gateway_delivers_over_kannels_sendsms() {
    let kannel = Kannel::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kannel.password"), "ota\n").unwrap();
    let config = format!(
        "[http]\nlisten = \"127.0.0.1:8100\"\n[store]\npath = \"jobs.db\"\n[push]\n\
         results = \"http://127.0.0.1:8100/results/0123456789abcdef\"\n\
         [[ppg.sendsms]]\nname = \"op\"\nurl = \"{}\"\nuser = \"ota\"\npassword = \"@kannel.password\"\n\
         [[ppg.route]]\nover = \"op\"\n\
         [[ppg.initiator]]\nname = \"pi\"\nuser = \"pi\"\n\
         password = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n",
        Kannel::SENDSMS
    );
    std::fs::write(folder.path().join("site.toml"), config).unwrap();
    let mut command = kannel.inside(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["serve", "--config", "site.toml"]).current_dir(folder.path()).stdout(Stdio::piped());
    let mut serve = Process::start("bootgate serve", command.env_remove("BOOTGATE_CONFIG"));
    let mut line = String::new();
    BufReader::new(serve.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "listening on http://127.0.0.1:8100\n");

    // A document of five segments with its authentication; it is delivered when all receipts have come.
    let run = |args: &[&str]| bootgate(&kannel, folder.path(), args);
    std::fs::write(folder.path().join("pi.password"), "secret\n").unwrap();
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let ppg =
        ["push", "send", "--ppg", "http://127.0.0.1:8100/pap", "--ppg-kind", "bootgate", "--user", "pi"];
    let more =
        ["--password", "@pi.password", "--to", NUMBER, "--wait", "--timeout", "20s", "--format", "json"];
    let payload = [
        "--profile",
        profile,
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--sec",
        "userpin",
        "--pin",
        "env:PIN",
    ];
    let ran = run(&[&ppg[..], &more, &payload].concat());
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["states"][0]["state"], "delivered", "{report}");
    let got = kannel.got();
    assert!(got.len() > 3, "{got:?}");
    // Octet by octet: what came is one push, with what proves it.
    let octets = joined(&got);
    let push = Push::decode(&octets).unwrap();
    assert_eq!(push.to_octets(), octets);
    assert_eq!(report["content"]["size"], push.body.len());
    let pin = PIN.parse().unwrap();
    let signature = mac::sign(PayloadKind::Cp, Sec::UserPin, None, Some(&pin), &push.body).unwrap();
    let payload = Payload { kind: PayloadKind::Cp, octets: push.body.clone(), losses: Vec::new() };
    assert_eq!(octets, bootgate::bootstrap::push(octets[0], &payload, Some(&signature)).to_octets());
    // Neither number nor payload is in a URL: nothing of them is in Kannel's access log.
    let logs = kannel.logs();
    assert!(!logs.contains(&format!("to={NUMBER}")) && !logs.contains("sendsms?"), "{logs}");
    let pid = serve.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(serve.child().wait().unwrap().code(), Some(0));
}
