//! `decode --simulate`: what a phone makes of an artefact, with its reason, and the tree that it leaves.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
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
        for line in
            ["On a phone", "pushed bootstrap: accepted: proved by Both", "account acme.dm", "AAuthSecret"]
        {
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
