//! A batch on the command line with a script, and what a batch says that it would do: nothing is made, sent or written for that.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::peers::pcscd::Pcscd;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ADM: &str = "MARKED-A";
const CARDS: [&str; 3] = ["89490200001234567892", "89490200001234567900", "89490200001234567918"];
const SCRIPT: &str = "REM bootgate 1\nVAR FIRST hex\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
    PUT 3F00/7F50/6431 ${FIRST} FF\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 B0 00 00 01 [A1] (90 00)\nOFF\n";

/// Runs `bootgate batch`; no output repeats a key.
fn batch(pcscd: &Pcscd, args: &[&str]) -> (i32, String, String) {
    let mut command: Command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.arg("batch").args(args).env_remove("BOOTGATE_CONFIG");
    command.env("BOOTGATE_STORE_PATH", pcscd.folder().join("store.db"));
    let ran = command.output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    for marked in ["MARKED", "4D 41 52 4B", "4D41524B"] {
        assert!(!out.contains(marked) && !err.contains(marked), "{args:?}: {out}{err}");
    }
    (ran.status.code().unwrap(), out, err)
}

fn write(pcscd: &Pcscd, name: &str, text: &str) {
    std::fs::write(pcscd.folder().join(name), text).unwrap();
}

fn insert(pcscd: &Pcscd, bay: u16) -> crate::peers::Process {
    let iccid = CARDS[usize::from(bay)];
    pcscd.insert(bay, &["--kind", "prepared", "--iccid", iccid, "--adm", ADM, "--bootstrap-size", "4096"])
}

#[test]
fn a_dry_run_shows_each_row_and_leaves_everything_as_it_is() {
    let pcscd = Pcscd::start(1);
    let devices = ["490154203237518", "490154203237526"];
    let rows: String =
        CARDS.iter().zip(devices).map(|(card, imei)| format!("{card},{imei},{ADM}\n")).collect();
    write(&pcscd, "cards.csv", &format!("iccid,imei,adm1\n{rows}"));
    let _card = insert(&pcscd, 0);
    let run = ["run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--dry-run"];
    let (exit, out, err) = batch(&pcscd, &run);
    assert_eq!(exit, 0, "{out}{err}");
    let of_card = format!("line 2, card {} in {}", CARDS[0], Pcscd::reader(0));
    assert!(out.contains(&of_card) && out.contains(&format!("line 3, card {}\n", CARDS[1])), "{out}");
    assert!(
        out.ends_with("dry run of 2 rows in cards.csv: nothing was written, and no key presented\n"),
        "{out}"
    );
    let (exit, out, err) = batch(&pcscd, &[&run[..], &["--format", "json"]].concat());
    assert_eq!(exit, 0, "{out}{err}");
    let planned: Value = serde_json::from_str(&out).unwrap();
    let (first, second) = (&planned["rows"][0], &planned["rows"][1]);
    assert_eq!((&first["line"], &first["reader"]), (&2.into(), &Pcscd::reader(0).into()));
    assert!(first["plan"].is_object() && second["plan"].is_null(), "{planned}");
    assert!(second["files"][0]["octets"].as_u64().unwrap() > 100, "{planned}");

    write(&pcscd, "own.scr", SCRIPT);
    write(
        &pcscd,
        "rows.csv",
        &format!("iccid,first,adm1\n{},A1B2,{ADM}\n{},A1C3,{ADM}\n", CARDS[0], CARDS[1]),
    );
    let (exit, out, err) = batch(&pcscd, &["run", "rows.csv", "--script", "own.scr", "--dry-run"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert!(out.contains("updates 3F00/7F50/6431") && out.contains("PUT 3F00/7F50/6431 A1 B2 FF"), "{out}");
    assert!(out.contains("PUT 3F00/7F50/6431 A1 C3 FF"), "{out}");

    // A row without a key, a value that is none, a column with a slip in it: all told, with their lines.
    write(&pcscd, "bad.csv", &format!("iccid,frist,adm1\n{},A1B2,\n", CARDS[0]));
    let (exit, out, _) = batch(&pcscd, &["check", "bad.csv", "--script", "own.scr"]);
    assert!(exit == 78 && out.contains("frist: unknown column; did you mean `FIRST`?"), "{out}");
    write(&pcscd, "bad.csv", &format!("iccid,first,adm1\n{},A1B2,\n{},XYZ,{ADM}\n", CARDS[0], CARDS[1]));
    let (exit, out, _) = batch(&pcscd, &["check", "bad.csv", "--script", "own.scr"]);
    assert!(exit == 78 && out.contains("bad.csv:2: error: adm1: no key 0A (ADM1)"), "{out}");
    assert!(out.contains("bad.csv:3: error: own.scr:2:") && out.contains("`FIRST`"), "{out}");

    // Nothing was made, and the card has lost no try.
    let made: Vec<_> = std::fs::read_dir(pcscd.folder()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(!made.iter().any(|name| name.to_string_lossy().starts_with("store.db")), "{made:?}");
}

#[test]
fn a_script_runs_on_each_card_of_a_table() {
    let pcscd = Pcscd::start(3);
    write(&pcscd, "own.scr", SCRIPT);
    let rows = [(CARDS[0], "A1B2"), (CARDS[1], "77"), (CARDS[2], "A1C3")];
    let rows: String = rows.iter().map(|(card, first)| format!("{card},{first},{ADM}\n")).collect();
    write(&pcscd, "rows.csv", &format!("iccid,first,adm1\n{rows}"));
    let cards: Vec<_> = (0..3).map(|bay| insert(&pcscd, bay)).collect();
    let run = ["run", "rows.csv", "--script", "own.scr", "--yes"];
    let (exit, _, err) = batch(&pcscd, &run);
    assert!(exit == 2 && err.contains("--backup DIR"), "{err}");
    let kept = [&run[..], &["--backup", "before", "--format", "json", "--csv", "results.csv"]].concat();
    let (exit, out, err) = batch(&pcscd, &kept);
    assert_eq!(exit, 1, "{out}{err}");
    let sum: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&sum["done"], &sum["unknown"], &sum["bad"]), (&2.into(), &1.into(), &1.into()), "{sum}");
    let text = std::fs::read_to_string(pcscd.folder().join("rows.results.jsonl")).unwrap();
    let results: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let other = results.iter().find(|result| result["iccid"] == CARDS[1]).unwrap();
    assert_eq!((&other["bin"], &other["expected"]), (&"bad".into(), &"A1 (90 00)".into()), "{other}");
    assert!(other["seen"].as_str().unwrap().starts_with("77 (90 00)"), "{other}");
    let csv = std::fs::read_to_string(pcscd.folder().join("results.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with("expected,seen") && csv.contains("A1 (90 00)"), "{csv}");
    for card in CARDS {
        let backup = std::fs::read_to_string(pcscd.folder().join(format!("before/{card}.json"))).unwrap();
        assert!(backup.contains("sealed card backup 1"), "{backup}");
    }

    // The row is mended: that card is taken back and done, the others are left alone.
    let mended = text_of(&pcscd, "rows.csv").replace(",77,", ",A177,");
    write(&pcscd, "rows.csv", &mended);
    let (exit, out, err) = batch(&pcscd, &[&run[..], &["--backup", "before"]].concat());
    assert!(exit == 0 && out.contains("3 of 3 cards good"), "{out}{err}");
    drop(cards);
}

fn text_of(pcscd: &Pcscd, name: &str) -> String {
    std::fs::read_to_string(pcscd.folder().join(name)).unwrap()
}
