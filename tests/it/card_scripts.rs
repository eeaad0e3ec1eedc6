//! Card scripts as somebody writes them, and what is said of them before any card is near.

use std::process::Command;

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
    assert_eq!((exit, out.as_str()), (0, "1 script(s), 0 error(s), 0 warning(s)\n"), "{err}");

    let (exit, out, _) = check(&folder, &["--check", "sound.scr", "bad.scr"]);
    assert_eq!(exit, 78, "{out}");
    for line in [
        "bad.scr:2:1: error: P3 says 3 octets of data, 2 follow",
        "bad.scr:3:1: warning: a key stands in clear",
        "bad.scr:5:1: error: DELETE FILE destroys, and is not declared",
        "2 script(s), 2 error(s), 1 warning(s)",
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
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, _, err) = check(&folder, &["--check", "none.scr"]);
    assert!(exit == 1 && err.contains("cannot read none.scr"), "{err}");
    assert_eq!(check(&folder, &["none.scr"]).0, 2);
}
