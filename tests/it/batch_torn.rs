//! Cards of a batch that are torn at a real PC/SC reader: the process is killed (SIGKILL) in the middle of an UPDATE, or the card
//! is pulled there. The next run settles them by itself, and each is in the right bin.

use std::process::{Command, Stdio};

use bootgate::{
    lab::image::{Body, CardImage},
    wire::Fid,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, ended, results, table},
    peers::{Process, pcscd::Pcscd, program, wait_for},
};

/// A service whose first reader takes the card in `card.json`.
pub fn station(readers: u16, manner: &[&str]) -> Pcscd {
    let pcscd = Pcscd::start(readers);
    let new = ["lab", "card", "--new", "card.json", "--kind", "prepared", "--iccid", CARDS[0], "--adm", ADM];
    assert!(pcscd.bootgate(&[&new[..], manner].concat()).status.success());
    pcscd
}

/// Puts the card in, with what goes wrong.
pub fn insert(pcscd: &Pcscd, fault: &[&str]) -> Process {
    pcscd.insert(0, &[&["--image", "card.json", "--save"], fault].concat())
}

/// The file for the bootstrap, as the card in `card.json` has it.
pub fn content(pcscd: &Pcscd) -> Vec<u8> {
    let image = CardImage::load(&pcscd.folder().join("card.json")).unwrap();
    match &image.mf.find(&[Fid::PKCS15, Fid(0x6431)]).unwrap().body {
        Body::Transparent(octets) => octets.clone(),
        _ => panic!("not transparent"),
    }
}

/// How many cards are not settled.
pub fn pending(pcscd: &Pcscd) -> usize {
    let list = pcscd.bootgate(&["card", "recover", "--list", "--format", "json"]);
    serde_json::from_slice::<Value>(&list.stdout).unwrap()["cards"].as_array().unwrap().len()
}

/// The states of the jobs, the newest first.
fn states(pcscd: &Pcscd) -> Vec<String> {
    let list = pcscd.bootgate(&["job", "list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let jobs = list["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job["state"].as_str().unwrap().to_owned()).collect()
}

/// A result is good, and what it tells is what the card holds.
fn is_whole(pcscd: &Pcscd, result: &Value) {
    assert_eq!((&result["ending"], &result["bin"]), (&"done".into(), &"good".into()), "{result}");
    let octets = usize::try_from(result["octets"].as_u64().unwrap()).unwrap();
    let file = content(pcscd);
    assert_eq!(hex(&Sha256::digest(&file[..octets])), result["sha256"].as_str().unwrap());
    assert!(file[octets..].iter().all(|octet| *octet == 0xFF), "nothing of the first try is behind it");
    assert_eq!(pending(pcscd), 0);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Kills a batch in the second UPDATE, on a channel, and runs it again.
fn killed_and_settled(manner: &[&str], channel: &str) {
    let pcscd = station(1, manner);
    table(&pcscd, &[ADM]);
    let mute = insert(&pcscd, &["--fault", "mute-in-update=2"]);
    let start = || {
        let mut command = batch(&pcscd, &[]);
        command.env("BOOTGATE_CARD_CHANNEL", channel);
        command
    };
    let mut run = start().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the UPDATE", || content(&pcscd).iter().rposition(|octet| *octet != 0xFF) > Some(255));
    assert!(run.try_wait().unwrap().is_none());
    run.kill().unwrap();
    run.wait().unwrap();
    pcscd.pull(0, mute);
    assert_eq!((results(&pcscd).len(), pending(&pcscd), content(&pcscd)[0]), (0, 1, 0xFF));

    let _card = insert(&pcscd, &[]);
    let ran = start().output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("1 of 1 card good"), "{said}");
    let told = results(&pcscd);
    assert_eq!(told.len(), 1);
    is_whole(&pcscd, &told[0]);
    assert_eq!(states(&pcscd), ["delivered", "failed"], "what was taken back was not delivered");
}

#[test]
fn a_batch_that_is_killed_in_an_update_is_settled_by_the_next() {
    killed_and_settled(&[], "basic");
}

#[test]
fn so_is_one_on_another_channel_of_a_card_that_speaks_t1() {
    killed_and_settled(&["--protocol", "t1", "--quirk", "dir-without-path"], "logical");
}

/// A script that changes a file in two steps.
const SCRIPT: &str = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
    PUT 3F00/7F50/6431 A1 B2\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 D6 00 04 02 C3 C4 (90 00)\nOFF\n";

/// The process of a batch of a script is killed between its two changes; the next one takes back the first, and runs the script.
#[test]
fn a_script_that_is_killed_in_an_update_is_settled_by_the_next() {
    let pcscd = station(1, &[]);
    table(&pcscd, &[ADM]);
    std::fs::write(pcscd.folder().join("own.scr"), SCRIPT).unwrap();
    let start = || {
        let mut command = pcscd.client(std::path::Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(["batch", "run", "cards.csv", "--script", "own.scr", "--no-backup", "--yes"]);
        command.env("BOOTGATE_STORE_PATH", pcscd.folder().join("store.db")).env_remove("BOOTGATE_CONFIG");
        command
    };
    let before = content(&pcscd);
    let mute = insert(&pcscd, &["--fault", "mute-in-update=2"]);
    let mut run = start().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the first change", || content(&pcscd)[..2] == [0xA1, 0xB2]);
    assert!(run.try_wait().unwrap().is_none());
    run.kill().unwrap();
    run.wait().unwrap();
    pcscd.pull(0, mute);
    assert_ne!(content(&pcscd), before);
    assert_eq!(pending(&pcscd), 1);

    let _card = insert(&pcscd, &[]);
    let ran = start().output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let told = results(&pcscd);
    assert_eq!(
        (told.len(), &told[0]["ending"], &told[0]["bin"]),
        (1, &"done".into(), &"good".into()),
        "{told:?}"
    );
    let mut expected = before;
    expected[..2].copy_from_slice(&[0xA1, 0xB2]);
    expected[4..6].copy_from_slice(&[0xC3, 0xC4]);
    assert!(content(&pcscd) == expected && pending(&pcscd) == 0);
}

#[test]
fn a_card_that_is_pulled_in_an_update_is_bad_until_the_next_run_has_settled_it() {
    let pcscd = station(2, &[]);
    table(&pcscd, &[ADM, ADM]);
    let torn = insert(&pcscd, &["--fault", "pull-in-update=2"]);
    let good = pcscd.insert(1, &["--kind", "prepared", "--iccid", CARDS[1], "--adm", ADM]);
    let mut run = batch(&pcscd, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    ended(&pcscd, 2);
    let told = results(&pcscd);
    let of = |iccid: &str| told.iter().find(|line| line["iccid"] == iccid).unwrap();
    let (bad, fine) = (of(CARDS[0]), of(CARDS[1]));
    assert_eq!((&bad["ending"], &bad["bin"]), (&"unknown".into(), &"bad".into()), "{bad}");
    assert_eq!((&bad["sha256"], &bad["octets"]), (&Value::Null, &Value::Null), "{bad}");
    assert_eq!((&fine["ending"], &fine["bin"]), (&"done".into(), &"good".into()), "{fine}");
    let id = run.id().to_string();
    assert!(Command::new(program("kill", "procps")).args(["-INT", &id]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert_eq!((pending(&pcscd), content(&pcscd)[0]), (1, 0xFF));
    pcscd.pull(0, torn);

    let _again = insert(&pcscd, &[]);
    let ran = batch(&pcscd, &[]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    // The other card is in its reader still, and may be looked at again.
    assert!(said.contains("2 of 2 cards good, 1 "), "{said}");
    let told = results(&pcscd);
    is_whole(&pcscd, told.iter().rfind(|line| line["iccid"] == CARDS[0]).unwrap());
    drop(good);
}
