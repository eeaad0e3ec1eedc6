//! The soak: a batch of many cards in 16 readers of a real PC/SC service (vpcd), each command of a card taking its time, some
//! cards faulty. The speed is measured against one bay alone, and every card must end in the right bin.
//!
//! `make soak` runs 1,000 cards with 20 ms a command, good cards and then 2% faulty ones; among all the other tests a tenth
//! runs, quicker and with faulty ones only. The cards live in a process of their own beside the service, which plays the
//! people: it takes a card out when its result is there, waits until the service has seen that, and puts the next one in.

#![expect(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "this crate is nothing but tests")]

mod deck;
mod feeder;
#[path = "../it/peers"]
#[expect(dead_code, reason = "shared with the other tests, which use more of it")]
mod peers {
    pub mod namespace;
    pub mod pcscd;
    mod process;

    pub use process::{Process, program, wait_for};
}

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use deck::{Deck, Trouble};
use feeder::Stint;
use peers::pcscd::Pcscd;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
/// Readers of the service: each vpcd driver has two slots.
const READERS: u16 = 16;

/// How large the soak is.
struct Size {
    cards: u16,
    delay: Duration,
    watchdog: Duration,
}

/// What one run came to.
struct Ran {
    /// Cards that were not mute, the first of each bay apart.
    live: u32,
    /// Time that bays worked on those, in all: without the time that they waited for mute ones.
    bay_time: Duration,
    wall: Duration,
    summary: Value,
    results: Vec<Value>,
}

impl Ran {
    /// How long a bay was at one card.
    fn each(&self) -> Duration {
        self.bay_time / self.live
    }
}

fn number(name: &str, default: u16) -> u16 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn sixteen_bays_are_as_fast_as_sixteen_times_one() {
    let whole = std::env::var("BOOTGATE_SOAK").is_ok();
    let size = Size {
        cards: number("BOOTGATE_SOAK_CARDS", if whole { 1000 } else { 100 }),
        delay: Duration::from_millis(u64::from(number("BOOTGATE_SOAK_DELAY", if whole { 20 } else { 5 }))),
        watchdog: Duration::from_secs(if whole { 5 } else { 2 }),
    };
    let pcscd = Pcscd::start(READERS / 2);
    let alone = run(&pcscd, "alone", 1, &Deck::good(if whole { 10 } else { 4 }), &size);
    report("one bay", &alone, &alone);
    if whole {
        let good = run(&pcscd, "good", READERS, &Deck::good(size.cards), &size);
        report("16 bays, good cards", &good, &alone);
        check(&good, &Deck::good(size.cards), &alone);
    }
    let deck = Deck::with_faults(size.cards);
    let faulty = run(&pcscd, "faulty", READERS, &deck, &size);
    report("16 bays, 2% faulty", &faulty, &alone);
    check(&faulty, &deck, &alone);
}

/// Runs the program over a deck of cards.
fn run(pcscd: &Pcscd, name: &str, readers: u16, deck: &Deck, size: &Size) -> Ran {
    let table = pcscd.folder().join(format!("{name}.csv"));
    let results = table.with_extension("results.jsonl");
    std::fs::write(&table, deck.table()).unwrap();
    let mut batch = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    batch.args([
        "batch",
        "run",
        table.to_str().unwrap(),
        "--profile",
        PROFILE,
        "--as",
        "cp",
        "--yes",
        "--go-on",
    ]);
    batch.args(["--format", "json"]);
    if readers == 1 {
        batch.args(["-r", &reader(0)]);
    }
    batch.env("BOOTGATE_CARD_WATCHDOG", format!("{}ms", size.watchdog.as_millis()));
    batch.env("BOOTGATE_STORE_PATH", pcscd.folder().join(format!("{name}.db")));
    let batch = batch.stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();

    let mut feeder = pcscd.inside(&std::env::current_exe().unwrap());
    feeder.args(["--exact", "feeder::feeds_cards_to_readers", "--ignored", "--nocapture"]);
    feeder
        .env("SOAK_FOLDER", pcscd.folder())
        .env("SOAK_RESULTS", &results)
        .env("SOAK_READERS", readers.to_string());
    feeder.env("SOAK_DECK", deck.spelled()).env("SOAK_DELAY", size.delay.as_millis().to_string());
    let fed = feeder.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(fed.stdout).unwrap();
    assert!(fed.status.success(), "{said}\n{}", String::from_utf8_lossy(&fed.stderr));
    let wall = began.elapsed();
    // Rows whose card could not even be read are waited for without end: somebody must say that no more come.
    let id = batch.id().to_string();
    let _ = Command::new("kill").args(["-INT", &id]).status();
    let ended = batch.wait_with_output().unwrap();
    let summary = serde_json::from_slice(&ended.stdout).unwrap();
    let results = std::fs::read_to_string(&results).unwrap();
    let results: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times = said.lines().find_map(|line| line.split_once("BAYS ")).unwrap().1;
    let times: BTreeMap<String, Stint> = serde_json::from_str(times).unwrap();
    let busy = Duration::from_millis(times.values().map(|stint| stint.milliseconds).sum());
    let mute: u32 = times.values().map(|stint| stint.mute).sum();
    Ran {
        live: times.values().map(|stint| stint.live).sum(),
        bay_time: busy.saturating_sub(size.watchdog * mute),
        wall,
        summary,
        results,
    }
}

/// The name of a reader: two slots a driver.
fn reader(n: u16) -> String {
    format!("bay {} 00 {:02}", n / 2, n % 2)
}

/// The speed, and the bin of every card.
fn check(ran: &Ran, deck: &Deck, alone: &Ran) {
    let mut ended: BTreeMap<&str, &Value> = BTreeMap::new();
    for result in &ran.results {
        if let Some(iccid) = result["iccid"].as_str() {
            ended.insert(iccid, result);
        }
    }
    for (iccid, trouble) in deck.cards() {
        let result = ended.get(iccid.digits());
        let (bin, endings) = trouble.expected();
        match result {
            Some(result) => {
                assert_eq!(result["bin"], bin, "{trouble:?}: {result}");
                let ending = result["ending"].as_str().unwrap();
                assert!(endings.contains(&ending), "{trouble:?}: {result}");
                let by_watchdog = result["reason"].as_str().is_some_and(|why| why.contains("no answer for"));
                assert_eq!(by_watchdog, trouble == Trouble::Mute, "{result}");
            }
            // A card that never said its number: its row waits for it.
            None => assert_eq!(trouble, Trouble::Mute, "{iccid} has no result"),
        }
    }
    assert_eq!(ran.results.len(), usize::from(deck.len()), "one result for each card that was put in");
    let left_behind = ran.summary["left_behind"].as_array().unwrap().len();
    assert_eq!(left_behind, usize::from(deck.count(Trouble::Mute)), "threads left behind");
    let share = alone.each().as_secs_f64() / ran.each().as_secs_f64();
    assert!(share >= 0.9, "16 bays did {:.0}% of 16 times one", share * 100.0);
}

fn report(what: &str, ran: &Ran, alone: &Ran) {
    let share = 100.0 * alone.each().as_secs_f64() / ran.each().as_secs_f64();
    let a_minute = f64::from(u32::try_from(ran.results.len()).unwrap()) * 60.0 / ran.wall.as_secs_f64();
    println!(
        "soak: {what}: {} results in {:.1} s, {a_minute:.0} a minute; {:.0} ms a card in its bay, {share:.1}% of one bay alone",
        ran.results.len(),
        ran.wall.as_secs_f64(),
        ran.each().as_secs_f64() * 1000.0,
    );
}
