//! A batch calls no card good that does not hold what was asked for it: what was written there since, another kind of payload, other
//! content under the same version and other numbers make its row one to be done.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    batch_over_pcsc::{ADM, CARDS},
    peers::pcscd::Pcscd,
};

const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
const DEVICE: &str = "490154203237518";
const OTHER_DEVICE: &str = "490154203237526";
/// A script that writes into the file of the bootstrap.
const OWN: &str = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\nPUT 3F00/7F50/6431 A1 B2\nOFF\n";

/// A station with one reader, a profile and a table of one card.
struct Station(Pcscd);

impl Station {
    fn new() -> Self {
        let station = Self(Pcscd::start(1));
        std::fs::write(station.0.folder().join("acme.toml"), PROFILE).unwrap();
        station.table(DEVICE);
        station
    }

    fn table(&self, imei: &str) {
        let table = format!("iccid,imei,adm1\n{},{imei},{ADM}\n", CARDS[0]);
        std::fs::write(self.0.folder().join("cards.csv"), table).unwrap();
    }

    fn insert(&self) -> crate::peers::Process {
        self.0
            .insert(0, &["--kind", "prepared", "--iccid", CARDS[0], "--adm", ADM, "--bootstrap-size", "4096"])
    }

    fn command(&self) -> Command {
        let mut command = self.0.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.env("ADM", ADM).stdin(Stdio::null()).current_dir(self.0.folder());
        command
    }

    /// A command, which must succeed; what it says on its output.
    fn does(&self, args: &[&str]) -> String {
        let done = self.command().args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// A command about the card in the reader.
    fn card(&self, action: &str, args: &[&str]) -> String {
        self.does(&[&["card", action, "-r", &Pcscd::reader(0)], args].concat())
    }

    /// How many jobs there are, and how many of them know that something else was written to their card.
    fn jobs(&self) -> (usize, usize) {
        let list: Value = serde_json::from_str(&self.does(&["job", "list", "--format", "json"])).unwrap();
        let jobs = list["jobs"].as_array().unwrap();
        (jobs.len(), jobs.iter().filter(|job| !job["overwritten_at"].is_null()).count())
    }

    /// A run over the table, which must end with every card good. All that it says.
    fn run(&self, kind: &str, more: &[&str]) -> String {
        let mut command = self.command();
        command.args(["batch", "run", "cards.csv", "--profile", "acme.toml", "--as", kind, "--yes"]);
        let ran = command.args(more).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert_eq!(ran.status.code(), Some(0), "{said}");
        said
    }

    /// A run that writes the card, and is not told that it would be skipped.
    fn writes(&self, kind: &str, more: &[&str]) {
        let said = self.run(kind, more);
        assert!(said.contains("line 2 done, ") && said.contains("1 of 1 card good in "), "{said}");
        assert!(!said.contains("will be skipped"), "{said}");
    }
}

#[test]
fn a_card_that_was_erased_is_written_again_and_one_that_is_in_is_looked_at() {
    let station = Station::new();
    let card = station.insert();
    station.writes("cp", &[]);
    let again = station.run("cp", &[]);
    assert!(again.contains("will be skipped if the card still holds it"), "{again}");
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");

    let mut erase = station.command();
    erase.args(["card", "erase", "-r", &Pcscd::reader(0), "--adm", "env:ADM", "--yes"]);
    let erased = erase.output().unwrap();
    assert!(erased.status.success(), "{erased:?}");
    station.writes("cp", &[]);

    // Another card with that number, which was never written: what lies in the reader counts, not the job.
    station.0.pull(0, card);
    let empty = station.insert();
    let said = station.run("cp", &[]);
    assert!(said.contains("line 2 done, ") && said.contains("1 of 1 card good in "), "{said}");

    // With nothing in the reader the job's word is all there is, and the run says so.
    station.0.pull(0, empty);
    let unseen = station.run("cp", &[]);
    assert!(unseen.contains("1 of 1 card good, 1 by earlier runs, not looked at now"), "{unseen}");
}

#[test]
fn another_kind_other_content_and_other_numbers_are_not_done() {
    let station = Station::new();
    let _card = station.insert();
    station.writes("cp", &[]);
    station.writes("dm", &[]);
    let again = station.run("dm", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");

    // The same version with another access point.
    let edited = PROFILE.replace("\"internet.acme.example\"", "\"other.acme.example\"");
    assert_ne!(edited, PROFILE);
    std::fs::write(station.0.folder().join("acme.toml"), edited).unwrap();
    station.writes("dm", &[]);
    station.table(OTHER_DEVICE);
    station.writes("dm", &[]);
    let again = station.run("dm", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
    station.writes("dm", &["--again"]);
}

/// Whatever else writes to a card takes from its job that it is done.
#[test]
fn a_card_that_was_written_restored_or_given_a_script_is_written_again() {
    let station = Station::new();
    let _card = station.insert();
    let adm = ["--adm", "env:ADM", "--yes"];
    station.writes("cp", &[]);
    assert_eq!(station.jobs(), (1, 0));
    station.card("read", &["--as", "cp", "-o", "saved"]);

    let other = ["--profile", "acme.toml", "--as", "cp", "--imei", OTHER_DEVICE];
    station.card("write", &[&other[..], &adm].concat());
    assert_eq!(station.jobs(), (2, 1), "a write has a job of its own");
    station.writes("cp", &[]);
    assert_eq!(station.jobs(), (3, 2));

    station.card("restore", &[&["saved"][..], &adm].concat());
    assert_eq!(station.jobs(), (3, 3));
    station.writes("cp", &[]);

    std::fs::write(station.0.folder().join("own.scr"), OWN).unwrap();
    let script = ["own.scr", "--set", "ADM=env:ADM", "--no-backup", "--yes"];
    station.card("run", &script);
    assert_eq!(station.jobs(), (4, 4));
    let watch =
        ["--profile", "acme.toml", "--as", "cp", "--table", "cards.csv", "--apply", "--yes", "--once"];
    let watched = station.card("watch", &[&watch[..], &["--format", "json"]].concat());
    assert!(watched.contains("\"event\":\"written\""), "{watched}");
    assert_eq!(station.jobs(), (5, 4));

    // What a station has written is done for it, and for a batch.
    let watched = station.card("watch", &[&watch[..], &["--format", "json"]].concat());
    assert!(watched.contains("nothing_because") && !watched.contains("\"written\""), "{watched}");
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
    station.card("run", &script);
    station.writes("cp", &[]);
    assert_eq!(station.jobs(), (6, 6 - 1));
}

/// Nobody has told the database of the other station's write: the octets on the card do.
#[test]
fn a_card_that_another_database_has_written_is_found_out_by_its_octets() {
    let station = Station::new();
    let _card = station.insert();
    station.writes("cp", &[]);
    let mut other = station.command();
    other.env("BOOTGATE_STORE_PATH", station.0.folder().join("other.db"));
    other.args(["card", "write", "-r", &Pcscd::reader(0), "--profile", "acme.toml", "--as", "cp"]);
    other.args(["--imei", DEVICE, "--adm", "env:ADM", "--yes"]);
    let written = other.output().unwrap();
    assert!(written.status.success(), "{written:?}");
    assert_eq!(station.jobs(), (1, 0));
    // The same kind of payload for the same server, device and card: only the secrets are others.
    let watch =
        ["--profile", "acme.toml", "--as", "cp", "--table", "cards.csv", "--once", "--format", "json"];
    let watched = station.card("watch", &watch);
    assert!(watched.contains("\"event\":\"plan\""), "{watched}");
    let said = station.run("cp", &[]);
    assert!(said.contains("line 2 done, ") && said.contains("1 of 1 card good in "), "{said}");
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
}

#[test]
fn a_row_with_a_name_is_done_again_and_a_check_may_ask_for_all() {
    let station = Station::new();
    let table = format!("iccid,imei,adm1,key\n{},{DEVICE},{ADM},unit-1\n", CARDS[0]);
    std::fs::write(station.0.folder().join("cards.csv"), table).unwrap();
    let _card = station.insert();
    station.writes("cp", &[]);
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
    station.card("erase", &["--adm", "env:ADM", "--yes"]);
    station.writes("cp", &[]);
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
    assert_eq!(station.jobs(), (2, 1));

    let check = ["batch", "check", "cards.csv", "--profile", "acme.toml"];
    let checked = station.does(&check);
    assert!(
        checked.contains("1 of them is done already") && checked.contains("will be skipped if"),
        "{checked}"
    );
    let checked = station.does(&[&check[..], &["--again"]].concat());
    assert!(!checked.contains("done already") && !checked.contains("skipped"), "{checked}");
    let dry = ["batch", "run", "cards.csv", "--profile", "acme.toml", "--as", "cp", "--dry-run"];
    assert!(station.does(&dry).contains("done already, and skipped if the card still holds it"));
    assert!(!station.does(&[&dry[..], &["--again"]].concat()).contains("done already"));
}

/// A file behind a PIN: with the PIN of the row it is looked at, and no card is good for what cannot be read.
#[test]
fn a_card_whose_file_is_behind_a_pin_is_not_done_for_want_of_a_look() {
    let station = Station::new();
    let with_pin = format!("iccid,imei,adm1,pin\n{},{DEVICE},{ADM},1234\n", CARDS[0]);
    let table = |text: &str| std::fs::write(station.0.folder().join("cards.csv"), text).unwrap();
    let insert = || station.0.insert(0, &["--kind", "pin", "--iccid", CARDS[0], "--adm", ADM]);
    table(&with_pin);
    let card = insert();
    station.writes("cp", &[]);
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");

    // Another card with that number, which holds nothing. Without the PIN nobody can tell; the row says so, and is not good.
    station.0.pull(0, card);
    let empty = insert();
    station.table(DEVICE);
    let mut command = station.command();
    let ran = command.args(["batch", "run", "cards.csv", "--profile", "acme.toml", "--as", "cp", "--yes"]);
    let ran = ran.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("line 2 failed: ") && said.contains("PIN"), "{said}");
    table(&with_pin);
    station.writes("cp", &[]);
    let again = station.run("cp", &[]);
    assert!(again.contains("1 of 1 card good, 1 done before"), "{again}");
    drop(empty);
}

/// At a station no PIN is presented before somebody agrees: the job waits, and it is said that nobody can tell.
#[test]
fn a_station_says_that_a_done_card_cannot_be_read() {
    let station = Station::new();
    let with_pin = format!("iccid,imei,adm1,pin\n{},{DEVICE},{ADM},1234\n", CARDS[0]);
    std::fs::write(station.0.folder().join("cards.csv"), with_pin).unwrap();
    let _card = station.0.insert(0, &["--kind", "pin", "--iccid", CARDS[0], "--adm", ADM]);
    station.writes("cp", &[]);
    let mut command = station.command();
    command.args(["card", "watch", "-r", &Pcscd::reader(0), "--profile", "acme.toml", "--as", "cp"]);
    let ran = command.args(["--table", "cards.csv", "--once"]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("waits: ") && said.contains("whether it is still there cannot be read"), "{said}");
}
