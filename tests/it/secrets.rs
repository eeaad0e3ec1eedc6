//! Whole jobs with marked values, with all logging on: no IMSI, key, secret or payload body comes out anywhere.

use std::process::Command;

use super::program::{bootgate, bootgate_in};

const IMSI: &str = "262019876598765";
const CLIENT: &str = "MARKED-client-secret";
const SERVER: &str = "MARKED-server-secret";
const NAP: &str = "MARKED-nap-secret";
/// ADM1 of a sample card.
const ADM: &str = "12345678";

/// The consumer phone's profile with secrets that would be seen.
fn marked_profile() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let (before, after) = text.split_once("secret = \"generate\"").unwrap();
    let text = format!("{before}secret = {{ plain = \"{CLIENT}\" }}{after}");
    let (before, after) = text.split_once("secret = \"generate\"").unwrap();
    let text = format!("{before}secret = {{ plain = \"{SERVER}\" }}{after}");
    assert!(text.contains("{ plain = \"mms\" }") && text.contains("name = \"{imei}\""));
    let text = text.replace("name = \"{imei}\"", "name = \"dev-{imsi}\"");
    text.replace("{ plain = \"mms\" }", &format!("{{ plain = \"{NAP}\" }}"))
}

/// Everything that `rehearse` prints on both outputs.
fn output(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("marked.toml");
    std::fs::write(&profile, marked_profile()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.env("BOOTGATE_LOG", "trace").env("RUST_BACKTRACE", "1").current_dir(folder.path());
    command.args(["rehearse", "-vv", "--imsi", IMSI, "--profile"]).arg(&profile).args(args);
    let out = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn hex(text: &str) -> String {
    text.bytes().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn nothing_that_is_secret_comes_out() {
    let mut seen = 0;
    for kind in ["cp", "dm"] {
        for more in [
            &[][..],
            &["--format", "json"],
            &["--apdus", "--xml"],
            &["--card", "closed"],
            &["--card", "prepared", "--bootstrap-size", "64"],
        ] {
            let shown = output(&[&["--as", kind], more].concat());
            assert!(shown.len() > 500, "{shown}");
            let plain = shown.to_lowercase();
            for marked in [IMSI, CLIENT, SERVER, NAP, ADM] {
                // As text, as hexadecimal digits, and as Rust prints octets.
                let octets = format!("{:?}", marked.as_bytes());
                let octets = octets.trim_matches(['[', ']']);
                for form in [&marked.to_lowercase(), &hex(marked), octets] {
                    assert!(!plain.contains(form), "{marked} came out as {form} with {more:?}:\n{shown}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

#[test]
fn the_marks_would_be_seen() {
    // The payload itself does hold them: what is looked for is what is there.
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("marked.toml");
    std::fs::write(&profile, marked_profile()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["profile", "build", "--as", "cp", "--imsi", IMSI, "--xml"]).arg(&profile);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for marked in [IMSI, CLIENT, SERVER, NAP] {
        assert!(shown.contains(marked), "{shown}");
    }
}

/// Where a value itself is not taken, it stood on the command line by mistake: the error must not make it worse.
#[test]
fn a_secret_given_by_mistake_is_not_repeated() {
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/iot-module.toml");
    let digest = ["notify", "build", "--server-id", "acme.dm", "--nonce", "AAAA", "--secret", SERVER];
    let write = ["card", "write", "-r", "bay", "--profile", profile, "--as", "cp", "--adm", ADM];
    let read = ["card", "inspect", "-r", "bay", "--pin", ADM];
    for args in [&digest[..], &write, &read] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        let out = command.args(args).env_remove("BOOTGATE_CONFIG").output().unwrap();
        let shown =
            format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(2), "{shown}");
        assert!(shown.contains("invalid value '***' for "), "{shown}");
        assert!(!shown.contains(SERVER) && !shown.contains(ADM), "{shown}");
    }
}

/// What an option is called in the help of the program when its value may be a secret or an IMSI.
const HIDDEN: [&str; 8] = ["SECRET", "KEY", "NONCE", "DIGITS", "OCTETS", "SOURCE", "NAME=VALUE", "WHOM"];
/// What it is called when it is neither. A new word belongs to one of the two.
const OPEN: [&str; 35] = [
    "ADDRESS",
    "BITS",
    "COMMAND",
    "DIR",
    "FAULT",
    "FID",
    "FILE",
    "FORM",
    "FORMAT",
    "HEX",
    "HOST:PORT",
    "ID",
    "KIND",
    "METHOD",
    "MODE",
    "MODEL",
    "N",
    "NAME",
    "PATH",
    "PERSONALITY",
    "PRIORITY",
    "PROTOCOL",
    "READER",
    "REF",
    "ROUTE",
    "SECONDS",
    "SENDER",
    "SHAPE",
    "SPAN",
    "STATE",
    "TIME",
    "TYPE",
    "URL",
    "VERSION",
    "WHO",
];

/// A command, and its options with what their help calls their values.
type Described = (Vec<String>, Vec<(String, String)>);

/// Commands with their options, as the help of the program tells them.
fn options() -> Vec<Described> {
    let (mut found, mut open) = (Vec::new(), vec![Vec::new()]);
    while let Some(command) = open.pop() {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["-h"]).collect();
        let help = bootgate(&args).out;
        let section = |title: &'static str| {
            let lines = help.lines().skip_while(move |line| *line != title).skip(1);
            lines.take_while(|line| !line.is_empty()).map(str::trim_start)
        };
        for name in section("Commands:").filter_map(|line| line.split(' ').next()) {
            if name != "help" && name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
                open.push([&command[..], &[name.to_owned()]].concat());
            }
        }
        let options = section("Options:").filter_map(|line| {
            let option = line.split("--").nth(1).filter(|_| line.starts_with('-'))?;
            let name = option.split([' ', '[', '=']).next()?;
            let value = option.strip_prefix(name)?.trim_start_matches([' ', '[', '=']).strip_prefix('<')?;
            Some((format!("--{name}"), value.split('>').next()?.to_owned()))
        });
        found.push((command.clone(), options.collect()));
    }
    found
}

/// What a command needs besides, so that it comes to look at the value.
fn needs<'a>(command: &str, option: &str, profile: &'a str) -> Vec<&'a str> {
    let needs: &[&str] = match command {
        "rehearse" | "card clear-refusal" => &[],
        "profile check" => &[profile, "--tac", "tac.csv"],
        "profile build" => &[profile, "--as", "cp", "--imei", "490154203237518", "--wsp"],
        "decode" => &["cp.hex", "--server-secret", "x"],
        "card inspect" | "card read" | "card erase" | "card recover" => &["-r", "bay"],
        "card restore" => &["-r", "bay", "cp.hex"],
        "card unblock" => &["-r", "bay", "--puk", "@secret", "--new-pin", "@secret"],
        "card change-pin" => &["-r", "bay", "--pin", "@secret", "--new-pin", "@secret"],
        "card enable-pin" | "card disable-pin" => &["-r", "bay", "--pin", "@secret"],
        "card run" => &["survey", "-r", "bay"],
        "card plan" | "card write" => &["-r", "bay", "--profile", profile, "--as", "cp"],
        "notify build" if option == "--account" => &[],
        "notify build" => &["--server-id", "acme.dm", "--secret", "@secret", "--nonce", "AAAA"],
        "notify send" => &[
            "--server-id",
            "acme.dm",
            "--secret",
            "env:HOME",
            "--nonce",
            "AAAA",
            "--to",
            "358401234567",
            "--ppg",
            "http://127.0.0.1:9/",
            "--user",
            "x",
            "--password",
            "env:HOME",
        ],
        "push send" if option == "--token" => {
            &["--ppg", "http://127.0.0.1:9/", "--to", "358401234567", "--file", "cp.hex"]
        }
        "push send" => &[
            "--ppg",
            "http://127.0.0.1:9/",
            "--to",
            "358401234567",
            "--profile",
            profile,
            "--as",
            "cp",
            "--user",
            "x",
            "--password",
            "env:HOME",
            "--imei",
            "490154203237518",
        ],
        "push status" | "push cancel" if option == "--token" => &["1@pi", "--ppg", "http://127.0.0.1:9/"],
        "push status" | "push cancel" => {
            &["1@pi", "--ppg", "http://127.0.0.1:9/", "--user", "x", "--password", "env:HOME"]
        }
        "card watch" => &["--profile", profile, "--as", "cp"],
        "batch release" => &["shift.csv"],
        "batch check" => &["shift.csv", "--script", "survey"],
        "batch run" if option == "--set" => &["shift.csv", "--script", "survey"],
        "batch run" => &["shift.csv", "--profile", profile, "--as", "cp"],
        "factory open" => &["image", "--digests-only", "-o", "out"],
        "lab card" => &["--new", "new.json"],
        "lab phone" => &["--image", "new.json"],
        // An address that no machine has: it looks at the password and then ends.
        "lab smsc" => &["--listen", "192.0.2.1:2775", "--system-id", "x", "--password", "env:HOME"],
        other => panic!("what `{other}` needs so that it looks at {option}"),
    };
    let pairs: Vec<&str> = needs.to_vec();
    match pairs.iter().position(|word| *word == option) {
        Some(at) => [&pairs[..at], &pairs[at + 2..]].concat(),
        None => pairs,
    }
}

/// A value that is not taken is not repeated, wherever it may be a secret or an IMSI.
#[test]
fn no_error_repeats_what_may_be_secret() {
    const MARKED: &str = "MARKED-262019876598765";
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("tac.csv", "TAC,family\n");
    write("secret", SERVER);
    write("cp.hex", "030B6A00");
    let mut tried = 0;
    for (command, options) in options() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        for (option, value) in &options {
            if !HIDDEN.contains(&value.as_str()) {
                assert!(
                    OPEN.contains(&value.as_str()),
                    "{command:?} {option} <{value}>: may it be a secret?"
                );
                continue;
            }
            let needs = needs(&words.join(" "), option, profile);
            let glued = format!("{option}{MARKED}");
            let with = format!("{option}={MARKED}");
            for given in [&[option.as_str(), MARKED][..], &[&with], &[&glued], &[option, "x", MARKED]] {
                let args = [&words[..], &needs, given].concat();
                let ran = bootgate_in(folder.path(), &args);
                assert!(!ran.shown().contains("MARKED"), "{args:?}: {}", ran.shown());
                assert!(!ran.shown().contains("98765"), "{args:?}: {}", ran.shown());
                assert!(ran.exit != 0, "{args:?}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried} options were found");
    // A secret in the place of a command.
    let ran = bootgate(&["card", MARKED]);
    assert!(ran.exit == 2 && !ran.err.contains("98765"), "{}", ran.err);
}
