//! Files that are there already: nothing is overwritten unless somebody says so, and then in one piece.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use super::program::bootgate_in;

const CONSUMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";
const MINE: &str = "what somebody has worked on";

/// Everything that writes a file which was named, but for what reads a card.
const WRITERS: [&[&str]; 9] = [
    &["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI, "-o"],
    &["profile", "build", CONSUMER, "--as", "rcs", "--imei", IMEI, "-o"],
    &["profile", "import", "cp.wbxml", "-o"],
    &["profile", "ddf", "-o"],
    &["notify", "build", "--profile", CONSUMER, "--secret", "@secret", "--zero-nonce", "octets", "-o"],
    &["batch", "seal", "keys.csv", "-o"],
    &["lab", "card", "--new"],
    &["lab", "card", "--vpcd", "127.0.0.1:1", "--wait", "0", "--save"],
    &["rehearse", "--save"],
];

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "MARKED-server-secret").unwrap();
    fs::write(folder.path().join("keys.csv"), "iccid,adm1\n89001010000000000018,12345678\n").unwrap();
    let ran = bootgate_in(folder.path(), &[WRITERS[0], &["cp.wbxml"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("store.db"));
    names.sort();
    names
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_somebody_says_so() {
    for writer in WRITERS {
        let folder = place();
        let file = folder.path().join("mine");
        fs::write(&file, MINE).unwrap();
        let ran = bootgate_in(folder.path(), &[writer, &["mine"]].concat());
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{writer:?}: {}", ran.err);
        assert!(
            ran.err.contains("mine is there already and was left as it is; --force replaces it"),
            "{}",
            ran.err
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), MINE, "{writer:?}");
        assert_eq!(names(folder.path()), ["cp.wbxml", "keys.csv", "mine", "secret"], "{writer:?}");

        let ran = bootgate_in(folder.path(), &[writer, &["mine", "--force"]].concat());
        // There is no reader for the virtual card; it was saved before that was seen.
        assert_eq!(ran.exit, if writer.contains(&"--vpcd") { 69 } else { 0 }, "{writer:?}: {}", ran.err);
        assert_ne!(fs::read(&file).unwrap(), MINE.as_bytes(), "{writer:?}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{writer:?}");
        assert_eq!(names(folder.path()), ["cp.wbxml", "keys.csv", "mine", "secret"], "{writer:?}");
    }
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = place();
    let file = folder.path().join("mine");
    fs::write(&file, MINE).unwrap();
    // The disk is full after 1 KiB.
    let script = format!(
        "ulimit -f 1; trap '' XFSZ; exec {} profile build {CONSUMER} --as rcs --imei {IMEI} -o mine --force",
        env!("CARGO_BIN_EXE_bootgate")
    );
    let out = Command::new("bash").args(["-c", &script]).current_dir(&folder).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), MINE);
    fs::remove_file(&file).unwrap();
    let out =
        Command::new("bash").args(["-c", &script.replace(" --force", "")]).current_dir(&folder).output();
    assert_eq!(out.unwrap().status.code(), Some(1));
    assert_eq!(names(folder.path()), ["cp.wbxml", "keys.csv", "secret"], "no half of it is left");
}

#[test]
fn links_and_devices_are_written_through() {
    let folder = place();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, MINE).unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    let ran = bootgate_in(folder.path(), &[WRITERS[3], &["link"]].concat());
    assert_eq!(ran.exit, 2, "{}", ran.err);
    let ran = bootgate_in(folder.path(), &[WRITERS[3], &["link", "--force"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("<MgmtTree"));
    let ran = bootgate_in(folder.path(), &[WRITERS[3], &["/dev/stdout"]].concat());
    assert!(ran.exit == 0 && ran.out.contains("<MgmtTree"), "{}", ran.err);
    assert!(fs::metadata("/dev/null").unwrap().rdev() != 0);
}
