//! A batch calls no card good that does not hold what was asked for it: what was written there since, another kind of payload, other
//! content under the same version and other numbers make its row one to be done.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    batch_over_pcsc::{ADM, CARDS},
    peers::pcscd::Pcscd,
};

const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
const DEVICE: &str = "490154203237518";
const OTHER_DEVICE: &str = "490154203237526";

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
        assert!(said.contains("line 2 done, ") && said.contains("1 of 1 cards good in "), "{said}");
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
    assert!(again.contains("1 of 1 cards good, 1 done before"), "{again}");

    let mut erase = station.command();
    erase.args(["card", "erase", "-r", &Pcscd::reader(0), "--adm", "env:ADM", "--yes"]);
    let erased = erase.output().unwrap();
    assert!(erased.status.success(), "{erased:?}");
    station.writes("cp", &[]);

    // Another card with that number, which was never written: what lies in the reader counts, not the job.
    station.0.pull(0, card);
    let empty = station.insert();
    let said = station.run("cp", &[]);
    assert!(said.contains("line 2 done, ") && said.contains("1 of 1 cards good in "), "{said}");

    // With nothing in the reader the job's word is all there is, and the run says so.
    station.0.pull(0, empty);
    let unseen = station.run("cp", &[]);
    assert!(unseen.contains("1 of 1 cards good, 1 by earlier runs, not looked at now"), "{unseen}");
}

#[test]
fn another_kind_other_content_and_other_numbers_are_not_done() {
    let station = Station::new();
    let _card = station.insert();
    station.writes("cp", &[]);
    station.writes("dm", &[]);
    let again = station.run("dm", &[]);
    assert!(again.contains("1 of 1 cards good, 1 done before"), "{again}");

    // The same version with another access point.
    let edited = PROFILE.replace("\"internet.acme.example\"", "\"other.acme.example\"");
    assert_ne!(edited, PROFILE);
    std::fs::write(station.0.folder().join("acme.toml"), edited).unwrap();
    station.writes("dm", &[]);
    station.table(OTHER_DEVICE);
    station.writes("dm", &[]);
    let again = station.run("dm", &[]);
    assert!(again.contains("1 of 1 cards good, 1 done before"), "{again}");
    station.writes("dm", &["--again"]);
}
