//! Virtual cards that are not by the book, as the command line makes them, and the whole main job on them.

use std::{path::Path, process::Output};

use serde_json::Value;

fn bootgate(folder: &Path, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(args).current_dir(folder).output().unwrap()
}

fn must(folder: &Path, args: &[&str]) -> String {
    let out = bootgate(folder, args);
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{args:?}: {}\n{stdout}\n{stderr}", out.status);
    stdout.into_owned()
}

#[test]
fn quirks_are_listed_taken_and_kept_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let list = must(folder.path(), &["lab", "quirks"]);
    assert!(list.lines().any(|l| l.starts_with("denied-6900 ")), "{list}");
    let list: Value =
        serde_json::from_str(&must(folder.path(), &["lab", "quirks", "--format", "json"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 33);
    let args = ["lab", "card", "--new", "card.json", "--kind", "prepared"];
    must(folder.path(), &[&args[..], &["--quirk", "denied-6900", "--quirk", "double-wrapped-oid"]].concat());
    let image: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("card.json")).unwrap()).unwrap();
    assert_eq!(image["quirks"], serde_json::json!(["double-wrapped-oid", "denied-6900"]));
    let out = bootgate(folder.path(), &[&args[..], &["--quirk", "denied"]].concat());
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("denied-6900"));
    let out = bootgate(folder.path(), &["lab", "card", "--vpcd", "127.0.0.1:1", "--fault", "cut=1"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("cut-before=N"));
}

#[test]
fn the_main_job_runs_on_cards_that_are_not_by_the_book() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["--card", "prepared", "--quirk", "double-wrapped-oid", "--quirk", "several-dodfs"][..],
        &["--card", "prepared", "--quirk", "opaque-do", "--quirk", "security-by-environment"],
        &["--quirk", "not-found-6a88", "--quirk", "denied-6900", "--quirk", "block-of-255"],
        &["--protocol", "t1", "--quirk", "always-61xx", "--quirk", "no-select-by-path"],
        &["--personality", "sim", "--quirk", "never-61xx", "--quirk", "end-of-file-6c00"],
        &["--card", "prepared", "--quirk", "compact-rules"],
        &["--double-wrapped-oid"],
        &["--cp-file", "config1", "--card", "prepared"],
        &["--cp-file", "config2"],
    ] {
        let shown = must(folder.path(), &[&["rehearse"], args].concat());
        assert!(shown.contains("handed-off"), "{args:?}: {shown}");
    }
}

#[test]
fn chv1_is_presented_by_station_and_phone() {
    let folder = tempfile::tempdir().unwrap();
    for personality in ["uicc", "sim", "ruim", "token"] {
        let args = ["rehearse", "--card", "pin", "--personality", personality];
        let shown = must(folder.path(), &args);
        assert!(shown.contains("CHV1, which was presented and accepted"), "{personality}: {shown}");
        assert!(shown.contains("handed-off"), "{personality}");
    }
    let out = bootgate(folder.path(), &["rehearse", "--card", "pin", "--card-pin", "9999"]);
    assert!(!out.status.success());
}

#[test]
fn a_profile_says_where_files_of_a_card_go() {
    let folder = tempfile::tempdir().unwrap();
    let shipped =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml"))
            .unwrap();
    let card = "\n[card]\ndirectory-fid = \"7F51\"\ndodf-fid = \"6FD0\"\ncontent-fid = \"6FD1\"\n\
                settings-files = [\"acl\"]\n";
    std::fs::write(folder.path().join("mine.toml"), format!("{shipped}{card}")).unwrap();
    let shown = must(folder.path(), &["rehearse", "--profile", "mine.toml"]);
    for word in ["3F00/7F51/6FD1", "3F00/7F51/6FD0", "EF(ACL)", "handed-off"] {
        assert!(shown.contains(word), "{word} is not in\n{shown}");
    }
}
