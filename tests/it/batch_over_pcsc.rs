//! A batch on the command line, over a real PC/SC service with several readers: cards come and go, each result is on disk, a run
//! that is started again leaves alone what is done.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::peers::pcscd::Pcscd;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
pub const ADM: &str = "MARKED-A";
const WRONG: &str = "MARKED-K";
pub const CARDS: [&str; 4] =
    ["89490200001234567892", "89490200001234567900", "89490200001234567918", "89490200001234567926"];

/// Puts a card with the key [`ADM`] into a bay.
pub fn insert(pcscd: &Pcscd, bay: u16, iccid: &str) -> crate::peers::Process {
    pcscd.insert(bay, &["--kind", "prepared", "--iccid", iccid, "--adm", ADM, "--bootstrap-size", "4096"])
}

/// A batch over `cards.csv` in the folder of the service.
pub fn batch(pcscd: &Pcscd, args: &[&str]) -> Command {
    let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["batch", "run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--yes"]).args(args);
    command.env("BOOTGATE_STORE_PATH", pcscd.folder().join("store.db")).env_remove("BOOTGATE_CONFIG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Writes `cards.csv`: a row for each of [`CARDS`] that there is a key for.
pub fn table(pcscd: &Pcscd, keys: &[&str]) {
    let devices = ["490154203237518", "490154203237526", "490154203237534", "490154203237542"];
    let rows: String = CARDS
        .iter()
        .zip(devices)
        .zip(keys)
        .map(|((iccid, imei), key)| format!("{iccid},{imei},{key}\n"))
        .collect();
    std::fs::write(pcscd.folder().join("cards.csv"), format!("iccid,imei,adm1\n{rows}")).unwrap();
}

/// What the batch has written down.
pub fn results(pcscd: &Pcscd) -> Vec<Value> {
    let text = std::fs::read_to_string(pcscd.folder().join("cards.results.jsonl")).unwrap();
    assert!(!text.contains(ADM) && !text.contains(WRONG), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn several_readers_share_a_table() {
    let pcscd = Pcscd::start(3);
    table(&pcscd, &[ADM, ADM, ADM]);
    let cards: Vec<_> =
        CARDS.iter().take(3).zip(0..).map(|(iccid, bay)| insert(&pcscd, bay, iccid)).collect();
    // A hook that collects what it is given.
    let hook = pcscd.folder().join("hook");
    std::fs::write(&hook, "#!/bin/sh\necho \"$1 $(cat)\" >> heard\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    peer(&pcscd, "openssl genpkey -algorithm ed25519 -out station.pem", true);
    peer(&pcscd, "openssl pkey -in station.pem -pubout -out station.pub", true);
    let sign = ["--sign-key", "@station.pem"];
    let args = ["--csv", "results.csv", "--hook", hook.to_str().unwrap(), "--format", "json"];
    let args = [&args[..], &sign[..]].concat();
    let ran = batch(&pcscd, &args).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!(ran.status.code(), Some(0), "{out}{err}");
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((summary["done"].as_u64(), summary["rows"].as_u64()), (Some(3), Some(3)));

    let mut bays: Vec<String> =
        results(&pcscd).iter().map(|r| r["bay"].as_str().unwrap().to_owned()).collect();
    bays.sort();
    assert_eq!(bays, [0, 1, 2].map(Pcscd::reader));
    let heard = std::fs::read_to_string(pcscd.folder().join("heard")).unwrap();
    assert_eq!(heard.lines().filter(|l| l.starts_with("good {") && l.contains("\"sha256\"")).count(), 3);
    let csv = std::fs::read_to_string(pcscd.folder().join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.starts_with("at,bay,line,iccid,ending,bin,job,state,reason,octets,sha256,milliseconds"));

    signed_by_the_station(&pcscd, "cards.results.jsonl", "3 results of 3 cards: 3 good, 0 bad");
    signed_by_the_station(&pcscd, "results.csv", "3 results of 3 cards: 3 good, 0 bad");
    // A line of CSV that nobody has signed.
    let last = csv.lines().last().unwrap();
    std::fs::write(pcscd.folder().join("results.csv"), format!("{csv}{last}\n")).unwrap();
    let said = verify(&pcscd, "results.csv", 1);
    assert!(said.contains("its last line was not signed"), "{said}");

    // Again: nothing is left to do. The cards that lie in readers are looked at all the same.
    let ran = batch(&pcscd, &sign).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{out}");
    assert!(out.contains("3 of 3 cards good, 3 done before"), "{out}");
    assert_eq!(results(&pcscd).len(), 6);
    // One more row: the cards that are in are looked at, and told as they are; the new one is written.
    table(&pcscd, &[ADM, ADM, ADM, ADM]);
    drop(cards);
    let fourth = insert(&pcscd, 0, CARDS[3]);
    let ran = batch(&pcscd, &sign).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{out}");
    assert!(out.contains("4 of 4 cards good, 3 by earlier runs, not looked at now"), "{out}");
    signed_by_the_station(&pcscd, "cards.results.jsonl", "7 results of 4 cards: 4 good, 0 bad");

    // Results that somebody has touched are not added to.
    let file = pcscd.folder().join("cards.results.jsonl");
    let text = std::fs::read_to_string(&file).unwrap().replacen("\"done\"", "\"failed\"", 1);
    std::fs::write(&file, text).unwrap();
    assert!(verify(&pcscd, "cards.results.jsonl", 1).contains("a line was changed, added or taken away"));
    peer(&pcscd, "sha256sum -c cards.results.jsonl.sha256", false);
    let ran = batch(&pcscd, &sign).output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(77), "{err}");
    assert!(err.contains("cannot be gone on with") && err.contains("--results"), "{err}");
    drop(fourth);
}

/// Runs a peer in the folder of the test.
fn peer(pcscd: &Pcscd, line: &str, good: bool) {
    let ran = Command::new("sh").args(["-c", line]).current_dir(pcscd.folder()).output().unwrap();
    assert_eq!(ran.status.success(), good, "{line}: {ran:?}");
}

fn verify(pcscd: &Pcscd, file: &str, status: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    let args = ["batch", "verify", file, "--public-key", "station.pub"];
    let ran = command.args(args).current_dir(pcscd.folder()).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(status), "{out}{}", String::from_utf8_lossy(&ran.stderr));
    out
}

/// A file is what the station has signed, by our word and by that of others.
fn signed_by_the_station(pcscd: &Pcscd, file: &str, sum: &str) {
    assert_eq!(verify(pcscd, file, 0), format!("{file}: as it was signed, {sum}\n"));
    peer(pcscd, &format!("sha256sum -c {file}.sha256"), true);
    let openssl = "openssl pkeyutl -verify -rawin -pubin -inkey station.pub";
    peer(pcscd, &format!("{openssl} -in {file}.sha256 -sigfile {file}.sha256.sig"), true);
}

/// The process is killed in the middle of a card of a table that names none.
#[test]
fn rows_stay_with_their_cards_when_the_run_is_killed() {
    let pcscd = Pcscd::start(1);
    let rows = ["490154203237518", "490154203237526"].map(|imei| format!("{imei},{ADM}\n")).concat();
    std::fs::write(pcscd.folder().join("cards.csv"), format!("imei,adm1\n{rows}")).unwrap();
    let slow = ["--kind", "prepared", "--iccid", CARDS[0], "--adm", ADM, "--bootstrap-size", "4096"];
    let card = pcscd.insert(0, &[&slow[..], &["--speed", "1500"]].concat());
    let mut killed = batch(&pcscd, &[]).spawn().unwrap();
    crate::peers::wait_for("the write", || {
        let jobs = pcscd.bootgate(&["job", "list", "--format", "json"]);
        String::from_utf8_lossy(&jobs.stdout).contains("\"delivering\"")
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(results(&pcscd), [] as [Value; 0]);

    // Another card comes first, and gets the second row; then the first one is made whole.
    pcscd.pull(0, card);
    let other = insert(&pcscd, 0, CARDS[1]);
    let mut run = batch(&pcscd, &[]).spawn().unwrap();
    ended(&pcscd, 1);
    pcscd.pull(0, other);
    let _again = insert(&pcscd, 0, CARDS[0]);
    assert_eq!(run.wait().unwrap().code(), Some(0));
    let told: Vec<_> = results(&pcscd)
        .iter()
        .map(|r| (r["iccid"].as_str().unwrap().to_owned(), r["line"].as_u64(), r["ending"].clone()))
        .collect();
    let expected = [(CARDS[1], 3), (CARDS[0], 2)];
    assert_eq!(told, expected.map(|(card, line)| (card.to_owned(), Some(line), "done".into())));
}

/// Waits until so many results are written.
pub fn ended(pcscd: &Pcscd, count: usize) {
    crate::peers::wait_for("a result", || {
        let text = std::fs::read_to_string(pcscd.folder().join("cards.results.jsonl")).unwrap_or_default();
        text.lines().count() >= count
    });
}

#[test]
fn cards_come_and_go_and_a_refused_key_stops_the_batch() {
    let pcscd = Pcscd::start(1);
    table(&pcscd, &[ADM, WRONG, ADM]);
    let mut run = batch(&pcscd, &[]).spawn().unwrap();
    for (n, iccid) in ["89490200001234567934", CARDS[0], CARDS[1]].into_iter().enumerate() {
        let card = insert(&pcscd, 0, iccid);
        ended(&pcscd, n + 1);
        pcscd.pull(0, card);
    }
    let status = run.wait().unwrap();
    assert_eq!(status.code(), Some(77));
    let endings: Vec<String> =
        results(&pcscd).iter().map(|r| r["ending"].as_str().unwrap().to_owned()).collect();
    assert_eq!(endings, ["skipped", "done", "refused"]);
}
