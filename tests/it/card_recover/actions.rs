//! `card erase` and `card restore` that are cut off at a real PC/SC reader: killed, their card pulled, their reader gone while an
//! UPDATE waits for its answer. Seen by the virtual phone at that moment the card is old or holds none; then it is old, or new.

use std::path::Path;

use bootgate::{
    ident::ReaderName,
    lab::{
        card::VirtualCard,
        image::CardImage,
        reader::{CardHandle, InProcess},
        rehearsal::identity,
        slot::PhoneSlot,
    },
    phone::{BootstrapResult, Phone},
};

use super::Station;
use crate::peers::{Process, wait_for};

/// How an action is cut off in its `n`-th UPDATE, and the way out of it.
struct Cut {
    n: usize,
    by: By,
    way: &'static str,
}

#[derive(Clone, Copy)]
enum By {
    /// SIGKILL.
    Kill,
    /// vpcd's socket is closed: the card is gone from its reader.
    Pull,
    /// The service comes back without the reader.
    Unplug,
}

/// What a phone goes by that is switched on with the card: whether it takes an account from it.
fn phone_takes(image: &CardImage) -> bool {
    let card = CardHandle::new(VirtualCard::from_image(image.clone()).unwrap());
    let reader: ReaderName = "phone".parse().unwrap();
    let mut reader = InProcess::insert(&card, reader);
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    let mut phone = Phone::new(&identity(&"490154203237518".parse().unwrap())).unwrap();
    let report = phone.power_on(Some(&mut slot));
    for file in &report.files {
        let fits = match &file.result {
            BootstrapResult::Accepted { .. } | BootstrapResult::Empty => true,
            // The first octet is FF while the rest is written.
            BootstrapResult::Refused { reason, .. } => reason.to_string().contains("FF; expected"),
            _ => false,
        };
        assert!(fits, "{report}");
    }
    !report.accounts.is_empty()
}

/// Cuts an action off in one UPDATE after the other, each time from the same card, and goes one way out of it.
fn cut_off(station: &mut Station, action: &[&str], old: &CardImage, new: &CardImage, cuts: &[Cut]) {
    // What the card holds behind each UPDATE, as the cuts come by.
    let mut known = vec![old.clone()];
    for cut in cuts {
        std::fs::write(station.file("card.json"), old.to_string()).unwrap();
        let mute = station.insert(Some(&format!("mute-in-update={}", cut.n)));
        let mut command = station.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(["card", action[0], "-r", "bay 0 00 00", "--adm", "@adm", "--yes"]).args(&action[1..]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut running = Process::start("card action", &mut command);
        while known.len() <= cut.n {
            wait_for("the UPDATE", || !known.contains(&station.image()));
            known.push(station.image());
        }
        wait_for("the UPDATE", || station.image() == known[cut.n]);
        running.must_live();
        match cut.by {
            By::Kill => {
                running.kill();
                station.pcscd.pull(0, mute);
            }
            By::Pull => station.pcscd.pull(0, mute),
            By::Unplug => {
                station.pcscd.restart(0);
                drop(mute);
            }
        }
        if !matches!(cut.by, By::Kill) {
            assert_eq!(running.child().wait().unwrap().code(), Some(1), "never called done");
        }
        let torn = station.image();
        assert!(!phone_takes(&torn) || torn == *old || torn == *new);
        assert_eq!(station.pending(), 1);
        if matches!(cut.by, By::Unplug) {
            let (exit, out, err) = station.recover(&[cut.way, "--yes"]);
            assert!(exit == 69 && station.pending() == 1, "{exit}: {out}{err}");
            station.pcscd.restart(1);
        }
        let card = station.insert(None);
        let (exit, out, err) = station.recover(&[cut.way, "--yes"]);
        assert_eq!(exit, 0, "{out}{err}");
        let (wanted, said) = match cut.way {
            "--resume" => (new, "the card holds what the interrupted write was to bring"),
            _ => (old, "the card holds what it held before the interrupted write"),
        };
        assert!(out.contains(said), "{out}");
        assert_eq!(station.pending(), 0);
        station.pcscd.pull(0, card);
        assert!(station.image() == *wanted, "{} in UPDATE {}: not to the octet", cut.way, cut.n);
    }
}

/// The card after an action that nothing cuts off.
fn after(station: &Station, action: &[&str]) -> CardImage {
    let card = station.insert(None);
    let (exit, out, err) = station.card(action[0], &[&["--adm", "@adm", "--yes"], &action[1..]].concat());
    assert_eq!(exit, 0, "{out}{err}");
    station.pcscd.pull(0, card);
    station.image()
}

/// A station with a card that holds a bootstrap, and the card as it is then.
fn written() -> (Station, CardImage) {
    let station = Station::new("prepared");
    let card = station.insert(None);
    assert_eq!(station.write().0, 0);
    station.pcscd.pull(0, card);
    let held = station.image();
    assert!(phone_takes(&held));
    (station, held)
}

const CUTS: [Cut; 4] = [
    Cut { n: 1, by: By::Kill, way: "--roll-back" },
    Cut { n: 2, by: By::Pull, way: "--resume" },
    Cut { n: 2, by: By::Kill, way: "--roll-back" },
    Cut { n: 3, by: By::Unplug, way: "--resume" },
];

#[test]
fn an_erasure_that_is_cut_off_goes_on_or_is_taken_back() {
    let (mut station, held) = written();
    let erased = after(&station, &["erase"]);
    assert!(!phone_takes(&erased));
    cut_off(&mut station, &["erase"], &held, &erased, &CUTS);
}

#[test]
fn a_restoration_that_is_cut_off_goes_on_or_is_taken_back() {
    let (mut station, first) = written();
    let card = station.insert(None);
    assert_eq!(station.card("read", &["--as", "cp", "-o", "saved.bin"]).0, 0);
    // Other credentials are made each time.
    assert_eq!(station.write().0, 0);
    station.pcscd.pull(0, card);
    let second = station.image();
    let restore = ["restore", "saved.bin"];
    let restored = after(&station, &restore);
    assert!(restored == first && second != first);
    cut_off(&mut station, &restore, &second, &restored, &CUTS);
}
