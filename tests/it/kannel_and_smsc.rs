//! `bootgate serve` with Kannel's sendsms as a link: beside one to an SMSC that dies, and for the PIN of a job.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use bootgate::{
    app::OsRandom,
    bootstrap::{
        Payload, PayloadKind,
        mac::{self, Sec},
        push,
    },
    ident::Token,
    wire::{Decode as _, Encode as _, Reader, wdp::Reference, wdp::Segment, wdp::Udh, wsp::Push},
};
use serde_json::Value;

use super::{
    against_kannel::{bootgate, joined},
    peers::{Process, kannel::Kannel, wait_for},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bootgate");
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const PPG: &str = "http://127.0.0.1:8100/pap";

/// The configuration, with `more` behind the table `[ppg]`; Kannel is the link `op`.
fn configure(folder: &Path, ppg: &str, more: &str) {
    std::fs::write(folder.join("kannel.password"), "ota\n").unwrap();
    std::fs::write(folder.join("pi.password"), "secret\n").unwrap();
    let config = format!(
        "[http]\nlisten = \"127.0.0.1:8100\"\n[store]\npath = \"jobs.db\"\n[push]\n\
         results = \"http://127.0.0.1:8100/results/0123456789abcdef\"\n[ppg]\n{ppg}\n\
         [[ppg.sendsms]]\nname = \"op\"\nurl = \"{}\"\nuser = \"ota\"\npassword = \"@kannel.password\"\n\
         [[ppg.initiator]]\nname = \"pi\"\nuser = \"pi\"\n\
         password = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n{more}",
        Kannel::SENDSMS
    );
    std::fs::write(folder.join("site.toml"), config).unwrap();
}

fn serve(kannel: &Kannel, folder: &Path) -> Process {
    let mut command = kannel.inside(Path::new(PROGRAM));
    command.args(["serve", "--config", "site.toml"]).current_dir(folder).stdout(Stdio::piped());
    let mut serve = Process::start("bootgate serve", command.env_remove("BOOTGATE_CONFIG"));
    let mut line = String::new();
    BufReader::new(serve.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "listening on http://127.0.0.1:8100\n");
    serve
}

/// For each number, for each reference, which segments came of how many.
type Phones = BTreeMap<String, BTreeMap<Reference, (BTreeSet<u8>, u8)>>;

fn note(phones: &mut Phones, number: &str, udh: &Udh) {
    let part = udh.concatenation().unwrap();
    let of = phones.entry(number.trim_start_matches('+').to_owned()).or_default();
    let (came, _) = of.entry(part.reference()).or_insert((BTreeSet::new(), part.total()));
    assert!(came.insert(part.sequence()), "a segment came twice under one reference");
}

/// The SMSC takes one push whole and answers nothing; then it dies, the others go over Kannel, and the gateway is killed in the
/// middle of that. What may have left and is not known is held; everything else comes once.
#[test]
fn nothing_comes_twice_when_a_link_dies_and_then_the_gateway() {
    const PUSHES: usize = 40;
    let (kannel, folder) = (Kannel::start(), tempfile::tempdir().unwrap());
    let ppg = "in-doubt = \"hold\"\nreceipt-timeout = \"3s\"\nretry = \"100ms\"\nretry-most = \"500ms\"";
    let link = "[[ppg.smpp]]\nname = \"main\"\naddress = \"127.0.0.1:2775\"\nsystem-id = \"us\"\nwindow = \"5\"\n\
                response-timeout = \"10min\"\nreconnect = \"50ms\"\n[[ppg.route]]\nover = \"main op\"\n";
    configure(folder.path(), ppg, link);
    let log = folder.path().join("smsc.jsonl");
    let mut command = kannel.inside(Path::new(PROGRAM));
    command.args(["lab", "smsc", "--listen", "127.0.0.1:2775", "--fault", "lose-answer=1"]);
    let mut smsc = Process::start("the virtual SMSC", command.stdout(File::create(&log).unwrap()));
    let at_smsc = || -> Vec<Value> {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    wait_for("the virtual SMSC", || !at_smsc().is_empty());
    let mut gateway = serve(&kannel, folder.path());

    let numbers: Vec<String> = (0..PUSHES).map(|n| format!("+3584012345{n:02}")).collect();
    let to: Vec<&str> = numbers.iter().flat_map(|number| ["--to", number]).collect();
    let account = ["--ppg", PPG, "--ppg-kind", "bootgate", "--user", "pi", "--password", "@pi.password"];
    let payload = [
        "--profile",
        PROFILE,
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--sec",
        "userpin",
        "--pin",
        "env:PIN",
    ];
    let run = |args: &[&str]| bootgate(&kannel, folder.path(), args);
    let ran = run(&[&["push", "send", "--push-id", "1@pi"], &account[..], &payload, &to].concat());
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    wait_for("a full window at the SMSC", || at_smsc().len() == 1 + 5);
    smsc.kill();
    wait_for("some of them at Kannel", || kannel.got().len() > PUSHES);
    gateway.kill();
    let before = kannel.got().len();
    let _gateway = serve(&kannel, folder.path());

    let states = || -> BTreeMap<String, String> {
        let ran = run(&[&["push", "status", "1@pi", "--format", "json"], &account[..]].concat());
        assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let states = report["states"].as_array().unwrap().iter().map(|state| {
            let address = state["addresses"][0].as_str().unwrap();
            let number = address.split(['+', '/']).nth(1).unwrap();
            (number.to_owned(), state["state"].as_str().unwrap().to_owned())
        });
        states.collect()
    };
    wait_for("the end of all", || !states().values().any(|state| state == "pending"));
    let (states, got) = (states(), kannel.got());
    assert!(got.len() > before, "the second gateway went on");
    let mut phones = Phones::new();
    for message in got {
        note(&mut phones, &message.to, &Udh::decode(&mut Reader::new(&message.udh)).unwrap());
    }
    for message in &at_smsc()[1..] {
        let hex = message["user_data"][0].as_str().unwrap();
        let octets: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        note(&mut phones, message["destination"].as_str().unwrap(), &Segment::decode(&octets).unwrap().udh);
    }
    assert_eq!(states.len(), PUSHES);
    let mut held = 0;
    for (number, state) in &states {
        let of = phones.get(number);
        let whole = |(came, total): &&(BTreeSet<u8>, u8)| came.len() == usize::from(*total);
        let copies = of.map_or(0, |of| of.values().filter(whole).count());
        match state.as_str() {
            "delivered" => assert_eq!(copies, 1, "{number}"),
            "unknown" => {
                assert!(copies <= 1, "{number} has it {copies} times");
                held += 1;
            }
            other => panic!("{number}: {other}"),
        }
    }
    assert!((1..PUSHES).contains(&held), "{states:?}");
}

/// The user's PIN goes through Kannel as text that a person reads, and opens what went beside it.
#[test]
fn the_pin_of_a_job_goes_through_kannel_as_text() {
    let (kannel, folder) = (Kannel::start(), tempfile::tempdir().unwrap());
    let token = Token::generate(&OsRandom);
    let more = format!(
        "[[ppg.route]]\nover = \"op\"\n[api]\nprofiles = \"profiles\"\n[[api.token]]\nname = \"pipeline\"\n\
         digest = \"{}\"\nmay = \"submit\"\n",
        token.digest()
    );
    configure(folder.path(), "", &more);
    std::fs::create_dir(folder.path().join("profiles")).unwrap();
    let profile = std::fs::read_to_string(PROFILE).unwrap();
    let by_sms = profile.replace("method = \"usernetwpin\"", "method = \"userpin\"\npin-channel = \"sms\"");
    assert_ne!(profile, by_sms);
    std::fs::write(folder.path().join("profiles/acme-consumer.toml"), by_sms).unwrap();
    let _gateway = serve(&kannel, folder.path());

    let body = r#"{"key": "order-1", "profile": "acme-consumer", "route": "push", "payload": "cp",
        "subscriber": {"imsi": "262011234567890", "imei": "490154203237518", "msisdn": "+358401234567"}}"#;
    let request = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        token.expose(),
        body.len()
    );
    std::fs::write(folder.path().join("request"), request).unwrap();
    let mut ask = kannel.inside(Path::new("/bin/bash"));
    ask.args(["-c", "exec 3<>/dev/tcp/127.0.0.1/8100; cat request >&3; cat <&3"]).current_dir(folder.path());
    let answer = String::from_utf8(ask.output().unwrap().stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // Kannel answers a message of its own SMSC besides.
    let pins = || -> Vec<String> {
        let texts = kannel.texts().into_iter();
        texts.filter_map(|text| Some(text.strip_prefix("PIN for your new settings: ")?.to_owned())).collect()
    };
    wait_for("the PIN at the SMSC", || !pins().is_empty());
    let pins = pins();
    let [pin] = &pins[..] else { panic!("{} PINs came", pins.len()) };
    wait_for("all of the push at the SMSC", || {
        let got = kannel.got();
        let total = |udh: &[u8]| Udh::decode(&mut Reader::new(udh)).unwrap().concatenation().unwrap().total();
        got.first().is_some_and(|first| got.len() == usize::from(total(&first.udh)))
    });
    let octets = joined(&kannel.got());
    let taken = Push::decode(&octets).unwrap();
    let payload = Payload { kind: PayloadKind::Cp, octets: taken.body.clone(), losses: Vec::new() };
    let signed =
        mac::sign(PayloadKind::Cp, Sec::UserPin, None, Some(&pin.parse().unwrap()), &taken.body).unwrap();
    assert_eq!(octets, push(octets[0], &payload, Some(&signed)).to_octets());
}
