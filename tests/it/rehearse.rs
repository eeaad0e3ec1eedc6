//! The main job as a new user runs it: one command, no reader.

use std::process::{Command, Output};

use serde_json::Value;

fn rehearse(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.arg("rehearse").args(args).current_dir(folder.path()).output().unwrap()
}

fn profile(name: &str) -> String {
    format!("{}/config/profiles/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn must(out: Output) -> String {
    assert!(out.status.success(), "{}\n{}\n{}", out.status, text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

/// A profile that fills settings files of the USIM is rehearsed on a card that has them, and the phone says what it takes.
#[test]
fn the_phone_takes_settings_of_the_usim() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[card]\nsettings-files = [\"acl\", \"mmsup\", \"ims\", \"nasconfig\"]\n\
                    [card.nas-config]\nsignalling-priority = 1\n\
                    [[card.mms-preferences]]\nname = \"Standard\"\npriority = \"high\"\n\
                    [card.ims-config]\ntext = \"<MgmtTree/>\"\n";
    let whole = std::fs::read_to_string(profile("consumer-phone")).unwrap() + settings;
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, whole).unwrap();
    let file = file.to_str().unwrap();
    for card in ["bare", "pin"] {
        let shown = must(rehearse(&["--profile", file, "--card", card]));
        for line in [
            "What the phone takes from the settings files of the USIM",
            "  access point = internet.acme.example",
            "  preferences = Standard",
            "  priority = high",
            "  configuration for the IMS: 11 octets",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{card}: {line} in {shown}");
        }
    }
    let shown: Value =
        serde_json::from_str(&must(rehearse(&["--profile", file, "--format", "json"]))).unwrap();
    assert_eq!(shown["settings"]["ims"], "<MgmtTree/>");
    assert_eq!(shown["settings"]["mms_preferences"][0][1]["value"], "high");
    assert!(must(rehearse(&["--format", "json"])).find("\"settings\"").is_none());
}

#[test]
fn every_profile_goes_to_hand_off_in_both_encodings() {
    for name in ["consumer-phone", "iot-module"] {
        for kind in ["cp", "dm"] {
            let shown = must(rehearse(&["--route", "card", "--profile", &profile(name), "--as", kind]));
            for word in ["station", "DM server", "Status 212", "Plan for the card", "DevInfo", "handed-off"] {
                assert!(shown.contains(word), "{name} as {kind}: {word} is not in\n{shown}");
            }
        }
    }
}

#[test]
fn every_form_of_the_message_goes_to_hand_off() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in ["plain", "tnds-opaque", "tnds-inline", "tnds-xml"] {
        let path = folder.path().join(format!("{encoding}.toml"));
        let text = std::fs::read_to_string(profile("iot-module")).unwrap();
        std::fs::write(&path, format!("{text}\n[dm]\nencoding = \"{encoding}\"\n")).unwrap();
        let path = path.to_str().unwrap();
        let shown = must(rehearse(&["--profile", path, "--as", "dm", "--bootstrap-size", "8192"]));
        assert!(shown.contains("handed-off"), "{encoding}:\n{shown}");
    }
}

#[test]
fn the_same_seed_shows_the_same() {
    let run = |seed: &str, format: &str| must(rehearse(&["--seed", seed, "--format", format]));
    assert_eq!(run("7", "text"), run("7", "text"));
    assert_eq!(run("7", "json"), run("7", "json"));
    let job = |seed| serde_json::from_str::<Value>(&run(seed, "json")).unwrap()["job"]["id"].clone();
    assert_ne!(job("7"), job("8"));
}

#[test]
fn json_says_what_the_text_says() {
    let shown: Value = serde_json::from_str(&must(rehearse(&["--format", "json", "--as", "dm"]))).unwrap();
    assert_eq!(shown["job"]["state"], "handed-off");
    let states: Vec<&str> =
        shown["job"]["history"].as_array().unwrap().iter().map(|e| e["to"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "registered", "prepared", "delivering", "delivered", "handed-off"]);
    assert!(shown["sequence"].as_array().unwrap().len() > 10);
    assert!(shown["plan"]["steps"].as_array().unwrap().len() > 3);
    let secret = shown["tree"]
        .as_array()
        .unwrap()
        .iter()
        .find(|n| n["uri"].as_str().unwrap().ends_with("/AAuthSecret"));
    assert_eq!(secret.unwrap()["value"], "***");
}

#[test]
fn cards_of_all_kinds_and_protocols() {
    for protocol in ["t0", "t1"] {
        for card in
            [&["--card", "bare"][..], &["--card", "bare", "--dodf-shape", "opaque"], &["--card", "prepared"]]
        {
            let args = [card, &["--protocol", protocol]].concat();
            assert!(must(rehearse(&args)).contains("handed-off"), "{args:?}");
        }
    }
}

#[test]
fn a_sim_an_ruim_and_a_token_go_to_hand_off() {
    for personality in ["sim", "ruim", "token", "uicc-2g"] {
        for kind in ["cp", "dm"] {
            let shown = must(rehearse(&["--personality", personality, "--as", kind]));
            assert!(shown.contains("handed-off"), "{personality} as {kind}:\n{shown}");
        }
    }
}

#[test]
fn a_sim_that_its_issuer_did_not_prepare_is_refused() {
    let out = rehearse(&["--personality", "sim", "--card", "bare"]);
    assert!(!out.status.success());
    assert!(text(&out.stderr).contains("no common way to create it"), "{}", text(&out.stderr));
}

#[test]
fn a_card_that_nobody_may_write_is_refused_and_left_alone() {
    let out = rehearse(&["--card", "closed"]);
    assert_eq!(out.status.code(), Some(77), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("create"), "{}", text(&out.stderr));
    assert!(!text(&out.stdout).contains("UPDATE"), "{}", text(&out.stdout));
}

#[test]
fn a_file_too_small_says_both_sizes() {
    let out = rehearse(&["--card", "prepared", "--bootstrap-size", "100"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    let said = text(&out.stderr);
    assert!(said.contains("100") && said.contains("927"), "{said}");
}

#[test]
fn a_wrong_word_is_a_usage_error() {
    for args in [&["--as", "xml"][..], &["--route", "pigeon"], &["--imei", "490154203237519"]] {
        let out = rehearse(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
    }
}

#[test]
fn a_saved_card_starts_another_phone() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command.env("BOOTGATE_STORE_PATH", folder.path().join("bootgate.db")).current_dir(folder.path());
        must(command.args(args).output().unwrap())
    };
    run(&["rehearse", "--save", "card.json"]);
    let phone = run(&["lab", "phone", "--image", "card.json"]);
    assert!(phone.contains("accepted") && phone.contains("account acme.dm: added"), "{phone}");
    assert!(run(&["job", "list"]).contains("handed-off"));
}
