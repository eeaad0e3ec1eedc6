//! The soak of pushes is in `pushes`; this is the soak of cards: a batch of many cards in 16 readers of a real PC/SC
//! service (vpcd), each command of a card taking its time, some cards faulty. The speed is measured against one bay alone, and every card must end in the right bin.
//!
//! `make soak` runs 1,000 cards with 20 ms a command: good UICCs, good SIMs of the second generation, and UICCs of which 2% are
//! faulty; among all the other tests a tenth of that, quicker. The cards live in a process of their own beside the service, which plays the
//! people: it takes a card out when its result is there, waits until the service has seen that, and puts the next one in.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "this crate is nothing but tests, and prints what it measured"
)]

mod deck;
mod feeder;
#[path = "../load/mod.rs"]
#[expect(dead_code, reason = "shared with the benchmark, which uses more of it")]
mod load;
#[path = "../it/peers"]
#[expect(dead_code, reason = "shared with the other tests, which use more of it")]
mod peers {
    pub mod namespace;
    pub mod pcscd;
    mod process;

    pub use process::{Process, program, wait_for};
}
mod pushes;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use deck::Deck;
use feeder::Stint;
use peers::{pcscd::Pcscd, wait_for};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
/// Readers of the service: each vpcd driver has two slots.
const READERS: u16 = 16;

/// What is measured wants the machine for itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Keeps everything else of the soak waiting.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How large the soak is.
struct Size {
    cards: u16,
    delay: Duration,
    watchdog: Duration,
    /// What share of 16 times one bay must be done at the least: less where other tests and builds run beside.
    share: f64,
}

/// What one run came to.
struct Ran {
    /// Cards that were not mute, the first of each bay apart.
    live: u32,
    /// Time that bays worked on those, in all: without the time that they waited for mute ones.
    bay_time: Duration,
    /// Time that bays waited for mute ones, in all.
    waited: Duration,
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
    let _alone = alone();
    let whole = std::env::var("BOOTGATE_SOAK").is_ok();
    let size = Size {
        cards: number("BOOTGATE_SOAK_CARDS", if whole { 1000 } else { 100 }),
        delay: Duration::from_millis(u64::from(number("BOOTGATE_SOAK_DELAY", if whole { 20 } else { 10 }))),
        watchdog: Duration::from_secs(if whole { 5 } else { 2 }),
        share: if whole { 0.9 } else { 0.75 },
    };
    let pcscd = Pcscd::start(READERS / 2);
    // Among other tests fewer of them, and a bound that holds while those want the machine too.
    let (one, many) = if whole { (10, size.cards) } else { (4, size.cards / 2) };
    // By the clock on the wall: start, change of cards and the last ones count.
    let wall = |name: &str, ran: &Ran, alone: &Ran, wanted: f64| {
        let share = by_the_wall(ran, alone);
        assert!(
            !whole || share >= wanted,
            "{name}: by the wall 16 bays did {:.0}% of 16 times one",
            share * 100.0
        );
    };
    let good = |name: &str, cards: fn(u16) -> Deck| {
        let alone = run(&pcscd, &format!("{name}-alone"), 1, &cards(one), &size);
        report(&format!("one bay, {name}"), &alone, &alone);
        let deck = cards(many);
        let ran = run(&pcscd, name, READERS, &deck, &size);
        report(&format!("16 bays, {name}"), &ran, &alone);
        check(&ran, &deck, &alone, if whole { size.share } else { 0.5 });
        wall(name, &ran, &alone, size.share);
        alone
    };
    let (alone, sim_alone) = (good("good", Deck::good), good("sims", Deck::good_sims));
    let faulty = |name: &str, deck: Deck, alone: &Ran, share: f64| {
        let ran = run(&pcscd, name, READERS, &deck, &size);
        report(&format!("16 bays, 2% {name}"), &ran, alone);
        check(&ran, &deck, alone, share);
        wall(name, &ran, alone, share);
    };
    faulty("faulty", Deck::with_faults(size.cards), &alone, size.share);
    // Cards of the other class, among them one of each trouble: too few to measure speed by.
    if whole {
        faulty("faulty-sims", Deck::sims_with_faults(size.cards.min(300)), &sim_alone, 0.0);
    }
}

#[test]
fn a_service_that_is_killed_while_cards_are_written_costs_no_card() {
    let _alone = alone();
    let mut pcscd = Pcscd::start(1);
    let size =
        Size { cards: 2, delay: Duration::from_millis(20), watchdog: Duration::from_secs(10), share: 0.0 };
    let deck = Deck::good(size.cards);
    let running = Running::start(&pcscd, "killed", 2, &deck, &size);
    let log = pcscd.folder().join("log");
    wait_for("cards in their readers", || {
        std::fs::read_to_string(&log).unwrap_or_default().matches("Card inserted into").count() == 2
    });
    // In the middle of about fifty commands of 20 ms.
    std::thread::sleep(Duration::from_millis(600));
    pcscd.restart(1);
    let ran = running.end(&size, &deck);
    assert_eq!(ran.summary["done"], 2, "{} {:?}", ran.summary, ran.results);
    assert!(ran.results.iter().all(|result| result["ending"] == "done"), "{:?}", ran.results);
}

/// Runs the program over a deck of cards.
fn run(pcscd: &Pcscd, name: &str, readers: u16, deck: &Deck, size: &Size) -> Ran {
    Running::start(pcscd, name, readers, deck, size).end(size, deck)
}

/// The program at work, and the people.
struct Running {
    batch: Child,
    feeder: Child,
    results: PathBuf,
    began: Instant,
}

impl Running {
    fn start(pcscd: &Pcscd, name: &str, readers: u16, deck: &Deck, size: &Size) -> Self {
        let table = pcscd.folder().join(format!("{name}.csv"));
        let results = table.with_extension("results.jsonl");
        std::fs::write(&table, deck.table()).unwrap();
        let mut batch = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        batch.args(["batch", "run", table.to_str().unwrap(), "--profile", PROFILE, "--as", "cp"]);
        batch.args(["--yes", "--go-on", "--format", "json"]);
        for n in 0..readers {
            batch.args(["-r", &reader(n)]);
        }
        batch.env("BOOTGATE_CARD_WATCHDOG", format!("{}ms", size.watchdog.as_millis()));
        batch.env("BOOTGATE_STORE_PATH", pcscd.folder().join(format!("{name}.db")));

        let mut feeder = pcscd.inside(&std::env::current_exe().unwrap());
        feeder.args(["--exact", "feeder::feeds_cards_to_readers", "--ignored", "--nocapture"]);
        feeder.env("SOAK_FOLDER", pcscd.folder()).env("SOAK_RESULTS", &results);
        feeder.env("SOAK_READERS", readers.to_string()).env("SOAK_DECK", deck.spelled());
        feeder.env("SOAK_DELAY", size.delay.as_millis().to_string());
        feeder.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let notes = std::fs::File::create(table.with_extension("notes")).unwrap();
        let batch = batch.stdout(Stdio::piped()).stderr(notes).spawn().unwrap();
        Self { batch, feeder: feeder.spawn().unwrap(), results, began: Instant::now() }
    }

    /// Waits until all cards were fed.
    fn end(self, size: &Size, deck: &Deck) -> Ran {
        let fed = self.feeder.wait_with_output().unwrap();
        let wall = self.began.elapsed();
        // Rows whose card could not even be read are waited for without end: somebody must say that no more come.
        let _ = Command::new("kill").args(["-INT", &self.batch.id().to_string()]).status();
        let ended = self.batch.wait_with_output().unwrap();
        let said = String::from_utf8(fed.stdout).unwrap();
        let results = std::fs::read_to_string(&self.results).unwrap_or_default();
        let notes = std::fs::read_to_string(self.results.with_extension("").with_extension("notes"))
            .unwrap_or_default();
        let notes: Vec<&str> = notes.lines().filter(|line| !line.contains("warning: adm1")).collect();
        for note in &notes {
            println!("soak: the program says: {note}");
        }
        assert!(fed.status.success(), "{said}\n{}", String::from_utf8_lossy(&fed.stderr));
        let results: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let stints = said.lines().find_map(|line| line.split_once("BAYS ")).unwrap().1;
        let stints: BTreeMap<String, Stint> = serde_json::from_str(stints).unwrap();
        let busy = Duration::from_millis(stints.values().map(|stint| stint.milliseconds).sum());
        let mute: u32 = stints.values().map(|stint| stint.mute).sum();
        let mut seen = BTreeSet::new();
        for result in results.iter().filter(|result| result["iccid"].is_string()) {
            assert!(seen.insert(result["iccid"].as_str()), "a second result of one card: {result}");
        }
        assert_eq!(results.len(), usize::from(deck.len()), "one result for each card that was put in");
        Ran {
            live: stints.values().map(|stint| stint.live).sum(),
            bay_time: busy.saturating_sub(size.watchdog * mute),
            waited: size.watchdog * mute,
            wall,
            summary: serde_json::from_slice(&ended.stdout).unwrap(),
            results,
        }
    }
}

/// The name of a reader: two slots a driver.
fn reader(n: u16) -> String {
    format!("bay {} 00 {:02}", n / 2, n % 2)
}

/// The speed, and the bin of every card.
fn check(ran: &Ran, deck: &Deck, alone: &Ran, wanted: f64) {
    let (mut ended, mut nameless): (BTreeMap<&str, &Value>, _) = (BTreeMap::new(), 0);
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
                assert_eq!(is_mute(result), trouble.is_mute(), "{result}");
            }
            // A card that never said its number: its row waits for it.
            None => {
                assert!(trouble.is_mute(), "{iccid} has no result");
                nameless += 1;
            }
        }
    }
    let without: Vec<_> = ran.results.iter().filter(|result| result["iccid"].is_null()).collect();
    assert_eq!(without.len(), nameless, "one result for each card that did not tell its number: {without:?}");
    let nobodys = |result: &&&Value| result["bin"] == "bad" && result["line"].is_null() && is_mute(result);
    assert_eq!(without.iter().filter(nobodys).count(), nameless, "{without:?}");
    let left_behind = ran.summary["left_behind"].as_array().unwrap().len();
    assert_eq!(left_behind, usize::from(deck.mute()), "threads left behind");
    let share = alone.each().as_secs_f64() / ran.each().as_secs_f64();
    assert!(share >= wanted, "16 bays did {:.0}% of 16 times one", share * 100.0);
}

/// Whether the watchdog has given a card up.
fn is_mute(result: &Value) -> bool {
    result["reason"].as_str().is_some_and(|why| why.contains("no answer for"))
}

/// What all bays did of what so many times one bay would do in the whole time of a run, without the time that they waited for mute
/// cards: what the live bays could do.
fn by_the_wall(ran: &Ran, alone: &Ran) -> f64 {
    let time = f64::from(READERS) * ran.wall.as_secs_f64() - ran.waited.as_secs_f64();
    let live = ran.results.iter().filter(|result| !is_mute(result)).count();
    f64::from(u32::try_from(live).unwrap()) * alone.each().as_secs_f64() / time
}

fn report(what: &str, ran: &Ran, alone: &Ran) {
    let share = 100.0 * alone.each().as_secs_f64() / ran.each().as_secs_f64();
    let a_minute = f64::from(u32::try_from(ran.results.len()).unwrap()) * 60.0 / ran.wall.as_secs_f64();
    println!(
        "soak: {what}: {} results in {:.1} s, {a_minute:.0} a minute; {:.0} ms a card in its bay, {share:.1}% of one bay alone; \
         {:.1}% of 16 times one by the wall",
        ran.results.len(),
        ran.wall.as_secs_f64(),
        ran.each().as_secs_f64() * 1000.0,
        100.0 * by_the_wall(ran, alone),
    );
}
