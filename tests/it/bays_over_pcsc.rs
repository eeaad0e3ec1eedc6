//! Bays over a real PC/SC service: it is killed and comes back with another reader, another program has the card, a reader has
//! a label.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::peers::{Process, numbered, pcscd::Pcscd, program, wait_for};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const CARDS: [&str; 2] = ["89490200001234567892", "89490200001234567900"];

fn insert(pcscd: &Pcscd, bay: u16, card: usize) -> Process {
    pcscd.insert(bay, &["--kind", "prepared", "--iccid", CARDS[card], "--bootstrap-size", "4096"])
}

/// A batch over both cards.
fn batch(pcscd: &Pcscd, args: &[&str]) -> Child {
    let table = format!(
        "iccid,imei,adm1\n{},490154203237518,12345678\n{},490154203237526,12345678\n",
        CARDS[0], CARDS[1]
    );
    std::fs::write(pcscd.folder().join("cards.csv"), table).unwrap();
    let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["batch", "run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--yes"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn results(pcscd: &Pcscd) -> Vec<Value> {
    let text = std::fs::read_to_string(pcscd.folder().join("cards.results.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn has_ended(pcscd: &Pcscd, cards: usize) {
    wait_for("a result", || results(pcscd).len() >= cards);
}

fn must_be_good(mut run: Child) -> String {
    let status = run.wait().unwrap();
    let mut said = String::new();
    run.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    run.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    said
}

#[test]
fn a_service_that_is_killed_is_waited_for_and_may_come_back_with_more_readers() {
    let mut pcscd = Pcscd::start(1);
    let config = "[[card.bay]]\nlabel = \"left\"\nreader = \"bay 0 00 00\"\n";
    std::fs::write(pcscd.folder().join("bootgate.toml"), config).unwrap();
    let listed = pcscd.bootgate(&["card", "list", "--identity", "--config", "bootgate.toml"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.starts_with("bay 0 00 00  empty, bay left\nbay 0 00 01  empty\n"), "{listed}");
    let run = batch(&pcscd, &["--config", "bootgate.toml"]);
    let first = insert(&pcscd, 0, 0);
    has_ended(&pcscd, 1);
    pcscd.restart(2);
    drop(first);
    let _second = insert(&pcscd, 1, 1);
    has_ended(&pcscd, 2);
    let said = must_be_good(run);
    assert!(said.contains("the PC/SC service is back"), "{said}");
    let bays: Vec<_> = results(&pcscd).iter().map(|r| r["bay"].as_str().unwrap().to_owned()).collect();
    assert_eq!(bays, ["left".to_owned(), Pcscd::reader(1)]);
}

/// Readers of one make swap their numbers when the service comes back with them in another order: a label of a serial number stays
/// with its reader.
#[test]
fn a_label_stays_with_its_reader_when_the_numbers_are_swapped() {
    let mut pcscd = Pcscd::start_with(|folder| numbered::conf(folder, &[0, 1]));
    let label = |name: &str, bay| {
        format!("[[card.bay]]\nlabel = \"{name}\"\nserial = \"{}\"\n", numbered::serial(bay))
    };
    std::fs::write(pcscd.folder().join("bootgate.toml"), label("left", 0) + &label("right", 1)).unwrap();
    let bays = |pcscd: &Pcscd| {
        let listed =
            pcscd.bootgate(&["card", "list", "--identity", "--config", "bootgate.toml", "--format", "json"]);
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let readers = listed["readers"].as_array().unwrap().iter();
        readers.map(|reader| (text(&reader["name"]), text(&reader["bay"]))).collect::<Vec<_>>()
    };
    let named = |first: &str, second: &str| {
        [("bay 00 00", first), ("bay 01 00", second)].map(|(name, bay)| (name.to_owned(), bay.to_owned()))
    };
    assert_eq!(bays(&pcscd), named("left", "right"));

    let plug = |pcscd: &Pcscd, bay, card: usize| {
        pcscd.plug(bay, &["--kind", "prepared", "--iccid", CARDS[card], "--bootstrap-size", "4096"])
    };
    let run = batch(&pcscd, &["--config", "bootgate.toml", "-r", "left"]);
    let first = plug(&pcscd, 0, 0);
    has_ended(&pcscd, 1);
    pcscd.restart_with(|folder| numbered::conf(folder, &[1, 0]));
    drop(first);
    assert_eq!(bays(&pcscd), named("right", "left"));
    // The reader that has the number of the other now is not the one that was named: its card is not touched.
    let other = plug(&pcscd, 1, 1);
    wait_for("the card in the other reader", || {
        let list = pcscd.bootgate(&["card", "list", "--format", "json"]);
        let list: Value = serde_json::from_slice(&list.stdout).unwrap();
        list["readers"][0]["card"] == true
    });
    drop(other);
    let _second = plug(&pcscd, 0, 1);
    has_ended(&pcscd, 2);
    must_be_good(run);
    let ended: Vec<_> = results(&pcscd).iter().map(|r| (r["bay"].clone(), r["iccid"].clone())).collect();
    assert_eq!(ended, CARDS.map(|card| (Value::from("left"), Value::from(card))));
}

#[test]
fn a_card_that_another_program_has_is_waited_for() {
    let pcscd = Pcscd::start(1);
    let _card = insert(&pcscd, 0, 0);
    // It holds the card for as long as it waits for commands.
    let mut other = pcscd.client(&program("scriptor", "pcsc-tools"));
    other.args(["-r", &Pcscd::reader(0)]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut command = other;
    let mut other = command.spawn().unwrap();
    wait_for("the other program at the card", || {
        // It gives up when it comes while we look.
        if other.try_wait().unwrap().is_some() {
            other = command.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(200));
        }
        let tried = pcscd.bootgate(&["card", "inspect", "-r", &Pcscd::reader(0)]);
        String::from_utf8_lossy(&tried.stderr).contains("another program uses the card")
    });
    let run = batch(&pcscd, &["-r", &Pcscd::reader(0)]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(results(&pcscd), Vec::<Value>::new(), "nothing is done to a card that another program has");
    drop(other.stdin.take());
    other.wait().unwrap();
    has_ended(&pcscd, 1);
    assert_eq!(results(&pcscd)[0]["ending"], "done");
    interrupt(run);
}

/// Ctrl-C.
fn interrupt(mut run: Child) {
    let id = run.id().to_string();
    assert!(Command::new(program("kill", "procps")).args(["-INT", &id]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(1), "a row is still to come");
}
