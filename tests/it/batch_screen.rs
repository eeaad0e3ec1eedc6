//! What a person at the readers sees while a batch runs: a line for each bay, how many cards are good, how fast it goes, and how
//! long the rest takes.

use std::fs::File;

use crate::{
    batch_over_pcsc::{ADM, CARDS, insert, table},
    peers::{Process, pcscd::Pcscd, program, wait_for},
};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");

#[test]
fn a_terminal_shows_each_bay_the_rate_and_the_time_that_is_left() {
    let pcscd = Pcscd::start(2);
    table(&pcscd, &[ADM, ADM]);
    let _first = insert(&pcscd, 0, CARDS[0]);
    let bootgate = env!("CARGO_BIN_EXE_bootgate");
    let line = format!(
        "stty cols 120 rows 40; exec '{bootgate}' batch run cards.csv --profile '{PROFILE}' --as cp --yes"
    );
    let seen = pcscd.folder().join("seen");
    let mut command = pcscd.client(&program("script", "bsdutils"));
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
    let mut run = Process::start("script", command.stdout(File::create(&seen).unwrap()));
    let seen = || String::from_utf8_lossy(&std::fs::read(&seen).unwrap()).into_owned();
    wait_for("the sums of one card of two", || seen().contains("1 of 2 cards good, 1 to come; "));
    let shown = seen();
    let sums = shown.split("1 of 2 cards good, 1 to come; ").nth(1).unwrap();
    let (rate, rest) = sums.split_once(" a minute, ").unwrap_or_else(|| panic!("{shown}"));
    let (minutes, _) = rest.split_once(" min left").unwrap_or_else(|| panic!("{shown}"));
    assert!(rate.parse::<f64>().unwrap() > 0.0 && minutes.parse::<u64>().is_ok(), "{shown}");
    for (bay, what) in [(0, "working"), (1, "waiting for a card")] {
        let line = format!("{:20}  {what}", Pcscd::reader(bay));
        assert!(shown.contains(&line), "no `{line}` in {shown}");
    }

    let _second = insert(&pcscd, 1, CARDS[1]);
    assert_eq!(run.child().wait().unwrap().code(), Some(0), "{}", seen());
    let line = format!("{:20}  working", Pcscd::reader(1));
    assert!(seen().contains(&line), "no `{line}` in {}", seen());
    assert!(seen().contains("2 of 2 cards good in "), "{}", seen());
}
