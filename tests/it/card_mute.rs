//! A card that does not answer, under the hand of somebody who works on one card: the command ends, says what is known, and leaves the
//! card to whoever has it next.

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::{
    batch_over_pcsc::ADM,
    batch_torn,
    peers::{Process, pcscd::Pcscd},
};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
/// Far more than the watchdog, and less than what somebody would call for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn command(pcscd: &Pcscd, args: &[&str]) -> (Output, Duration) {
    let mut command: Command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["card", args[0], "-r", &Pcscd::reader(0)]).args(&args[1..]);
    command.env("ADM", ADM).env("BOOTGATE_CARD_WATCHDOG", "1s");
    let began = Instant::now();
    (command.output().unwrap(), began.elapsed())
}

fn write(pcscd: &Pcscd) -> (Option<i32>, String) {
    let args = [
        "write",
        "--profile",
        PROFILE,
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--adm",
        "env:ADM",
        "--yes",
    ];
    let (ran, took) = command(pcscd, &args);
    assert!(took < PATIENCE, "{took:?}");
    (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
}

fn insert(pcscd: &Pcscd, fault: &str) -> Process {
    batch_torn::insert(pcscd, &["--fault", fault])
}

#[test]
fn a_card_that_goes_mute_ends_the_command_and_is_settled_by_the_next() {
    let pcscd = batch_torn::station(1, &[]);
    // While it is looked at: nothing is on it.
    let mute = insert(&pcscd, "mute=8");
    let (exit, said) = write(&pcscd);
    assert!(exit == Some(69) && said.contains("the card does not answer"), "{exit:?} {said}");
    assert_eq!(batch_torn::pending(&pcscd), 0);
    pcscd.pull(0, mute);

    // In the middle of an UPDATE: it is in the journal, and free to whoever has the card next.
    let mute = insert(&pcscd, "mute-in-update=2");
    let (exit, said) = write(&pcscd);
    assert!(exit == Some(1) && said.contains("what is on the card is not known"), "{exit:?} {said}");
    let list = pcscd.bootgate(&["card", "recover", "--list"]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("steps") && !list.contains("under way"), "{list}");
    pcscd.pull(0, mute);

    let _good = batch_torn::insert(&pcscd, &[]);
    let (exit, said) = write(&pcscd);
    assert!(exit == Some(0) && batch_torn::pending(&pcscd) == 0, "{exit:?} {said}");

    // Nobody waits for a card that is only looked at either.
    let (looked, took) = command(&pcscd, &["inspect"]);
    assert!(looked.status.success() && took < PATIENCE, "{looked:?}");
}
