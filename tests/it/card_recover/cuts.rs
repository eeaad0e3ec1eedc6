//! A sample of the cuts that `card::tests::cuts` makes everywhere, over the whole chain: cuts at VERIFY, CREATE FILE and UPDATE, in
//! the middle of an answer too; the reader goes (vpcd's socket is closed) or the service is killed while an UPDATE waits for
//! its answer; a script is killed.

use std::path::Path;

use super::{Station, WRITE};
use crate::peers::{Process, wait_for};

/// The command to the card, counted from 1, that a write sends first of that name. Its lines in the log are the commands.
fn first(log: &str, name: &str, with_data: bool) -> usize {
    let commands = log.lines().filter(|line| line.contains(" sent, "));
    let sends = |line: &str| line.contains(name) && (!with_data || !line.contains(": 0 sent"));
    1 + commands.into_iter().position(sends).unwrap_or_else(|| panic!("no {name} in\n{log}"))
}

#[test]
fn a_cut_at_any_kind_of_command_is_settled_by_the_next_write() {
    let station = Station::new("bare");
    let clean = std::fs::read(station.file("card.json")).unwrap();
    let card = station.insert(None);
    let write = [&["-vv", "card", "write", "-r", "bay 0 00 00"], &WRITE[..]].concat();
    let ran = station.pcscd.bootgate(&write);
    let log = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{log}");
    station.pcscd.pull(0, card);
    let whole = station.image();
    let (verify, create, update) =
        (first(&log, "VERIFY", true), first(&log, "CREATE FILE", true), first(&log, "UPDATE BINARY", true));
    for (fault, pending) in [
        (format!("cut-after={verify}"), 0),
        (format!("cut-after={create}"), 1),
        (format!("half-answer={update}"), 1),
    ] {
        std::fs::write(station.file("card.json"), &clean).unwrap();
        let card = station.insert(Some(&fault));
        let (exit, out, err) = station.write();
        assert_eq!(exit, 1, "{fault}: {out}{err}");
        assert_eq!(station.pending(), pending, "{fault}: {err}");
        station.pcscd.pull(0, card);
        let card = station.insert(None);
        let (exit, out, err) = station.write();
        assert_eq!(exit, 0, "{fault}: {out}{err}");
        assert_eq!(station.pending(), 0, "{fault}");
        station.pcscd.pull(0, card);
        let files = |image: &bootgate::lab::image::CardImage| {
            image.mf.find(&[bootgate::wire::Fid::PKCS15]).unwrap().files().len()
        };
        assert_eq!(files(&station.image()), files(&whole), "{fault}: the tree is that of one write");
    }
}

/// A write that waits for the answer to its second UPDATE; its card goes with the second process.
fn waiting(station: &Station) -> (Process, Process) {
    let mute = station.insert(Some("mute-in-update=2"));
    let mut command = station.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["card", "write", "-r", "bay 0 00 00"]).args(WRITE);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut write = Process::start("card write", &mut command);
    wait_for("the UPDATE", || station.content().iter().rposition(|octet| *octet != 0xFF) > Some(255));
    write.must_live();
    (write, mute)
}

/// The write has failed, and what it has begun is taken back to the octet.
fn failed_and_taken_back(station: &Station, write: &mut Process, clean: &bootgate::lab::image::CardImage) {
    assert_eq!(write.child().wait().unwrap().code(), Some(1));
    assert_eq!(station.pending(), 1);
    let card = station.insert(None);
    let (exit, out, err) = station.recover(&["--roll-back", "--yes"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert_eq!(station.pending(), 0);
    station.pcscd.pull(0, card);
    assert!(station.image() == *clean, "the card is as it was, to the octet");
}

#[test]
fn a_reader_or_a_service_that_goes_in_mid_write_leaves_what_is_taken_back() {
    let mut station = Station::new("prepared");
    let clean = station.image();
    // vpcd's socket is closed: the card is gone from its reader.
    let (mut write, mute) = waiting(&station);
    station.pcscd.pull(0, mute);
    failed_and_taken_back(&station, &mut write, &clean);
    // The service is killed, and comes back.
    let (mut write, mute) = waiting(&station);
    station.pcscd.restart(1);
    drop(mute);
    failed_and_taken_back(&station, &mut write, &clean);
}

#[test]
fn a_script_that_is_killed_is_taken_back_before_anything_else_changes_the_card() {
    let station = Station::new("prepared");
    let card = station.insert(None);
    assert_eq!(station.write().0, 0);
    station.pcscd.pull(0, card);
    let held = station.image();

    let erase = ["erase", "--set", "ADM=@adm", "--no-backup", "--yes"];
    let mute = station.insert(Some("mute-in-update=2"));
    let mut command = station.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["card", "run", "-r", "bay 0 00 00"]).args(erase);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut script = Process::start("card run", &mut command);
    wait_for("the UPDATE", || station.content().get(1) == Some(&0xFF));
    // While it runs, nobody takes it for one that was cut off.
    let list = String::from_utf8(station.pcscd.bootgate(&["card", "recover", "--list"]).stdout).unwrap();
    assert!(list.contains("of a script") && list.contains("under way at this moment"), "{list}");
    script.must_live();
    script.kill();
    station.pcscd.pull(0, mute);

    let card = station.insert(None);
    let list = String::from_utf8(station.pcscd.bootgate(&["card", "recover", "--list"]).stdout).unwrap();
    assert!(list.contains("of a script") && !list.contains("under way"), "{list}");
    let (exit, out, err) = station.card("run", &erase);
    assert!(exit == 77 && err.contains("is not settled; run `bootgate card recover"), "{exit}: {out}{err}");
    let (exit, out, err) = station.recover(&[]);
    assert!(exit == 2 && out.contains("script erase was interrupted"), "{exit}: {out}{err}");
    assert!(err.contains("it cannot be gone on with"), "{err}");
    let (exit, _, err) = station.recover(&["--resume", "--yes"]);
    assert!(exit == 2 && err.contains("--roll-back"), "{exit}: {err}");
    let (exit, out, err) = station.recover(&["--roll-back", "--yes"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert_eq!(station.pending(), 0);
    station.pcscd.pull(0, card);
    assert!(station.image() == held, "the card is as it was, to the octet");
}
