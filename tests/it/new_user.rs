//! What somebody does who does not know the program yet: wrong words, files that are not there, things in the wrong order.

use std::{os::unix::fs::PermissionsExt, path::Path};

use super::program::{bootgate, bootgate_in};

const CONSUMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";
const IMSI: &str = "262011234567890";

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_could_not_be_saved_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    for (file, exit) in [("nowhere/card.json", 1), ("taken", 2)] {
        let ran = bootgate_in(folder.path(), &["rehearse", "--save", file]);
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{}", ran.err);
        assert!(ran.err.contains(file), "{}", ran.err);
        assert!(!folder.path().join("store.db").exists(), "an account was registered");
    }
}

#[test]
fn what_holds_secrets_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    // One that others could read, and what a killed process left.
    for name in ["card.json", "card.json.new", "cp.wbxml"] {
        let file = folder.path().join(name);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    }
    for (args, file) in [
        (&["rehearse", "--save", "card.json", "--force"][..], "card.json"),
        (&["lab", "card", "--new", "new.json"], "new.json"),
        (
            &["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI, "-o", "cp.wbxml", "--force"],
            "cp.wbxml",
        ),
        (&["profile", "import", "cp.wbxml", "-o", "imported.toml"], "imported.toml"),
        (&["profile", "build", CONSUMER, "--as", "factory", "--imei", IMEI, "-o", "image"], "image/cp.xml"),
    ] {
        let ran = bootgate_in(folder.path(), args);
        assert_eq!(ran.exit, 0, "{args:?}: {}", ran.err);
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{args:?}");
    }
    assert_eq!((mode(&folder.path().join("store.db")), mode(&folder.path().join("image"))), (0o600, 0o700));
    assert!(!folder.path().join("card.json.new").exists());
}

#[test]
fn exit_statuses_say_what_kind_of_mistake_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\"atr\": 12345678}").unwrap();
    std::fs::write(folder.path().join("adm"), "12345678").unwrap();
    let build =
        ["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI, "--imsi", IMSI, "--wsp", "--pin"];
    let pin = |pin| [&build[..], &[pin]].concat();
    let (file, env, literal) = (pin("@none"), pin("env:BOOTGATE_NO_SUCH_PIN"), pin("x"));
    for (args, exit, said) in [
        (&["serve", "--listen", "nonsense"][..], 2, "--listen"),
        (&file, 2, "--pin: cannot read none"),
        (&env, 2, "--pin: environment variable BOOTGATE_NO_SUCH_PIN is not set"),
        (&literal, 2, "--pin"),
        (&["lab", "phone", "--image", "none.json"], 2, "none.json"),
        (&["lab", "phone", "--image", "broken.json"], 1, "broken.json:1:16: not what stands here; expected"),
        (&["lab", "card", "--vpcd", "127.0.0.1:1", "--image", "none.json"], 2, "none.json"),
        (&["lab", "card", "--vpcd", "127.0.0.1:1", "--wait", "0"], 69, "127.0.0.1:1"),
        (&["profile", "check", "none.toml"], 2, "cannot read none.toml"),
        (&["profile", "build", "none.toml", "--as", "cp"], 2, "cannot read none.toml"),
        (&["config", "check", "none.toml"], 2, "none.toml"),
        (&["config", "show", "--config", "none.toml"], 2, "none.toml"),
        (&["batch", "check", "none.csv"], 2, "cannot read none.csv"),
        (&["decode", "none.hex"], 2, "cannot read none.hex"),
        (
            &["batch", "run", "none.csv", "--profile", CONSUMER, "--as", "cp", "--yes"],
            2,
            "cannot read none.csv",
        ),
        (&["batch", "check", "none.csv", "--columns", "none.toml"], 2, "cannot read none.toml"),
        (&["profile", "import", "none.wbxml"], 2, "cannot read none.wbxml"),
        (&["profile", "ddf", "none.xml"], 2, "cannot read none.xml"),
        (&["card", "restore", "-r", "bay", "none.bin", "--yes"], 2, "cannot read none.bin"),
        (
            &[
                "card",
                "run",
                "-r",
                "bay",
                "restore",
                "--restore",
                "none.json",
                "--no-backup",
                "--yes",
                "--set",
                "ADM=@adm",
            ],
            2,
            "cannot read none.json",
        ),
        (&["profile", "import", "broken.json"], 1, "broken.json: "),
        (&["profile", "ddf", "broken.json"], 1, "broken.json: "),
        (&["factory", "verify", "none", "--public-key", "none.pub"], 2, "--public-key: cannot read none.pub"),
        (&["rehearse", "--seed", "x"], 2, "expected a whole number from 0 to 18446744073709551615"),
        (&["job", "show", "x"], 2, ""),
    ] {
        let ran = bootgate_in(folder.path(), args);
        assert_eq!(ran.exit, exit, "{args:?}: {}", ran.shown());
        assert!(ran.err.contains(said), "{args:?}: {said} in {}", ran.err);
        assert!(!ran.err.contains("12345678"), "{}", ran.err);
    }
}

#[test]
fn who_only_looks_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    for args in [
        &["job", "list"][..],
        &["job", "show", "01KDVDNA04RXRBJDG62H16804Y"],
        &["card", "recover", "--list"],
        &["card", "clear-refusal", "--iccid", "89001010000000000018"],
        &["notify", "build", "--account", IMEI],
    ] {
        let ran = bootgate_in(folder.path(), args);
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{args:?}: {}", ran.err);
        let path = folder.path().join("store.db");
        let said =
            format!("there is no database {}, which is [store] path by BOOTGATE_STORE_PATH", path.display());
        assert!(ran.err.contains(&said), "{args:?}: {}", ran.err);
        assert_eq!(names(), 0, "{args:?}");
    }
    std::fs::write(folder.path().join("shift.csv"), "iccid,imei\n89490200001234567892,490154203237518\n")
        .unwrap();
    let ran = bootgate_in(folder.path(), &["batch", "check", "shift.csv", "--profile", CONSUMER]);
    assert_eq!((ran.exit, names()), (0, 1), "{}", ran.err);
    assert!(ran.err.contains("which cards were done already is not known"), "{}", ran.err);
}

#[test]
fn what_was_read_and_where_it_is_kept_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (home, data) = (folder.path().join("home"), folder.path().join("data"));
    std::fs::create_dir_all(folder.path().join("config")).unwrap();
    std::fs::create_dir_all(home.join(".local/share/bootgate")).unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootgate"));
        let set = command.args(args).current_dir(&folder).env("HOME", &home).env("XDG_DATA_HOME", &data);
        let out = set.env_remove("BOOTGATE_STORE_PATH").env_remove("BOOTGATE_CONFIG").output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (_, none, _) = run(&["config", "show"]);
    assert!(none.starts_with("# compiled-in values; no file over them"), "{none}");
    std::fs::write(folder.path().join("config/bootgate.toml"), "[http]\nlisten = \"127.0.0.1:9\"\n").unwrap();
    let (_, text, _) = run(&["config", "show"]);
    let begin =
        "# compiled-in values; over them the file config/bootgate.toml, which is in the working directory";
    assert!(text.starts_with(begin) && text.contains("# config/bootgate.toml:2:"), "{text}");
    let (_, json, _) = run(&["config", "show", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["file"].as_str().unwrap().starts_with("config/bootgate.toml"), "{json}");
    let path = json["values"].as_array().unwrap().iter().find(|v| v["key"] == "store.path").unwrap();
    assert_eq!(path["value"], format!("\"{}\"", data.join("bootgate/bootgate.db").display()));

    let (exit, _, err) = run(&["-v", "job", "list"]);
    assert!(exit == Some(1) && err.contains("Configuration is read from config/bootgate.toml"), "{err}");
    assert!(err.contains(&format!("no database {}", data.join("bootgate/bootgate.db").display())), "{err}");
    // What was made before anybody looked at the variable is not left behind.
    std::fs::write(home.join(".local/share/bootgate/bootgate.db"), "").unwrap();
    let (exit, out, err) = run(&["job", "list"]);
    assert_eq!((exit, out.as_str()), (Some(0), "no jobs\n"), "{err}");
}

#[test]
fn profiles_are_checked_behind_one_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| bootgate_in(folder.path(), &[&["profile", "check"], args].concat());
    let ran = run(&["none.toml", CONSUMER]);
    assert!(ran.exit == 2 && ran.err.contains("cannot read none.toml"), "{}", ran.shown());
    assert!(
        ran.out.contains("ok, acme-consumer")
            && ran.out.ends_with("2 files, 0 errors, 0 warnings, 1 not read\n"),
        "{}",
        ran.out
    );
    std::fs::write(folder.path().join("bad.toml"), "nmae = \"x\"\n").unwrap();
    let ran = run(&["none.toml", "bad.toml", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.exit, &json["files"][1]["problems"][0]["line"]), (78, &1.into()));
    assert!(json["files"][0]["unreadable"].as_str().unwrap().contains("none.toml"), "{}", ran.out);
}

#[test]
fn help_names_every_way() {
    for (args, said) in [
        (&["lab", "phone"][..], "<--pcsc <READER>|--image <FILE>>"),
        (&["lab", "card"], "<--vpcd <HOST:PORT>|--new <FILE>>"),
        (&["card", "clear-refusal"], "<--iccid <DIGITS>|--reader <READER>>"),
    ] {
        let ran = bootgate(args);
        assert_eq!(ran.exit, 2);
        assert!(ran.err.contains(said), "{said} in {}", ran.err);
    }
    assert!(bootgate(&["rehearse", "-h"]).out.contains("uicc-2g"));
}

#[test]
fn short_messages_that_were_built_are_imported_and_those_that_are_missing_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| bootgate_in(folder.path(), args);
    let number =
        ["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI, "--imsi", IMSI, "--sec", "netwpin"];
    // Segments are those of a push, whether that is said or not.
    for (more, file) in [(&["--wsp", "--segments"][..], "both.txt"), (&["--segments=16"], "alone.txt")] {
        let ran = run(&[&number[..], more, &["-o", file]].concat());
        assert_eq!(ran.exit, 0, "{}", ran.err);
        let lines = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(lines.lines().count() > 2, "{lines}");
        // In whatever order they stand.
        let turned: Vec<&str> = lines.lines().rev().collect();
        std::fs::write(folder.path().join(file), turned.join("\n")).unwrap();
        let ran = run(&["profile", "import", file, "-o", "made.toml", "--force"]);
        assert_eq!(ran.exit, 0, "{}", ran.err);
        let made = std::fs::read_to_string(folder.path().join("made.toml")).unwrap();
        assert!(made.contains("server-id = \"acme.dm\"") && made.contains("netwpin"), "{made}");

        std::fs::write(folder.path().join(file), turned[1..].join("\n")).unwrap();
        let ran = run(&["profile", "import", file]);
        let missing = format!("{file}: of the {0} short messages of the push, {0} are missing", turned.len());
        assert!(ran.exit == 1 && ran.err.contains(&missing), "{}", ran.err);
    }
    let both = std::fs::read_to_string(folder.path().join("both.txt")).unwrap();
    let other = std::fs::read_to_string(folder.path().join("alone.txt")).unwrap();
    std::fs::write(folder.path().join("mixed.txt"), both + "\n" + &other).unwrap();
    let ran = run(&["profile", "import", "mixed.txt"]);
    assert!(
        ran.exit == 1 && ran.err.contains("mixed.txt: the short messages are of more than one push"),
        "{}",
        ran.err
    );
}

#[test]
fn words_of_ones_own_are_shown_and_what_may_be_secret_is_not() {
    for (args, shown) in [
        (&["job", "list", "handed-off"][..], "'handed-off'"),
        (&["profile", "check", CONSUMER, "--fro", "symbian"], "'--fro'"),
        (&["card", "recover", "89490200001234567892"], "'89490200001234567892'"),
        (&["job", "list", "26201123456789"], "'***'"),
        (&["card", "inspect", "-r", "bay", "--pin", "@pin", "OhBehave"], "'***'"),
        (&["rehearse", "--adm", "x", "OhBehave"], "'***'"),
    ] {
        let ran = bootgate(args);
        assert!(ran.exit == 2 && ran.err.contains(shown), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_program_is_told_of_a_failure_too() {
    let folder = tempfile::tempdir().unwrap();
    for (args, exit) in [
        (&["card", "inspect", "-r", "no such reader"][..], 69),
        (&["card", "restore", "-r", "no such reader", "none.bin"], 2),
        (&["card", "recover", "--list"], 1),
    ] {
        let ran = bootgate_in(folder.path(), &[args, &["--format", "json"]].concat());
        let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (ran.exit, &json["exit"], &json["ok"]),
            (exit, &exit.into(), &false.into()),
            "{args:?}: {}",
            ran.err
        );
        assert_eq!(
            (&json["state"], &json["iccid"]),
            (&"failed".into(), &serde_json::Value::Null),
            "{args:?}"
        );
        assert!(
            ran.err.contains(json["reason"].as_str().unwrap().lines().next().unwrap()),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}
