//! Whole jobs with marked values, with all logging on: no IMSI, key, secret or payload body comes out anywhere.

use std::process::Command;

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
