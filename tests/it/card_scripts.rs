//! Card scripts as somebody writes them, and what is said of them before any card is near.

use std::process::Command;

use crate::peers::pcscd::Pcscd;

const SOUND: &str = "REM bootgate 1
VAR FILE path 3F00/7F50/6431
KEY 0A ADM
EFF updates ${FILE} by 0A
RST
VER 0A
APD 00 A4 08 0C lv(path(${FILE})) (90 00)
APD 00 D6 00 00 01 FF (90 00)
OFF
";
const UNSOUND: &str = "RST
CMD A0 A4 00 00 03 3F 00 (9F XX)
CMD A0 20 00 01 08 \\
 31 32 33 34 FF FF FF FF (90 00)
CMD A0 E4 00 00 02 6F 07 (90 00)
";

fn check(folder: &tempfile::TempDir, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["card", "run"]).args(args).current_dir(folder.path()).env_remove("BOOTGATE_CONFIG");
    let out = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[test]
fn scripts_are_checked_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sound.scr"), SOUND).unwrap();
    std::fs::write(folder.path().join("bad.scr"), UNSOUND).unwrap();
    let (exit, out, err) = check(&folder, &["--check", "sound.scr"]);
    assert_eq!((exit, out.as_str()), (0, "1 script, 0 errors, 0 warnings\n"), "{err}");

    let (exit, out, _) = check(&folder, &["--check", "sound.scr", "bad.scr"]);
    assert_eq!(exit, 78, "{out}");
    for line in [
        "bad.scr:2:1: error: P3 says 3 octets of data, 2 follow",
        "bad.scr:3:1: warning: a key stands in clear",
        "bad.scr:5:1: error: DELETE FILE destroys, and is not declared",
        "2 scripts, 2 errors, 1 warning",
    ] {
        assert!(out.contains(line), "{line} in {out}");
    }
    assert!(!out.contains("31 32 33 34"), "a key is never repeated: {out}");

    let (exit, out, _) = check(&folder, &["--check", "--format", "json", "sound.scr", "bad.scr"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &json["errors"], &json["files"][0]["version"]), (78, &2.into(), &1.into()));
    let effect = &json["files"][0]["effects"][0];
    assert_eq!((&effect["kind"], &effect["file"]), (&"updates".into(), &"3F00/7F50/6431".into()));
    assert_eq!((&json["files"][1]["problems"][0]["line"], exit), (&2.into(), 78));

    for empty in ["", "\n\n", "REM nothing yet\n", "REM bootgate 1\nREM later\n"] {
        std::fs::write(folder.path().join("empty.scr"), empty).unwrap();
        let (exit, out, _) = check(&folder, &["--check", "empty.scr"]);
        assert!(
            exit == 78 && out.contains("empty.scr:1:1: error: nothing in the script does anything"),
            "{out}"
        );
    }
}

#[test]
fn a_listing_names_the_line_of_each_statement() {
    let folder = tempfile::tempdir().unwrap();
    let script = "REM bootgate 1\nRST\nAPD 00 A4 00 0C 02 3F 00 (90 00, 6D 00)\nSWI\n90 00 :\nRST\n6D 00 :\nRST\nESW\nOFF\n";
    std::fs::write(folder.path().join("a.scr"), script).unwrap();
    let (_, out, err) = check(&folder, &["a.scr", "--dry-run"]);
    let lines: Vec<_> = out.lines().filter(|line| line.ends_with("ESW") || line.ends_with("OFF")).collect();
    assert_eq!(lines, ["   9  ESW", "  10  OFF"], "{out}{err}");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, _, err) = check(&folder, &["--check", "none.scr"]);
    assert!(
        exit == 2 && err.contains("cannot read none.scr") && err.contains("`bootgate card run --list` names"),
        "{err}"
    );
    assert_eq!(check(&folder, &["none.scr"]).0, 2);
    for typed in ["resotre", "restore.scr"] {
        let (exit, _, err) = check(&folder, &["--check", typed]);
        assert!(exit == 2 && err.contains("did you mean `restore`, which comes with bootgate?"), "{err}");
    }
}

#[test]
fn scripts_come_along_and_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, out, _) = check(&folder, &["--list"]);
    assert_eq!((exit, out.lines().count()), (0, 6), "{out}");
    let (exit, text, _) = check(&folder, &["--print", "erase"]);
    assert!(exit == 0 && text.starts_with("REM bootgate 1\n"), "{text}");
    // A file of that name goes before, as a start for one's own.
    std::fs::write(folder.path().join("erase"), text.replace("} FF\n", "} 00\n")).unwrap();
    let (exit, out, err) = check(&folder, &["erase", "--dry-run"]);
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains("PUT 3F00/7F50/6431 00") && out.ends_with("nothing was sent\n"), "{out}");
    let (exit, out, _) = check(&folder, &["survey", "--dry-run", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &json["entries"][1]["sent"]), (0, &"00 A4 00 0C 02 3F 00".into()));
}

#[test]
fn values_are_taken_and_secrets_only_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let script = "REM bootgate 1\nVAR N digits\nVAR KI secret hex\nEFF updates 3F00/6F01\nPUT 3F00/6F01 bcd-swap(${N}) ${KI}\n";
    std::fs::write(folder.path().join("a.scr"), script).unwrap();
    std::fs::write(folder.path().join("ki"), "4D41524B45442D37\n").unwrap();
    let run = |set: &[&str]| {
        let mut args = vec!["a.scr", "--dry-run"];
        set.iter().for_each(|set| args.extend(["--set", set]));
        check(&folder, &args)
    };
    let (exit, out, err) = run(&["N=1234", "KI=@ki"]);
    assert!(exit == 0 && out.contains("PUT 3F00/6F01 21 43 ***"), "{out}{err}");
    for (set, exit, says) in [
        (&["N=1234", "KI=4D41524B45442D37"][..], 2, "a secret is given as @FILE, env:NAME or -"),
        (&["N=1234"], 78, "variable `KI` has no value"),
        (&["N=x", "KI=@ki"], 78, "the value of `N` is not decimal digits"),
        (&["N=1", "M=1", "KI=@ki"], 78, "unknown variable `M`"),
        (&["N"], 2, "--set takes NAME=VALUE"),
        (&["N=1", "N=2"], 2, "given twice"),
    ] {
        let ran = run(set);
        assert!(ran.0 == exit && ran.2.contains(says), "{set:?}: {ran:?}");
        assert!(!format!("{ran:?}").contains("4D41524B"), "{ran:?}");
    }
}

#[test]
fn values_come_from_the_row_of_the_card() {
    let station = Station(Pcscd::start_counting(1));
    let folder = station.0.folder();
    std::fs::write(folder.join("adm"), ADM).unwrap();
    let script = "REM bootgate 1\nVAR FIRST hex\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
                  PUT 3F00/7F50/6431 ${FIRST} 00 FF\nOFF\n";
    std::fs::write(folder.join("row.scr"), script).unwrap();
    let table = |text: &str| std::fs::write(folder.join("rows.csv"), text).unwrap();
    let _card = station.0.insert(0, &["--kind", "bare", "--adm", ADM]);
    let made = station.run(&["create-bootstrap-tree", "--set", "ADM=@adm", "--yes", "--no-backup"]);
    assert_eq!(made.0, 0, "{made:?}");
    let run = |more: &[&str]| {
        station.run(&[&["row.scr", "--rows", "rows.csv", "--set", "ADM=@adm", "--no-backup"], more].concat())
    };
    // Another card's row that cannot be right stops all, before any card is touched.
    for (text, exit, says) in [
        ("first\n11\n", 78, "rows.csv:1: no column iccid"),
        ("iccid,first\n89001010000000000018,A1\n12,A2\n", 78, "rows.csv:3: error: iccid: "),
        (
            "iccid,first\n89001010000000000018,A1\n89001010000000000018,A2\n",
            78,
            "rows.csv:3: error: iccid: the same ICCID stands in line 2",
        ),
        (
            "iccid,first\n89001010000000000018,A1\n89001010000000000026,MARKED\n",
            78,
            "rows.csv:3: error: row.scr",
        ),
        ("iccid,first\n89001010000000000018,A1\n89001010000000000026,\n", 78, "`FIRST` has no value"),
        (
            "iccid,frist\n89001010000000000018,A1\n",
            78,
            "rows.csv:1: error: frist: unknown column; did you mean `FIRST`?",
        ),
        ("iccid,first\n89001010000000000026,A1\n", 1, "card 89001010000000000018 has no row in rows.csv"),
    ] {
        table(text);
        let (code, out, err) = run(&["--yes"]);
        assert!(code == exit && err.contains(says), "{says}: {out}{err}");
        assert!(!out.contains("PUT"), "{out}");
    }
    // A column of batches is none of the script's with a slip in it.
    table("box,ICCID,adm1,first\nx,89001010000000000018,,A1B2\ny,89001010000000000026,,C3D4\n");
    let (exit, out, err) = run(&["--dry-run"]);
    assert!(exit == 0 && out.contains("A1 B2 00 FF") && out.contains("C3 D4 00 FF"), "{out}{err}");
    assert!(err.contains("rows.csv:1: nothing in the script uses column box"), "{err}");
    // Each row is named, and what it lacks.
    assert!(out.starts_with("rows.csv:2:\n") && out.contains("\nrows.csv:3:\n"), "{out}");
    let (exit, out, _) = station.run(&["row.scr", "--rows", "rows.csv", "--dry-run"]);
    assert!(exit == 0 && out.contains("rows.csv:2:\n  has no key ADM in column adm1: --set"), "{out}");
    // What is wrong with any row is told at once.
    table("iccid,first\n89001010000000000018,A1X\n89001010000000000026,\n");
    let (exit, _, err) = run(&["--yes"]);
    assert!(
        exit == 78
            && err.contains("rows.csv:2: error: row.scr:")
            && err.contains("rows.csv:3: error: row.scr:"),
        "{err}"
    );
    assert!(err.contains("rows.csv has 2 errors; nothing was sent"), "{err}");
    table("box,ICCID,first\nx,89001010000000000018,A1B2\ny,89001010000000000026,C3D4\n");
    let before = station.0.connects();
    let (exit, out, err) = run(&["--yes"]);
    assert!(exit == 0 && out.contains("A1 B2 00 FF") && !out.contains("C3 D4"), "{out}{err}");
    // Whoever puts another card in between the look for its row and the script is found out: the card is connected once.
    assert_eq!((before > 0, station.0.connects() - before), (true, 1));
    let (exit, out, err) = run(&["--yes", "--set", "FIRST=E5F6"]);
    assert!(exit == 0 && out.contains("E5 F6 00 FF"), "what is set goes before the row: {out}{err}");

    // A table of a batch, as a spreadsheet writes it, its key among the rest.
    let of_batch = |more: &[&str]| {
        station.run(&[&["row.scr", "--rows", "rows.csv", "--no-backup", "--yes"], more].concat())
    };
    table("ICCID;first;ADM1\n89001010000000000018;0102;MARKED-A\n89001010000000000026;0304;MARKED-B\n");
    let (exit, out, err) = of_batch(&[]);
    assert!(exit == 0 && out.contains("01 02 00 FF"), "{out}{err}");
    // A table of a vendor, with the file that says what its columns are called.
    table("Box;Serial;first;Secret\n7;89001010000000000018;0506;MARKED-A\n");
    let columns = "ignore = [\"Box\"]\n[columns]\niccid = \"Serial\"\nadm1 = \"Secret\"\n";
    std::fs::write(folder.join("columns.toml"), columns).unwrap();
    let (exit, out, err) = of_batch(&["--columns", "columns.toml"]);
    assert!(exit == 0 && out.contains("05 06 00 FF") && !err.contains("Box"), "{out}{err}");
    // Where it is missing, all places are named that it may come from.
    table("ICCID;first\n89001010000000000018;0102\n");
    let (exit, _, err) = of_batch(&[]);
    let says = ["rows.csv:2: error: adm1: no key 0A (ADM1)", "column adm1", "--set ADM=", "--keys"];
    assert!(exit == 78 && says.iter().all(|says| err.contains(says)), "{err}");
    let keys = |text: &str| std::fs::write(folder.join("keys.csv"), text).unwrap();
    keys("iccid,adm1\n89001010000000000018,MARKED-A\n");
    let (exit, out, err) = of_batch(&["--keys", "csv:keys.csv"]);
    assert_eq!(exit, 0, "{out}{err}");
}

/// What is wrong with the command line is told before a reader is asked: none is here.
#[test]
fn files_of_old_content_are_looked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("adm"), "MARKED-A").unwrap();
    std::fs::write(folder.path().join("other.json"), "{}").unwrap();
    std::fs::write(folder.path().join("rows.csv"), "iccid\n89001010000000000018\n").unwrap();
    for (script, files, exit, says) in [
        ("restore", &["--restore", "none.json", "--no-backup"][..], 2, "cannot read none.json"),
        ("restore", &["--restore", "other.json", "--no-backup"], 78, "other.json is no backup of a card"),
        ("restore", &["--no-backup"], 2, "say from where with --restore FILE"),
        ("erase", &["--backup", "other.json"], 2, "other.json exists"),
        ("erase", &["--backup", "none/card.json"], 2, "there is no folder none"),
        ("erase", &["--no-backup", "--restore", "other.json"], 2, "the script has no RES"),
        ("erase", &["--no-backup", "--keys", "csv:none.csv"], 2, "cannot read none.csv"),
        (
            "erase",
            &["--no-backup", "--rows", "rows.csv", "--columns", "none.toml"],
            2,
            "cannot read none.toml",
        ),
        ("survey", &["--backup", "card.json"], 2, "there is no backup to make"),
    ] {
        let key: &[&str] = if script == "survey" { &[] } else { &["--set", "ADM=@adm"] };
        let (code, out, err) = check(&folder, &[&[script, "-r", "no reader", "--yes"], key, files].concat());
        assert!(
            code == exit && err.contains(says) && out.is_empty(),
            "{script} {files:?}: {code} {out}{err}"
        );
    }
}

/// A backup that was asked for is made, also where the card holds already what it is to hold.
#[test]
fn a_backup_is_made_of_what_need_not_change() {
    let station = Station(Pcscd::start(1));
    let folder = station.0.folder();
    std::fs::write(folder.join("adm"), ADM).unwrap();
    let _card = station.0.insert(0, &["--kind", "prepared", "--adm", ADM]);
    let erase = ["erase", "--set", "ADM=@adm", "--yes", "--backup", "before.json", "--plain-backup"];
    let (exit, out, err) = station.run(&erase);
    assert!(exit == 0 && out.contains("0 changes") && out.contains("unchanged"), "{out}{err}");
    assert!(out.contains("kept: 1 piece of old content in before.json"), "{out}");
    let kept = std::fs::read_to_string(folder.join("before.json")).unwrap();
    assert!(kept.contains("3F00/7F50/6431") && kept.contains(&"FF".repeat(4096)), "{kept}");
}

/// ADM1 of the card, marked, so that it would be seen in any output.
const ADM: &str = "MARKED-A";

struct Station(Pcscd);

impl Station {
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let reader = Pcscd::reader(0);
        let out = self.0.bootgate(&[&["card", "run", "-r", &reader], args].concat());
        let text = |octets| String::from_utf8(octets).unwrap();
        let ran = (out.status.code().unwrap(), text(out.stdout), text(out.stderr));
        for marked in ["MARKED", "4D 41 52 4B", "4D41524B"] {
            assert!(!format!("{ran:?}").contains(marked), "{args:?}: {ran:?}");
        }
        ran
    }
}

#[test]
fn shipped_scripts_run_over_a_reader() {
    let station = Station(Pcscd::start(1));
    let folder = station.0.folder();
    for (name, text) in [("adm", ADM), ("wrong", "MARKED-K")] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let _card = station.0.insert(0, &["--kind", "bare", "--adm", ADM]);
    let key = ["--set", "ADM=@adm", "--yes"];

    let (exit, out, err) = station.run(&["survey"]);
    assert!(exit == 0 && out.contains("OUT ICCID\n      89001010000000000018"), "{out}{err}");
    assert!(out.contains("ok: survey on card 89001010000000000018, 0 changes ("), "{out}");

    let (exit, _, err) = station.run(&["create-bootstrap-tree", key[0], key[1], key[2]]);
    assert!(exit == 2 && err.contains("--backup FILE"), "{err}");
    let (exit, _, err) = station.run(&["create-bootstrap-tree", key[0], key[1], "--no-backup"]);
    assert!(exit == 2 && err.contains("give --yes"), "{err}");
    let run = |args: &[&str]| {
        let (exit, out, err) = station.run(&[args, &key, &["--format", "json"]].concat());
        assert_eq!(exit, 0, "{args:?}: {out}{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let made = run(&["create-bootstrap-tree", "--backup", "tree.json"]);
    assert_eq!(
        (&made["ok"], &made["backup"], &made["saved"]),
        (&true.into(), &"tree.json".into(), &5.into())
    );
    assert!(folder.join("tree.json").exists());

    // A script of one's own, with the key as octets: it is presented under the rule, and written as stars.
    let adm: String = ADM.bytes().map(|octet| format!(" {octet:02X}")).collect();
    let own = format!(
        "RST\nCMD 00 20 00 0A 08{adm} (90 00)\nCMD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nCMD 00 D6 00 00 03 01 02 03 (90 00)\n\
         CMD 00 B0 00 00 03 [01 02 04] (90 00)\nOFF\n"
    );
    std::fs::write(folder.join("own.scr"), own).unwrap();
    let (exit, out, err) = station.run(&["own.scr", "--backup", "own.json", "--yes"]);
    assert!(
        exit == 1 && err.contains("own.scr:5:1: the card answered data that differ at octet 3"),
        "{out}{err}"
    );
    assert!(out.contains("expected  01 02 04 (90 00)\n      seen      01 02 03 (90 00)"), "{out}");
    assert!(out.contains("kept: 1 piece of old content in own.json"), "{out}");
    // It has stopped with a change on the card, which somebody looks at before the next script changes it.
    assert!(out.contains("what it changed is in the journal of writes"), "{out}");
    let (exit, _, err) = station.run(&["erase", key[0], key[1], key[2], "--no-backup"]);
    assert!(exit == 77 && err.contains("is not settled"), "{err}");
    let reader = Pcscd::reader(0);
    let forgotten = station.0.bootgate(&["card", "recover", "-r", &reader, "--forget", "--yes"]);
    assert!(forgotten.status.success(), "{forgotten:?}");

    let (exit, out, err) = station.run(&["back-up", "--backup", "whole.json"]);
    assert!(exit == 0 && out.contains("kept: 3 pieces of"), "{out}{err}");
    assert_eq!(run(&["erase", "--backup", "erase.json"])["changes"], 2);
    run(&["restore", "--restore", "whole.json", "--no-backup"]);
    let locked = run(&["lock-for-shipping", "--no-backup"]);
    assert_eq!(locked["outputs"][0]["label"], "without a key");
    let read = "REM bootgate 1\nEFF reads 3F00/7F50/6431\nRST\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
                APD 00 B0 00 00 04 [01 02 03 FF] (90 00)\n";
    std::fs::write(folder.join("read.scr"), read).unwrap();
    assert_eq!(station.run(&["read.scr"]).0, 0);

    // A refused key is never presented again, by no script.
    let wrong = ["erase", "--no-backup", "--yes", "--set", "ADM=@wrong"];
    assert_eq!(station.run(&wrong).0, 77);
    let (exit, _, err) = station.run(&["erase", "--no-backup", "--yes", "--set", "ADM=@adm"]);
    assert!(exit == 77 && err.contains("clear-refusal"), "{err}");
}

#[test]
fn keys_come_from_sources_by_the_number_of_the_card() {
    let station = Station(Pcscd::start(1));
    let keys = |text: &str| std::fs::write(station.0.folder().join("keys.csv"), text).unwrap();
    let _card = station.0.insert(0, &["--kind", "prepared", "--adm", ADM]);
    let run = |more: &[&str]| {
        station.run(&[&["erase", "--keys", "csv:keys.csv", "--no-backup", "--yes"], more].concat())
    };
    // Another card's key is not this card's.
    keys("iccid,adm1\n89001010000000000026,MARKED-A\n");
    let (exit, out, err) = run(&[]);
    assert!(exit != 0 && err.contains("looked for") && err.contains("--set ADM="), "{exit}: {out}{err}");
    keys("iccid,adm1\n89001010000000000018,MARKED-A\n89001010000000000026,MARKED-B\n");
    let (exit, out, err) = run(&[]);
    assert!(exit == 0 && out.contains("VER 0A\n      accepted"), "{out}{err}");
    // A wrong one is presented once, whatever the source says next.
    keys("iccid,adm1\n89001010000000000018,MARKED-W\n");
    let (exit, _, err) = run(&[]);
    assert!(exit == 77 && err.contains("2 tries are left"), "{err}");
    keys("iccid,adm1\n89001010000000000018,MARKED-A\n");
    let (exit, _, err) = run(&[]);
    assert!(exit == 77 && err.contains("clear-refusal"), "{err}");
}

#[test]
fn a_pin_is_unblocked_by_a_puk_from_a_source_and_a_new_value_from_the_row() {
    let station = Station(Pcscd::start(1));
    let folder = station.0.folder();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "unblock.scr",
        "REM bootgate 1\nVAR NEW secret digits\nPUK 01 PUK1\nEFF keys 01\nRST\nUNB 01 ${NEW}\n",
    );
    write("literal.scr", "RST\nCMD A0 2C 00 00 10 3331343135393236 37313732FFFFFFFF (90 00)\n");
    write("rows.csv", "iccid,new\n89001010000000000018,71727374\n");
    write("new", "71727374");
    let _card = station.0.insert(0, &["--kind", "pin"]);
    let run = |puk: &str, more: &[&str]| {
        write("keys.csv", &format!("iccid,puk1\n89001010000000000018,{puk}\n"));
        let ran =
            station.run(&[&["unblock.scr", "--rows", "rows.csv", "--keys", "csv:keys.csv"], more].concat());
        assert!(!format!("{ran:?}").contains("71727374") && !format!("{ran:?}").contains(puk), "{ran:?}");
        ran
    };
    let (exit, out, err) = run("31415926", &["--dry-run"]);
    assert!(exit == 0 && out.contains("UNB 01 ***") && out.contains("UNBLOCK PIN *** ***"), "{out}{err}");
    let (exit, out, err) = run("31415926", &["--yes"]);
    assert!(exit == 0 && out.contains("UNB 01\n      done") && out.contains("1 change"), "{out}{err}");
    assert!(out.contains("keys      01 (PIN1)"), "what it changes is shown first: {out}");
    let reader = Pcscd::reader(0);
    let pin = ["card", "change-pin", "-r", &reader, "--pin", "@new", "--new-pin", "@new", "--yes"];
    let taken = station.0.bootgate(&pin);
    assert!(taken.status.success(), "{taken:?}");
    let (exit, _, err) = run("97979797", &["--yes"]);
    assert!(exit == 77 && err.contains("9 tries are left"), "{err}");
    let (exit, _, err) = run("31415926", &["--yes"]);
    assert!(exit == 77 && err.contains("clear-refusal"), "{err}");
    // As octets it is sent by nobody.
    let (exit, _, err) = station.run(&["literal.scr", "--yes", "--no-backup"]);
    assert!(exit == 78 && err.contains("say UNB 01 ${NEW}, with a declared PUK"), "{err}");
    assert!(!err.contains("3331343135393236"), "{err}");
}
