//! Batches of scripts on the command line, over a real PC/SC service: old content is put back into the cards of a table, and a row
//! that was given to a card is freed for another one.

use std::process::Output;

use serde_json::Value;

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, insert, results, table},
    peers::pcscd::Pcscd,
};

/// Shows how the bootstrap file begins.
const LOOK: &str = "REM bootgate 1\nEFF reads 3F00/7F50/6431\nRST\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
                    APD 00 B0 00 00 10 [] (90 00)\nOUT \"begins\" ${R}\nOFF\n";
/// Writes what the row says into it.
const OWN: &str = "REM bootgate 1\nVAR FIRST hex\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
                   PUT 3F00/7F50/6431 ${FIRST} 00 FF\nOFF\n";

/// How the bootstrap file of the card in a bay begins.
fn begins(pcscd: &Pcscd, bay: u16) -> String {
    std::fs::write(pcscd.folder().join("look.scr"), LOOK).unwrap();
    let args = ["card", "run", "look.scr", "-r", &Pcscd::reader(bay), "--format", "json"];
    let out = good(pcscd.bootgate(&args));
    let ran: Value = serde_json::from_str(&out).unwrap();
    ran["outputs"][0]["value"].as_str().unwrap_or_else(|| panic!("{out}")).to_owned()
}

/// What a command that went well has said.
fn good(ran: Output) -> String {
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!(ran.status.code(), Some(0), "{out}{err}");
    assert!(!format!("{out}{err}").contains(ADM), "{out}{err}");
    out
}

/// A script on each card of `cards.csv`.
fn scripts(pcscd: &Pcscd, script: &str, more: &[&str]) -> Output {
    let args = ["batch", "run", "cards.csv", "--yes", "--script", script];
    pcscd.bootgate(&[&args[..], more].concat())
}

#[test]
fn what_was_kept_of_each_card_is_put_back_into_that_card() {
    let pcscd = Pcscd::start(2);
    table(&pcscd, &[ADM, ADM]);
    let _cards: Vec<_> = (0..2).map(|bay| insert(&pcscd, bay, CARDS[usize::from(bay)])).collect();
    good(batch(&pcscd, &[]).output().unwrap());
    // So that what one card held is not what the other did.
    let own = OWN.replace("VAR FIRST hex\n", "").replace("${FIRST}", "A1 B2");
    std::fs::write(pcscd.folder().join("own.scr"), own).unwrap();
    let key = pcscd.folder().join("adm");
    std::fs::write(&key, ADM).unwrap();
    let reader = Pcscd::reader(1);
    let other = ["card", "run", "own.scr", "-r", &reader, "--set", "ADM=@adm", "--no-backup", "--yes"];
    good(pcscd.bootgate(&other));
    let before = [0, 1].map(|bay| begins(&pcscd, bay));
    assert!(before[0] != before[1] && before[1].starts_with("A1 B2 00 FF"), "{before:?}");

    good(scripts(&pcscd, "back-up", &["--backup", "kept"]));
    good(scripts(&pcscd, "erase", &["--no-backup"]));
    let erased = [0, 1].map(|bay| begins(&pcscd, bay));
    assert!(erased.iter().all(|begins| begins.starts_with("FF FF FF FF")), "{erased:?}");

    let nowhere = scripts(&pcscd, "restore", &["--restore", "nowhere", "--no-backup"]);
    let err = String::from_utf8(nowhere.stderr).unwrap();
    assert_eq!(nowhere.status.code(), Some(2), "{err}");
    assert!(err.contains("--restore nowhere: no such folder of backups"), "{err}");
    let untold = scripts(&pcscd, "restore", &["--no-backup"]);
    let err = String::from_utf8(untold.stderr).unwrap();
    assert!(untold.status.code() == Some(2) && err.contains("--restore DIR"), "{err}");
    assert_eq!([0, 1].map(|bay| begins(&pcscd, bay)), erased, "a batch that is refused touches no card");

    good(scripts(&pcscd, "restore", &["--restore", "kept", "--no-backup"]));
    assert_eq!([0, 1].map(|bay| begins(&pcscd, bay)), before);
}

#[test]
fn a_row_of_a_script_is_freed_for_another_card() {
    let pcscd = Pcscd::start(2);
    std::fs::write(pcscd.folder().join("own.scr"), OWN).unwrap();
    let rows = format!("first,adm1\nA1B2,{ADM}\nA1C5,{ADM}\n");
    std::fs::write(pcscd.folder().join("cards.csv"), rows).unwrap();
    let lost = insert(&pcscd, 0, CARDS[0]);
    let _kept = insert(&pcscd, 1, CARDS[1]);
    good(scripts(&pcscd, "own.scr", &["--no-backup"]));
    let line_of = |card: &str| {
        let given: Vec<Value> = results(&pcscd).into_iter().filter(|r| r["iccid"] == card).collect();
        let last = given.last().unwrap_or_else(|| panic!("no result of {card}"));
        assert!(last["ending"] == "done" && last["line"].is_u64(), "{last}");
        last["line"].clone()
    };
    let (first, second) = (line_of(CARDS[0]), line_of(CARDS[1]));
    assert_ne!(first, second);
    let held = begins(&pcscd, 0);

    let release = |more: &[&str]| {
        pcscd.bootgate(&[&["batch", "release", "cards.csv", "--card", CARDS[0]][..], more].concat())
    };
    // Without the script its columns mean nothing, and none is freed.
    let unknown = release(&[]);
    assert_ne!(unknown.status.code(), Some(0), "{unknown:?}");
    assert_eq!(good(release(&["--script", "own.scr"])), "cards.csv: 1 row free again\n");
    let again = release(&["--script", "own.scr"]);
    let said = String::from_utf8(again.stdout).unwrap();
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert_eq!(said, "cards.csv: no row was given to such a card\n");

    pcscd.pull(0, lost);
    let _new = insert(&pcscd, 0, CARDS[2]);
    good(scripts(&pcscd, "own.scr", &["--no-backup"]));
    assert_eq!((line_of(CARDS[2]), begins(&pcscd, 0)), (first, held));
}
